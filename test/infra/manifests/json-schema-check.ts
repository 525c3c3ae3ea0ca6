type Schema = { readonly [key: string]: unknown };

/** Where a value breaks a JSON schema of the keywords that ours uses; an unknown keyword is an error, so that nothing goes unchecked. */
export function accepts(root: Schema, value: unknown): string[] {
  return check(root, root, value, "$");
}

const KNOWN = new Set([
  "$schema",
  "$defs",
  "$ref",
  "title",
  "description",
  "default",
  "type",
  "const",
  "enum",
  "anyOf",
  "properties",
  "required",
  "additionalProperties",
  "propertyNames",
  "items",
  "minItems",
  "minLength",
  "pattern",
  "minimum",
  "maximum",
]);

function check(root: Schema, schema: Schema, value: unknown, path: string): string[] {
  for (const keyword of Object.keys(schema)) if (!KNOWN.has(keyword)) throw new Error(`unchecked keyword ${keyword}`);
  const problems: string[] = [];
  const say = (condition: boolean, what: string) => {
    if (!condition) problems.push(`${path}: ${what}`);
  };
  if (typeof schema.$ref === "string") {
    const definition = (root.$defs as Record<string, Schema>)[schema.$ref.replace("#/$defs/", "")];
    if (definition === undefined) throw new Error(`no definition ${schema.$ref}`);
    problems.push(...check(root, definition, value, path));
  }
  if (Array.isArray(schema.anyOf))
    say(
      schema.anyOf.some((option) => check(root, option as Schema, value, path).length === 0),
      "none of anyOf",
    );
  if ("const" in schema) say(value === schema.const, `not ${schema.const}`);
  if (Array.isArray(schema.enum)) say(schema.enum.includes(value), "not in enum");
  if (typeof schema.type === "string") say(typeOf(value, schema.type), `not ${schema.type}`);
  if (typeof value === "string") {
    if (typeof schema.minLength === "number") say(value.length >= schema.minLength, "too short");
    if (typeof schema.pattern === "string") say(new RegExp(schema.pattern, "u").test(value), "no match");
  }
  if (typeof value === "number") {
    if (typeof schema.minimum === "number") say(value >= schema.minimum, "too small");
    if (typeof schema.maximum === "number") say(value <= schema.maximum, "too large");
  }
  if (Array.isArray(value)) {
    if (typeof schema.minItems === "number") say(value.length >= schema.minItems, "too few");
    if (schema.items !== undefined)
      for (const [index, item] of value.entries()) problems.push(...check(root, schema.items as Schema, item, `${path}[${index}]`));
  } else if (value !== null && typeof value === "object") {
    const properties = (schema.properties ?? {}) as Record<string, Schema>;
    for (const name of (schema.required ?? []) as string[]) say(Object.hasOwn(value, name), `lacks ${name}`);
    for (const [key, item] of Object.entries(value)) {
      const known = Object.hasOwn(properties, key) ? properties[key] : undefined;
      if (known !== undefined) problems.push(...check(root, known, item, `${path}.${key}`));
      else if (schema.additionalProperties === false) say(false, `unknown ${key}`);
      else if (typeof schema.additionalProperties === "object")
        problems.push(...check(root, schema.additionalProperties as Schema, item, `${path}.${key}`));
      if (schema.propertyNames !== undefined) problems.push(...check(root, schema.propertyNames as Schema, key, `${path}.${key}`));
    }
  }
  return problems;
}

function typeOf(value: unknown, type: string): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return value !== null && typeof value === "object" && !Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}

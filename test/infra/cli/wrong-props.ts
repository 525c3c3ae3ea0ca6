import schema from "../../../infra/topology/service.schema.json" with { type: "json" };

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly required?: readonly string[];
}

export interface WrongProp {
  /** As messages write it: `app.env`, `accept[0].code`. */
  readonly path: string;
  /** An input in which this one value has a type that the schema does not take there. */
  readonly input: unknown;
}

type Step = string | number;
type Wrap = (value: unknown) => unknown;

const VALUES = { boolean: true, number: 7, string: "x", array: [], object: { unknown: 1 } } as const;

/** For each property that the published schema names, wherever it stands: an input with a wrong type in its place. */
export function wrongProps(): WrongProp[] {
  return [...walk(schema as Schema, [], (value) => value)];
}

/** Every property of the input, with a wrong type each. */
export function everythingWrong(): Record<string, unknown> {
  const { $schema: _, ...properties } = schema.properties as Readonly<Record<string, Schema>>;
  return Object.fromEntries(Object.entries(properties).map(([name, one]) => [name, wrongFor(one)]));
}

function* walk(given: Schema, path: readonly Step[], wrap: Wrap): Generator<WrongProp> {
  const one = resolve(given);
  for (const variant of one.anyOf ?? []) yield* walk(variant, path, wrap);
  if (one.items !== undefined) yield* prop(one.items, [...path, 0], (value) => wrap([value]));
  for (const [name, child] of Object.entries(one.properties ?? {})) {
    // A union is told apart by its constants: they have to be there for the property to be looked at.
    const constants = Object.entries(one.properties ?? {}).flatMap(([key, { const: value }]) =>
      value === undefined || key === name ? [] : [[key, value]],
    );
    if (child.const === undefined)
      yield* prop(child, [...path, name], (value) => wrap({ ...Object.fromEntries(constants), [name]: value }));
  }
}

function* prop(child: Schema, path: readonly Step[], wrap: Wrap): Generator<WrongProp> {
  const wrong = wrongFor(child);
  if (wrong !== undefined) yield { path: text(path), input: wrap(wrong) };
  yield* walk(child, path, wrap);
}

function wrongFor(one: Schema): unknown {
  const taken = types(one);
  if (taken.size === 0) return undefined;
  return Object.entries(VALUES).find(([type]) => !taken.has(type))?.[1];
}

function types(given: Schema): Set<string> {
  const one = resolve(given);
  if (one.anyOf !== undefined) return new Set(one.anyOf.flatMap((variant) => [...types(variant)]));
  if (one.enum !== undefined) return new Set(one.enum.map((value) => typeof value));
  if (one.const !== undefined) return new Set([typeof one.const]);
  if (one.type === "integer") return new Set(["number"]);
  return new Set(one.type === undefined ? [] : [one.type]);
}

function resolve(one: Schema): Schema {
  const name = one.$ref?.replace("#/$defs/", "");
  return name === undefined ? one : (schema.$defs as unknown as Readonly<Record<string, Schema>>)[name]!;
}

function text(path: readonly Step[]): string {
  return path.map((step, index) => (typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`)).join("");
}

import { DESCRIPTIONS } from "./descriptions.ts";
import { propsSchema } from "./props.ts";
import { formsOf } from "./tools.ts";
import { configSchema, imageSchema, policySourceSchema, receiptSinkSchema, secretSchema } from "./values.ts";

export type JsonSchema = { readonly [key: string]: unknown };

/** Forms that occur in many places stand once, under these names. */
const DEFINITIONS = new Map<unknown, string>([
  [imageSchema, "image"],
  [secretSchema, "secret"],
  [policySourceSchema, "policySource"],
  [receiptSinkSchema, "receiptSink"],
  [configSchema, "config"],
]);

/** The parts of a valibot schema that are read here. */
interface Part {
  readonly kind: string;
  readonly type: string;
  readonly pipe?: readonly Part[];
  readonly entries?: Readonly<Record<string, Part>>;
  readonly options?: readonly unknown[];
  readonly wrapped?: Part;
  readonly default?: unknown;
  readonly item?: Part;
  readonly key?: Part;
  readonly value?: Part;
  readonly literal?: unknown;
  readonly requirement?: unknown;
}

/** JSON schema (2020-12) of a service.yaml, from the schema that reads it. */
export function serviceJsonSchema(): JsonSchema {
  const definitions = Object.fromEntries([...DEFINITIONS].map(([schema, name]) => [name, convert(schema as Part, "", true)]));
  return {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "chio-kit service",
    description: "A service with the Chio sidecar beside it, for ECS Fargate, Cloud Run, Azure Container Apps and local Docker.",
    ...convert(propsSchema as unknown as Part, "", false),
    $defs: definitions,
  };
}

function convert(part: Part, path: string, whole: boolean): JsonSchema {
  const name = DEFINITIONS.get(part);
  if (name !== undefined && !whole) return { $ref: `#/$defs/${name}` };
  if (part.pipe !== undefined) {
    const [first, ...actions] = part.pipe;
    if (first === undefined) throw new Error("an empty pipe");
    const schema: Record<string, unknown> = { ...convert(first, path, whole) };
    for (const action of actions) Object.assign(schema, constraint(action, schema));
    return schema;
  }
  switch (part.type) {
    case "string":
    case "number":
    case "boolean":
      return { type: part.type };
    case "literal":
      return { const: part.literal };
    case "picklist":
      return { enum: part.options };
    case "nullable":
      return { anyOf: [convert(wrapped(part), path, false), { type: "null" }] };
    case "optional":
    case "exact_optional":
      return { ...convert(wrapped(part), path, false), ...(part.default === undefined ? {} : { default: part.default }) };
    case "array":
      return { type: "array", items: convert(present(part.item), `${path}[]`, false) };
    case "record":
      return {
        type: "object",
        propertyNames: convert(present(part.key), path, false),
        additionalProperties: convert(present(part.value), path, false),
      };
    case "variant":
      return { anyOf: (part.options ?? []).map((option) => convert(option as Part, path, false)) };
    case "lazy":
      return { anyOf: present(formsOf(part)).map((form) => convert(form as unknown as Part, path, false)) };
    case "strict_object":
      return object(present(part.entries), path);
    default:
      throw new Error(`no JSON schema for ${part.type} at ${path}`);
  }
}

function object(entries: Readonly<Record<string, Part>>, path: string): JsonSchema {
  const properties = Object.entries(entries).map(([key, entry]) => {
    const at = path === "" ? key : `${path}.${key}`;
    const description = DESCRIPTIONS[at];
    return [key, { ...convert(entry, at, false), ...(description === undefined ? {} : { description }) }];
  });
  const required = Object.entries(entries)
    .filter(([, entry]) => entry.type !== "optional" && entry.type !== "exact_optional")
    .map(([key]) => key);
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
}

/** What an action after the type adds. Transforms and free checks have no counterpart. */
function constraint(action: Part, schema: JsonSchema): JsonSchema {
  switch (action.type) {
    case "min_length":
      return schema.type === "array" ? { minItems: action.requirement } : { minLength: action.requirement };
    case "regex":
      return { pattern: (action.requirement as RegExp).source };
    case "integer":
      return { type: "integer" };
    case "min_value":
      return { minimum: action.requirement };
    case "max_value":
      return action.requirement === Number.MAX_SAFE_INTEGER ? {} : { maximum: action.requirement };
    case "check":
    case "transform":
    case "raw_transform":
      return {};
    default:
      throw new Error(`no JSON schema for the action ${action.type}`);
  }
}

function wrapped(part: Part): Part {
  return present(part.wrapped);
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("a schema without its inner part");
  return value;
}

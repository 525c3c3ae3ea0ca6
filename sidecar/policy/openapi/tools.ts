import type { Json, JsonObject } from "../../wire/json.ts";
import type { SourceDocument } from "../document.ts";
import type { Route, RouteTable } from "../types.ts";
import { isObject, isProblem, resolveReference } from "./references.ts";

/** A tool of a manifest, `chio.manifest.v1`. */
export interface ManifestTool {
  name: string;
  description: string;
  input_schema: JsonObject;
  output_schema?: JsonObject;
  has_side_effects: boolean;
  latency_hint: "instant" | "fast" | "moderate" | "slow";
}

/** A tool derived from an operation, with what the manifest format has no field for. */
export interface DerivedTool extends ManifestTool {
  annotations: { read_only: boolean; destructive: boolean; idempotent: boolean; requires_approval: boolean };
}

/** Routes of an OpenAPI document, and the tools that its published operations make. */
export interface OpenApiTable extends RouteTable {
  tools(): DerivedTool[];
}

export interface OperationSource {
  route: Route;
  operation: JsonObject;
  pathItem: JsonObject;
}

export interface ManifestBody {
  schema: "chio.manifest.v1";
  server_id: string;
  name: string;
  description?: string;
  version: string;
  tools: ManifestTool[];
  required_permissions: { read_paths: string[]; write_paths: string[]; network_hosts: string[]; environment_variables: string[] };
  public_key: string;
}

/** The unsigned manifest of a document's published operations. */
export function toManifest(table: OpenApiTable, server: { serverId: string; publicKey: string; description?: string }): ManifestBody {
  return {
    schema: "chio.manifest.v1",
    server_id: server.serverId,
    name: table.title,
    ...(server.description === undefined ? {} : { description: server.description }),
    version: table.version,
    tools: table.tools().map(({ annotations: _, ...tool }) => tool),
    required_permissions: { read_paths: [], write_paths: [], network_hosts: [], environment_variables: [] },
    public_key: server.publicKey,
  };
}

/** One tool for each operation that `x-chio-publish: false` does not hide, in document order. */
export function deriveTools(document: SourceDocument, operations: readonly OperationSource[]): DerivedTool[] {
  return operations.filter(({ route }) => route.publish).map((source) => deriveTool(document, source));
}

function deriveTool(document: SourceDocument, { route, operation, pathItem }: OperationSource): DerivedTool {
  const { method } = route;
  const inline = new SchemaInliner(document);
  const properties: JsonObject = {};
  const required: string[] = [];
  for (const parameter of parameters(document, pathItem, operation)) {
    const name = parameter.name;
    if (typeof name !== "string" || (parameter.in !== "path" && parameter.in !== "query")) continue;
    define(properties, name, inline.schema(parameter.schema, { type: "string" }));
    if (parameter.in === "path" || parameter.required === true) required.push(name);
  }
  const body = dereference(document, operation.requestBody);
  if (body !== null) {
    define(properties, "body", inline.schema(mediaSchema(body.content), { type: "object" }));
    required.push("body");
  }
  const readOnly = method === "GET" || method === "HEAD" || method === "OPTIONS";
  const output = responseSchema(document, operation.responses);
  const summary = [operation.summary, operation.description].find((text) => typeof text === "string" && text.trim() !== "");
  const tool: DerivedTool = {
    name: route.operationId ?? `${method} ${route.pattern}`,
    description: typeof summary === "string" ? summary : `${method} ${route.pattern}`,
    input_schema: { type: "object", properties, ...(required.length === 0 ? {} : { required: [...new Set(required)] }) },
    has_side_effects: typeof operation["x-chio-side-effects"] === "boolean" ? operation["x-chio-side-effects"] : !readOnly,
    latency_hint: readOnly ? "fast" : "moderate",
    annotations: {
      read_only: readOnly,
      destructive: method === "DELETE",
      idempotent: readOnly || method === "PUT" || method === "DELETE",
      requires_approval: route.approvalRequired,
    },
  };
  if (output !== undefined) tool.output_schema = inline.schema(output, { type: "object" });
  return tool;
}

/** Parameters of the path item and the operation; the operation's replace those of the same name and place. */
function parameters(document: SourceDocument, pathItem: JsonObject, operation: JsonObject): JsonObject[] {
  const found = new Map<string, JsonObject>();
  for (const list of [pathItem.parameters, operation.parameters]) {
    for (const entry of Array.isArray(list) ? list : []) {
      const parameter = dereference(document, entry);
      if (parameter !== null) found.set(`${String(parameter.in)} ${String(parameter.name)}`, parameter);
    }
  }
  return [...found.values()];
}

/** Schema of the 200 response, then 201, then any other 2xx. */
function responseSchema(document: SourceDocument, responses: Json | undefined): Json | undefined {
  if (!isObject(responses)) return undefined;
  const codes = ["200", "201", ...Object.keys(responses).filter((code) => /^2(\d\d|XX)$/i.test(code))];
  const code = codes.find((candidate) => Object.hasOwn(responses, candidate));
  const response = code === undefined ? null : dereference(document, responses[code]);
  return response === null ? undefined : mediaSchema(response.content);
}

/** The schema for JSON, or for the first media type. */
function mediaSchema(content: Json | undefined): Json | undefined {
  if (!isObject(content)) return undefined;
  const media = content["application/json"] ?? Object.values(content)[0];
  return isObject(media) ? media.schema : undefined;
}

function dereference(document: SourceDocument, value: Json | undefined): JsonObject | null {
  if (!isObject(value)) return null;
  const resolved = resolveReference(document, value, []);
  return isProblem(resolved) ? null : resolved.value;
}

const MAX_INLINE_DEPTH = 24;
const MAX_INLINE_VALUES = 20_000;

/** Writes schemas out, so that a tool's schema stands alone. What leads back into itself, or too far, becomes `{}`: anything. */
class SchemaInliner {
  readonly #document: SourceDocument;
  #values = 0;

  constructor(document: SourceDocument) {
    this.#document = document;
  }

  schema(value: Json | undefined, fallback: JsonObject): JsonObject {
    const inlined = value === undefined ? fallback : this.#inline(value, 0, new Set());
    return isObject(inlined) ? inlined : fallback;
  }

  #inline(value: Json, depth: number, open: Set<JsonObject>): Json {
    this.#values += 1;
    if (value === null || typeof value !== "object") return value;
    if (depth > MAX_INLINE_DEPTH || this.#values > MAX_INLINE_VALUES) return Array.isArray(value) ? [] : {};
    if (Array.isArray(value)) return value.map((item) => this.#inline(item, depth + 1, open));
    const target = typeof value.$ref === "string" ? dereference(this.#document, value) : value;
    if (target === null || open.has(target)) return {};
    const inner = new Set(open).add(target);
    const copy: JsonObject = {};
    for (const [key, member] of Object.entries(target)) define(copy, key, this.#inline(member, depth + 1, inner));
    return copy;
  }
}

/** Also for a key named `__proto__`. */
function define(object: JsonObject, key: string, value: Json): void {
  Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

import type { HttpMethod } from "../../policy/types.ts";
import { FieldReader } from "../../wire/fields.ts";
import type { Json, JsonObject } from "../../wire/json.ts";
import { parseJson } from "../../wire/parse.ts";
import type { AuthMethod, CallerIdentity } from "../../wire/types.ts";
import { HTTP_METHODS } from "../request.ts";
import { badPayload } from "./route.ts";

/** Body of `POST /chio/evaluate`. `route_pattern`, `body_length` and `timestamp` are asked for and not used: the sidecar has its own. */
export interface ChioHttpRequest {
  requestId: string;
  method: HttpMethod;
  path: string;
  query: JsonObject;
  /** Lower-case names. */
  headers: ReadonlyMap<string, string>;
  caller: CallerIdentity;
  bodyHash: string | null;
  sessionId: string | undefined;
  capabilityId: string | undefined;
  toolServer: string | undefined;
  toolName: string | undefined;
  arguments: Json;
  modelMetadata: JsonObject | undefined;
}

const MAX_ID_LENGTH = 256;

/** Unknown keys are let pass, as every reader of this shape does. Throws WireError. */
export function readEvaluateRequest(body: Uint8Array, maxBytes: number): ChioHttpRequest {
  const reader = new FieldReader(parseJson(body, { maxBytes }), "$", "invalid_json");
  const requestId = reader.nonEmptyString("request_id");
  if (requestId.length > MAX_ID_LENGTH) throw reader.fail(`$.request_id is longer than ${MAX_ID_LENGTH} characters`);
  reader.string("route_pattern");
  reader.integer("timestamp");
  reader.optionalInteger("body_length");
  const bodyHash = reader.optionalString("body_hash") ?? null;
  if (bodyHash !== null && !/^[0-9a-f]{64}$/.test(bodyHash)) throw reader.fail("$.body_hash must be 64 lower-case hex characters");
  return {
    requestId,
    method: reader.oneOf("method", HTTP_METHODS),
    path: reader.string("path"),
    query: stringMap(reader, "query"),
    headers: headerMap(reader),
    caller: readCaller(reader.object("caller")),
    bodyHash,
    sessionId: reader.optionalString("session_id"),
    capabilityId: reader.optionalString("capability_id"),
    toolServer: reader.optionalString("tool_server"),
    toolName: reader.optionalString("tool_name"),
    arguments: reader.get("arguments") ?? null,
    modelMetadata: reader.optionalObject("model_metadata"),
  };
}

function stringMap(reader: FieldReader, name: string): JsonObject {
  const map = reader.optionalObject(name) ?? {};
  for (const [key, value] of Object.entries(map)) {
    if (typeof value !== "string")
      throw badPayload(`invalid ChioHttpRequest payload: ${name}[${JSON.stringify(key.slice(0, 60))}] must be a string`);
  }
  return map;
}

function headerMap(reader: FieldReader): Map<string, string> {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(stringMap(reader, "headers"))) {
    const lower = name.toLowerCase();
    if (headers.has(lower)) throw badPayload(`invalid ChioHttpRequest payload: header ${JSON.stringify(lower.slice(0, 60))} is repeated`);
    headers.set(lower, value as string);
  }
  return headers;
}

function readCaller(reader: FieldReader): CallerIdentity {
  const tenant = reader.optionalString("tenant");
  const agentId = reader.optionalString("agent_id");
  return {
    subject: reader.string("subject"),
    auth_method: readAuthMethod(reader.object("auth_method")),
    verified: reader.optionalBoolean("verified") ?? false,
    ...(tenant === undefined ? {} : { tenant }),
    ...(agentId === undefined ? {} : { agent_id: agentId }),
  };
}

function readAuthMethod(reader: FieldReader): AuthMethod {
  const method = reader.oneOf("method", ["bearer", "api_key", "cookie", "mtls_certificate", "anonymous"]);
  switch (method) {
    case "bearer":
      return { method, token_hash: reader.string("token_hash") };
    case "api_key":
      return { method, key_name: reader.string("key_name"), key_hash: reader.string("key_hash") };
    case "cookie":
      return { method, cookie_name: reader.string("cookie_name"), cookie_hash: reader.string("cookie_hash") };
    case "mtls_certificate":
      return { method, subject_dn: reader.string("subject_dn"), fingerprint: reader.string("fingerprint") };
    default:
      return { method };
  }
}

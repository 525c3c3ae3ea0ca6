import { WireError } from "./errors.ts";
import { FieldReader, isObject } from "./fields.ts";
import type { Json } from "./json.ts";
import { MAX_JSON_DEPTH, parseJson } from "./parse.ts";
import type { ChioReceipt, HttpReceipt } from "./types.ts";

/** A receipt embeds the parameters of a call, so it may be a few levels deeper than what a call may bring. */
export const MAX_RECEIPT_DEPTH = MAX_JSON_DEPTH + 8;

const RECEIPT_KINDS = ["mediated_decision", "trace_observation", "advisory_evaluation"] as const;
const BOUNDARIES = ["prevent", "detect_only", "advisory_only", "cannot_see"] as const;
const OUTCOMES = ["observed", "evaluated", "dropped"] as const;
const ORIGINS = ["caller_executed", "host_executed_provider_reported", "host_executed_unmediated"] as const;
const REDACTIONS = ["none", "summary", "redacted"] as const;
const TRUST_LEVELS = ["mediated", "verified", "advisory"] as const;

export type AnyReceipt = { kind: "tool"; receipt: ChioReceipt } | { kind: "http"; receipt: HttpReceipt };

/** Reads a receipt of either kind: JSON text, or a value that `parseJson` gave. An HTTP receipt is the one with a `verdict` of its own. */
export function parseReceipt(input: string | Uint8Array | Json): AnyReceipt {
  const value = toValue(input);
  return isObject(value) && Object.hasOwn(value, "verdict") && !Object.hasOwn(value, "action")
    ? { kind: "http", receipt: readHttpReceipt(value) }
    : { kind: "tool", receipt: readToolReceipt(value) };
}

/**
 * Reads a tool receipt. The value is kept as it came, unknown fields too: they are part of the hashed bytes, so one that the signer did not
 * write makes the id wrong.
 */
export function parseToolReceipt(input: string | Uint8Array | Json): ChioReceipt {
  return readToolReceipt(toValue(input));
}

/** Reads an HTTP receipt; kept as it came, like {@link parseToolReceipt}. */
export function parseHttpReceipt(input: string | Uint8Array | Json): HttpReceipt {
  return readHttpReceipt(toValue(input));
}

function readToolReceipt(value: Json): ChioReceipt {
  const reader = new FieldReader(value, "$", "invalid_receipt");
  readCommon(reader);
  reader.string("capability_id");
  reader.string("tool_server");
  reader.string("tool_name");
  const action = reader.object("action");
  action.string("parameter_hash");
  if (!action.keys().includes("parameters")) throw action.fail("$.action.parameters is missing");
  if (reader.get("decision") !== undefined) {
    const decision = reader.object("decision");
    const verdict = decision.oneOf("verdict", ["allow", "deny", "cancelled", "incomplete"]);
    if (verdict !== "allow") decision.string("reason");
    if (verdict === "deny") decision.string("guard");
  }
  reader.optionalString("tenant_id");
  reader.optionalString("bbs_projection_version");
  reader.algorithm();
  return withoutNulls(value) as unknown as ChioReceipt;
}

function readHttpReceipt(value: Json): HttpReceipt {
  const reader = new FieldReader(value, "$", "invalid_receipt");
  readCommon(reader);
  reader.string("request_id");
  reader.string("route_pattern");
  reader.string("method");
  reader.string("caller_identity_hash");
  reader.optionalString("session_id");
  reader.optionalString("capability_id");
  reader.integer("response_status", 999);
  const verdict = reader.object("verdict");
  const word = verdict.oneOf("verdict", ["allow", "deny", "cancel", "incomplete"]);
  if (word !== "allow") verdict.string("reason");
  if (word === "deny") {
    verdict.string("guard");
    verdict.optionalInteger("http_status", 999);
  }
  reader.algorithm();
  return withoutNulls(value) as unknown as HttpReceipt;
}

function readCommon(reader: FieldReader): void {
  reader.hex("id", 64, "a receipt id");
  reader.signature("signature");
  reader.publicKey("kernel_key");
  reader.integer("timestamp");
  reader.string("content_hash");
  reader.string("policy_hash");
  reader.oneOf("receipt_kind", RECEIPT_KINDS);
  reader.oneOf("boundary_class", BOUNDARIES);
  reader.optionalOneOf("observation_outcome", OUTCOMES);
  reader.oneOf("tool_origin", ORIGINS);
  reader.oneOf("redaction_mode", REDACTIONS);
  reader.oneOf("trust_level", TRUST_LEVELS);
  reader.optionalObject("metadata");
  (reader.optionalArray("evidence") ?? []).forEach((item, i) => {
    const evidence = reader.at(item, `evidence[${i}]`);
    evidence.string("guard_name");
    evidence.boolean("verdict");
    evidence.optionalString("details");
  });
  (reader.optionalArray("actor_chain") ?? []).forEach((item, i) => {
    const actor = reader.at(item, `actor_chain[${i}]`);
    actor.string("actor_id");
    actor.optionalString("actor_kind");
  });
}

function toValue(input: string | Uint8Array | Json): Json {
  return typeof input === "string" || input instanceof Uint8Array ? parseJson(input, { maxDepth: MAX_RECEIPT_DEPTH }) : input;
}

/** Readers that print absent optionals as null are common; the signed form never has them. */
function withoutNulls(value: Json): Json {
  if (!isObject(value)) throw new WireError("invalid_receipt", "$ must be an object");
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

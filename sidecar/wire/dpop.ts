import { canonicalize } from "./canonical.ts";
import { WireError } from "./errors.ts";
import { FieldReader } from "./fields.ts";
import { sha256Hex } from "./hash.ts";
import type { Json } from "./json.ts";
import { type Keypair, verifySignature } from "./keys.ts";
import { parseJson } from "./parse.ts";
import type { CapabilityToken, PublicKeyHex, Sha256Hex, SignatureHex } from "./types.ts";

export const DPOP_SCHEMA = "chio.dpop_proof.v1";
/** Seconds that a proof stays fresh, and that its issuer's clock may run ahead. */
export const DPOP_MAX_AGE_SECONDS = 300;
export const DPOP_MAX_SKEW_SECONDS = 30;
const MAX_PROOF_BYTES = 16 * 1024;
const MAX_NONCE_LENGTH = 256;

const BODY_FIELDS: ReadonlySet<string> = new Set([
  "schema",
  "capability_id",
  "tool_server",
  "tool_name",
  "action_hash",
  "nonce",
  "issued_at",
  "agent_key",
]);
const PROOF_FIELDS: ReadonlySet<string> = new Set(["body", "signature"]);

export interface DpopBody {
  schema: typeof DPOP_SCHEMA;
  capability_id: string;
  tool_server: string;
  tool_name: string;
  /** SHA-256 of JCS(arguments). */
  action_hash: Sha256Hex;
  nonce: string;
  /** Unix seconds. */
  issued_at: number;
  agent_key: PublicKeyHex;
}

export interface DpopProof {
  body: DpopBody;
  signature: SignatureHex;
}

export type DpopFailure =
  | "agent_key_mismatch"
  | "capability_mismatch"
  | "tool_mismatch"
  | "action_hash_mismatch"
  | "not_yet_valid"
  | "expired"
  | "signature_invalid";

export function parseDpopProof(input: string | Uint8Array | Json): DpopProof {
  const value = typeof input === "string" || input instanceof Uint8Array ? parseJson(input, { maxBytes: MAX_PROOF_BYTES }) : input;
  const reader = new FieldReader(value, "$", "invalid_dpop_proof").only(PROOF_FIELDS);
  const body = reader.object("body").only(BODY_FIELDS);
  const nonce = body.nonEmptyString("nonce");
  if (nonce.length > MAX_NONCE_LENGTH) throw body.fail(`$.body.nonce is longer than ${MAX_NONCE_LENGTH} characters`);
  return {
    body: {
      schema: body.oneOf("schema", [DPOP_SCHEMA]),
      capability_id: body.nonEmptyString("capability_id"),
      tool_server: body.string("tool_server"),
      tool_name: body.string("tool_name"),
      action_hash: body.hex("action_hash", 64, "a SHA-256 digest"),
      nonce,
      issued_at: body.integer("issued_at"),
      agent_key: body.publicKey("agent_key"),
    },
    signature: reader.signature("signature"),
  };
}

/**
 * Checks that the holder of the capability's subject key asks for exactly this call, now (unix seconds). Replay is the caller's to check: the key is
 * (nonce, capability id), to be remembered until `expiresAt`.
 */
export function verifyDpopProof(
  proof: DpopProof,
  call: { capability: CapabilityToken; toolServer: string; toolName: string; arguments: Json; now: number },
): { ok: true; nonce: string; expiresAt: number } | { ok: false; reason: DpopFailure } {
  const { body } = proof;
  if (body.agent_key !== call.capability.subject) return { ok: false, reason: "agent_key_mismatch" };
  if (body.capability_id !== call.capability.id) return { ok: false, reason: "capability_mismatch" };
  if (body.tool_server !== call.toolServer || body.tool_name !== call.toolName) return { ok: false, reason: "tool_mismatch" };
  if (body.action_hash !== sha256Hex(canonicalize(call.arguments))) return { ok: false, reason: "action_hash_mismatch" };
  // Written so that a clock that gives NaN refuses.
  if (!(body.issued_at <= call.now + DPOP_MAX_SKEW_SECONDS)) return { ok: false, reason: "not_yet_valid" };
  if (!(call.now < body.issued_at + DPOP_MAX_AGE_SECONDS)) return { ok: false, reason: "expired" };
  if (!verifySignature(body.agent_key, canonicalize(body), proof.signature)) return { ok: false, reason: "signature_invalid" };
  return { ok: true, nonce: body.nonce, expiresAt: body.issued_at + DPOP_MAX_AGE_SECONDS };
}

/** Makes a proof for one call with the agent's key. `issuedAt`: unix seconds; `nonce`: unique per capability within five minutes. */
export function signDpopProof(
  call: { capabilityId: string; toolServer: string; toolName: string; arguments: Json; nonce: string; issuedAt: number },
  agent: Keypair,
): DpopProof {
  if (call.nonce === "") throw new WireError("invalid_dpop_proof", "the nonce is empty");
  const body: DpopBody = {
    schema: DPOP_SCHEMA,
    capability_id: call.capabilityId,
    tool_server: call.toolServer,
    tool_name: call.toolName,
    action_hash: sha256Hex(canonicalize(call.arguments)),
    nonce: call.nonce,
    issued_at: call.issuedAt,
    agent_key: agent.publicKeyHex,
  };
  return { body, signature: agent.sign(canonicalize(body)) };
}

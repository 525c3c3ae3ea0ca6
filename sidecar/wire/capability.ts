import { canonicalize } from "./canonical.ts";
import { type DelegationReport, parseDelegationLink, verifyDelegationChain } from "./delegation.ts";
import { WireError } from "./errors.ts";
import { FieldReader } from "./fields.ts";
import type { Json, JsonObject } from "./json.ts";
import { type Keypair, verifySignature } from "./keys.ts";
import { parseJson } from "./parse.ts";
import { parseScope } from "./scope.ts";
import type { CapabilityBody, CapabilityToken } from "./types.ts";

export { verifyDelegationChain } from "./delegation.ts";

export const CAPABILITY_SCHEMA = "chio.capability.v1";
/** A token larger than this is refused before it is read. */
export const MAX_CAPABILITY_BYTES = 256 * 1024;

const TOKEN_FIELDS: ReadonlySet<string> = new Set([
  "schema",
  "id",
  "issuer",
  "subject",
  "scope",
  "issued_at",
  "expires_at",
  "delegation_chain",
  "caveats",
  "scope_attenuations",
  "attenuation_proof",
  "budget_share_bps",
  "algorithm",
  "signature",
]);
const CAVEAT_FIELDS: ReadonlySet<string> = new Set(["kind", "predicate", "sig"]);
const CAVEAT_KINDS = ["restrict_tool", "bind_session", "restrict_audience", "restrict_geo", "restrict_time_window"] as const;

export type TimeStatus = "valid" | "not_yet_valid" | "expired";

export interface CapabilityReport {
  /** Everything below holds; an issuer list that was given included. */
  ok: boolean;
  signature_valid: boolean;
  delegation_chain_shape_valid: boolean;
  /** The chain belongs to this token: see `verifyDelegationChain`. */
  delegation_chain_bound: boolean;
  delegation_depth: number;
  delegation_chain_reason?: string;
  time_valid: boolean;
  time_status: TimeStatus;
  /** Only when trusted issuers were given. */
  issuer_trusted?: boolean;
  capability_id: string;
  issuer: string;
  subject: string;
  issued_at: number;
  expires_at: number;
  /** Unix seconds that the time was judged at. */
  verified_at: number;
}

/**
 * Reads a capability token strictly: JSON text, or a value that `parseJson` gave. An unknown field, an unknown constraint type or another
 * algorithm than Ed25519 refuses the whole token. A missing `schema` is filled in; it is part of the signed bytes. Says nothing about validity.
 */
export function parseCapability(input: string | Uint8Array | Json): CapabilityToken {
  const value = typeof input === "string" || input instanceof Uint8Array ? parseJson(input, { maxBytes: MAX_CAPABILITY_BYTES }) : input;
  const reader = new FieldReader(value, "$", "invalid_capability").only(TOKEN_FIELDS);
  const token: CapabilityToken = { ...parseBody(reader), signature: reader.signature("signature") };
  const algorithm = reader.algorithm();
  if (algorithm !== undefined) token.algorithm = algorithm;
  return token;
}

function parseBody(reader: FieldReader): CapabilityBody {
  const schema = reader.optionalString("schema");
  if (schema !== undefined && schema !== CAPABILITY_SCHEMA) throw reader.fail(`$.schema must be ${CAPABILITY_SCHEMA}`);
  const body: CapabilityBody = {
    schema: CAPABILITY_SCHEMA,
    id: reader.nonEmptyString("id"),
    issuer: reader.publicKey("issuer"),
    subject: reader.publicKey("subject"),
    scope: parseScope(reader.get("scope")),
    issued_at: reader.integer("issued_at"),
    expires_at: reader.integer("expires_at"),
  };
  const chain = reader.optionalArray("delegation_chain");
  if (chain) body.delegation_chain = chain.map((link, i) => parseDelegationLink(reader.at(link, `delegation_chain[${i}]`)));
  const caveats = reader.optionalArray("caveats");
  if (caveats) body.caveats = caveats.map((caveat, i) => parseCaveat(caveat, reader.at(caveat, `caveats[${i}]`)));
  const attenuations = reader.optionalObjects("scope_attenuations");
  if (attenuations) body.scope_attenuations = attenuations;
  const proof = reader.optionalObject("attenuation_proof");
  if (proof) body.attenuation_proof = proof;
  const share = reader.optionalInteger("budget_share_bps", 10_000);
  if (share !== undefined) body.budget_share_bps = share;
  return body;
}

function parseCaveat(value: Json, reader: FieldReader): JsonObject {
  reader.only(CAVEAT_FIELDS).oneOf("kind", CAVEAT_KINDS);
  if (reader.get("predicate") === undefined) throw reader.fail(`${reader.path}.predicate is missing`);
  return value as JsonObject;
}

/** Signs a body after reading it back strictly, so that no token is issued that this code would refuse. The key must be the issuer's. */
export function issueCapability(body: Omit<CapabilityBody, "schema"> & { schema?: string }, issuer: Keypair): CapabilityToken {
  const parsed = parseBody(new FieldReader(body as unknown as Json, "$", "invalid_capability").only(TOKEN_FIELDS));
  if (parsed.issuer !== issuer.publicKeyHex)
    throw new WireError("wrong_signer", "a capability is signed by the key that it names as issuer");
  if (parsed.expires_at <= parsed.issued_at) throw new WireError("invalid_capability", "$.expires_at must be later than $.issued_at");
  return { ...parsed, signature: issuer.sign(canonicalize(parsed)) };
}

/** Canonical JSON that the issuer signs: the token without signature and algorithm, with its schema. */
export function capabilitySigningJson(token: CapabilityToken): string {
  const { signature: _signature, algorithm: _algorithm, ...body } = token;
  return canonicalize({ ...body, schema: CAPABILITY_SCHEMA });
}

export function verifyCapabilitySignature(token: CapabilityToken): boolean {
  return verifySignature(token.issuer, capabilitySigningJson(token), token.signature);
}

/** `at`: unix seconds. Valid from `issued_at` (inclusive) to `expires_at` (exclusive). */
export function capabilityTimeStatus(token: Pick<CapabilityBody, "issued_at" | "expires_at">, at: number): TimeStatus {
  if (at < token.issued_at) return "not_yet_valid";
  // Also true for NaN: a clock that cannot be read never makes a token valid.
  return at < token.expires_at ? "valid" : "expired";
}

/** Judges a token at `at` (unix seconds) without any store: revocation, binding and grants are the kernel's. */
export function inspectCapability(
  token: CapabilityToken,
  options: { at: number; maxDelegationDepth?: number | undefined; trustedIssuers?: ReadonlySet<string> | readonly string[] | undefined },
): CapabilityReport {
  const signatureValid = verifyCapabilitySignature(token);
  const chain: DelegationReport = verifyDelegationChain(token, options.maxDelegationDepth);
  const timeStatus = capabilityTimeStatus(token, options.at);
  const trusted = options.trustedIssuers === undefined ? undefined : new Set(options.trustedIssuers).has(token.issuer);
  return {
    ok: signatureValid && chain.valid && timeStatus === "valid" && trusted !== false,
    signature_valid: signatureValid,
    delegation_chain_shape_valid: chain.shape_valid,
    delegation_chain_bound: chain.valid,
    delegation_depth: token.delegation_chain?.length ?? 0,
    ...(chain.reason === undefined ? {} : { delegation_chain_reason: chain.reason }),
    time_valid: timeStatus === "valid",
    time_status: timeStatus,
    ...(trusted === undefined ? {} : { issuer_trusted: trusted }),
    capability_id: token.id,
    issuer: token.issuer,
    subject: token.subject,
    issued_at: token.issued_at,
    expires_at: token.expires_at,
    verified_at: options.at,
  };
}

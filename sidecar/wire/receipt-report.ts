import type { BoundaryClass, ReceiptKind, TrustLevel } from "./types.ts";

export type DecisionLabel = "allow" | "deny" | "cancelled" | "incomplete" | "none";

/** What a verifier says about a receipt of either kind. `ok` and `authorized` are the tests; `result` is a label, never an authorisation. */
export interface ReceiptReport {
  /** The raw signature verifies, the id is the body's hash, and the semantics are coherent. */
  signature_valid: boolean;
  /** `kernel_key` is one of the trusted keys. False when none were given. */
  signer_trusted: boolean;
  receipt_id_valid: boolean;
  /** Tool receipt: the hash of its parameters. HTTP receipt: `content_hash` is a SHA-256 digest. */
  parameter_hash_valid: boolean;
  receipt_kind: ReceiptKind;
  boundary_class: BoundaryClass;
  trust_level: TrustLevel;
  /** Tool receipt: Authorized, Denied, Cancelled, Incomplete, Invalid, Observed, Advisory. HTTP receipt: the decision. */
  result: string;
  decision: DecisionLabel;
  /** `ok` and the decision is allow. */
  authorized: boolean;
  signer_key_hex: string;
  /** All of the above hold and the receipt is a mediated decision. */
  ok: boolean;
}

interface Semantics {
  receipt_kind: string;
  boundary_class: string;
  observation_outcome?: string | undefined;
  trust_level: string;
}

/** The three rows of meaning that a signed receipt may have; anything else is not signable and does not verify. */
export function isCoherent(receipt: Semantics, hasDecision: boolean): boolean {
  const observed = receipt.observation_outcome !== undefined;
  switch (receipt.receipt_kind) {
    case "mediated_decision":
      return receipt.boundary_class === "prevent" && !observed && hasDecision && receipt.trust_level === "mediated";
    case "trace_observation":
      return receipt.boundary_class === "detect_only" && observed && !hasDecision && receipt.trust_level === "verified";
    case "advisory_evaluation":
      return receipt.boundary_class === "advisory_only" && observed && !hasDecision && receipt.trust_level === "advisory";
    default:
      return false;
  }
}

export function isTrusted(key: string, trustedKeys: ReadonlySet<string> | readonly string[] | undefined): boolean {
  if (trustedKeys === undefined) return false;
  return Array.isArray(trustedKeys) ? trustedKeys.includes(key) : (trustedKeys as ReadonlySet<string>).has(key);
}

export interface VerifyReceiptOptions {
  /** Public keys, 64 lower-case hex. Without them no signer is trusted and `ok` is false. */
  trustedKeys?: ReadonlySet<string> | readonly string[] | undefined;
  /** Also ask that `content_hash` and `policy_hash` are SHA-256 digests, as the sidecar's routes do. */
  requireDigests?: boolean | undefined;
}

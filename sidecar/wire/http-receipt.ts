import { canonicalize, canonicalMembers, joinMembers } from "./canonical.ts";
import { WireError } from "./errors.ts";
import { isLowerHex, sha256Hex } from "./hash.ts";
import { type HttpReceiptText, httpReceiptText, withId, withIdAndSignature } from "./http-receipt-text.ts";
import { type Keypair, verifySignature } from "./keys.ts";
import { signReceipt } from "./receipt.ts";
import { type DecisionLabel, isCoherent, isTrusted, type ReceiptReport, type VerifyReceiptOptions } from "./receipt-report.ts";
import type {
  ChioReceipt,
  ChioReceiptBody,
  HttpReceipt,
  HttpReceiptBody,
  HttpVerdict,
  PublicKeyHex,
  Sha256Hex,
  SignatureHex,
  ToolDecision,
} from "./types.ts";

export { parseHttpReceipt } from "./receipt-parse.ts";

/** Signs an HTTP receipt: its id is the hash of the body, its signature is over JCS(body with id). Refuses incoherent semantics. */
export function signHttpReceipt(body: HttpReceiptBody, keypair: Keypair): HttpReceipt {
  return signHttpReceiptWithText(body, keypair).receipt;
}

export interface SignedHttpReceipt {
  receipt: HttpReceipt;
  /** JCS text of the signed receipt: what a ledger stores and hashes. */
  canonicalJson: string;
}

/** As {@link signHttpReceipt}, with the text that was written on the way. */
export function signHttpReceiptWithText(body: HttpReceiptBody, keypair: Keypair): SignedHttpReceipt {
  const text = unsignedHttpReceipt(body, keypair.publicKeyHex);
  const { id, signature } = signHttpReceiptText(text, keypair);
  return { receipt: { ...body, id, signature }, canonicalJson: withIdAndSignature(text, id, signature) };
}

/** Text of a receipt that the holder of `kernelKey` will sign, maybe in another thread. Refuses incoherent semantics. */
export function unsignedHttpReceipt(body: HttpReceiptBody, kernelKey: PublicKeyHex): HttpReceiptText {
  if (body.kernel_key !== kernelKey) throw new WireError("wrong_signer", "a receipt is signed by the key that it names as kernel_key");
  // Of the coherent rows only the mediated decision has one, and an HTTP verdict is one.
  if (!isCoherent(body, true)) {
    throw new WireError("incoherent_receipt", "an HTTP receipt is a mediated decision at boundary prevent, without an observation outcome");
  }
  if (body.evidence.length === 0) {
    throw new WireError("incoherent_receipt", "an HTTP receipt carries at least one piece of evidence", {
      fix: "name the guard that decided: readers disagree about an empty list",
    });
  }
  return httpReceiptText(body);
}

/** What makes a receipt of the text of {@link unsignedHttpReceipt}. */
export function signHttpReceiptText(
  text: Pick<HttpReceiptText, "members" | "idAt">,
  keypair: Keypair,
): { id: Sha256Hex; signature: SignatureHex } {
  const id = sha256Hex(`{${text.members}}`);
  return { id, signature: keypair.sign(withId(text, id)) };
}

export function verifyHttpReceipt(receipt: HttpReceipt, options: VerifyReceiptOptions = {}): ReceiptReport {
  const { signature, id, ...body } = receipt;
  const parts = canonicalMembers(body);
  const idValid = id === sha256Hex(joinMembers(parts, []));
  const signatureValid =
    idValid && isCoherent(receipt, true) && verifySignature(receipt.kernel_key, joinMembers(parts, [["id", id]]), signature);
  const trusted = isTrusted(receipt.kernel_key, options.trustedKeys);
  const contentHashValid = isLowerHex(receipt.content_hash, 64);
  const digestsValid = options.requireDigests !== true || isLowerHex(receipt.policy_hash, 64);
  const decision: DecisionLabel = receipt.verdict.verdict === "cancel" ? "cancelled" : receipt.verdict.verdict;
  const ok = signatureValid && trusted && contentHashValid && digestsValid;
  return {
    signature_valid: signatureValid,
    signer_trusted: trusted,
    receipt_id_valid: idValid,
    parameter_hash_valid: contentHashValid,
    receipt_kind: receipt.receipt_kind,
    boundary_class: receipt.boundary_class,
    trust_level: receipt.trust_level,
    result: decision,
    decision,
    authorized: ok && decision === "allow",
    signer_key_hex: receipt.kernel_key,
    ok,
  };
}

/**
 * The same decision as a tool receipt: server `http`, tool `<METHOD> <route pattern>`. It gets an id and a signature of its own; the key must be
 * the one that signed the HTTP receipt.
 */
export function projectToToolReceipt(http: HttpReceipt, keypair: Keypair): ChioReceipt {
  const parameters = { method: http.method, route: http.route_pattern, request_id: http.request_id };
  const body: ChioReceiptBody = {
    timestamp: http.timestamp,
    capability_id: http.capability_id ?? "",
    tool_server: "http",
    tool_name: `${http.method} ${http.route_pattern}`,
    action: { parameters, parameter_hash: sha256Hex(canonicalize(parameters)) },
    decision: toolDecision(http.verdict),
    receipt_kind: http.receipt_kind,
    boundary_class: http.boundary_class,
    tool_origin: http.tool_origin,
    redaction_mode: http.redaction_mode,
    ...(http.actor_chain ? { actor_chain: http.actor_chain } : {}),
    content_hash: http.content_hash,
    policy_hash: http.policy_hash,
    evidence: http.evidence,
    ...(http.metadata ? { metadata: http.metadata } : {}),
    trust_level: http.trust_level,
    kernel_key: http.kernel_key,
  };
  return signReceipt(body, keypair);
}

function toolDecision(verdict: HttpVerdict): ToolDecision {
  switch (verdict.verdict) {
    case "allow":
      return { verdict: "allow" };
    case "deny":
      return { verdict: "deny", reason: verdict.reason, guard: verdict.guard };
    case "cancel":
      return { verdict: "cancelled", reason: verdict.reason };
    case "incomplete":
      return { verdict: "incomplete", reason: verdict.reason };
  }
}

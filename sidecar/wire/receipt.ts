import { canonicalize, canonicalMembers, joinMembers } from "./canonical.ts";
import { WireError } from "./errors.ts";
import { isLowerHex, sha256Hex } from "./hash.ts";
import { type Keypair, verifySignature } from "./keys.ts";
import { type DecisionLabel, isCoherent, isTrusted, type ReceiptReport, type VerifyReceiptOptions } from "./receipt-report.ts";
import type { ChioReceipt, ChioReceiptBody } from "./types.ts";

export { parseToolReceipt } from "./receipt-parse.ts";
export type { ReceiptReport, VerifyReceiptOptions } from "./receipt-report.ts";

const RESULT_LABELS = { allow: "Authorized", deny: "Denied", cancelled: "Cancelled", incomplete: "Incomplete" } as const;

/** Signs a tool receipt: its id is the hash of the body, its signature is over JCS({body, id}). Refuses incoherent semantics. */
export function signReceipt(body: ChioReceiptBody, keypair: Keypair): ChioReceipt {
  return signReceiptWithText(body, keypair).receipt;
}

/** As {@link signReceipt}, with the JCS text of the signed receipt: what a ledger stores and hashes. Writes the body only once. */
export function signReceiptWithText(body: ChioReceiptBody, keypair: Keypair): { receipt: ChioReceipt; canonicalJson: string } {
  if (body.kernel_key !== keypair.publicKeyHex)
    throw new WireError("wrong_signer", "a receipt is signed by the key that it names as kernel_key");
  if (!isCoherent(body, body.decision !== undefined)) throw incoherent(body);
  const parts = canonicalMembers(body);
  const bodyJson = joinMembers(parts, []);
  const id = sha256Hex(bodyJson);
  const signature = keypair.sign(`{"body":${bodyJson},"id":"${id}"}`);
  const canonicalJson = joinMembers(parts, [
    ["id", id],
    ["signature", signature],
  ]);
  return { receipt: { ...body, id, signature }, canonicalJson };
}

/** The body that the id hashes: everything but id and signatures. */
export function receiptBody(receipt: ChioReceipt): ChioReceiptBody {
  const { id: _id, signature: _signature, algorithm: _algorithm, bbs_signature: _bbs, ...body } = receipt;
  return body;
}

export function verifyReceipt(receipt: ChioReceipt, options: VerifyReceiptOptions = {}): ReceiptReport {
  const bodyJson = canonicalize(receiptBody(receipt));
  const idValid = receipt.id === sha256Hex(bodyJson);
  const decision: DecisionLabel = receipt.decision?.verdict ?? "none";
  const bbs = receipt.bbs_signature === undefined ? "" : `"bbs_signature":${canonicalize(receipt.bbs_signature)},`;
  const signatureValid =
    idValid &&
    isCoherent(receipt, receipt.decision !== undefined) &&
    (receipt.algorithm === undefined || receipt.algorithm === "ed25519") &&
    verifySignature(receipt.kernel_key, `{${bbs}"body":${bodyJson},"id":"${receipt.id}"}`, receipt.signature);
  const trusted = isTrusted(receipt.kernel_key, options.trustedKeys);
  const parameterHashValid = receipt.action.parameter_hash === sha256Hex(canonicalize(receipt.action.parameters));
  const digestsValid = options.requireDigests !== true || (isLowerHex(receipt.content_hash, 64) && isLowerHex(receipt.policy_hash, 64));
  const ok = signatureValid && trusted && parameterHashValid && digestsValid && receipt.receipt_kind === "mediated_decision";
  return {
    signature_valid: signatureValid,
    signer_trusted: trusted,
    receipt_id_valid: idValid,
    parameter_hash_valid: parameterHashValid,
    receipt_kind: receipt.receipt_kind,
    boundary_class: receipt.boundary_class,
    trust_level: receipt.trust_level,
    result: resultLabel(receipt),
    decision,
    authorized: ok && decision === "allow",
    signer_key_hex: receipt.kernel_key,
    ok,
  };
}

function resultLabel(receipt: ChioReceipt): string {
  if (receipt.receipt_kind === "trace_observation") return "Observed";
  if (receipt.receipt_kind === "advisory_evaluation") return "Advisory";
  return receipt.decision === undefined ? "Invalid" : RESULT_LABELS[receipt.decision.verdict];
}

function incoherent(body: ChioReceiptBody): WireError {
  const outcome = body.observation_outcome ?? "no outcome";
  const decision = body.decision === undefined ? "no decision" : "a decision";
  return new WireError(
    "incoherent_receipt",
    `${body.receipt_kind} with ${body.boundary_class}, ${outcome}, ${decision} and trust ${body.trust_level} has no meaning`,
  );
}

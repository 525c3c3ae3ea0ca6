import { errorName, type HttpRefusal } from "../http/errors.ts";
import type { Decision } from "../kernel/types.ts";
import { canonicalize } from "../wire/canonical.ts";
import type { UpstreamError } from "./errors.ts";

/** Body of the answer to a denied request, in both of the styles that clients know. */
export function denialJson(decision: Decision, receiptId: string): string {
  return canonicalize({
    error: decision.reasonCode === "internal_error" ? "chio_evaluation_failed" : "capability_denied",
    reason: decision.reasonCode,
    message: decision.reason,
    guard: decision.guard,
    receipt_id: receiptId,
    suggestion: decision.suggestion,
  });
}

/** 504 when the upstream was too slow, 400 when the client broke off what it was sending, else 502. */
export function upstreamStatus(error: UpstreamError): number {
  if (error.code === "request_aborted") return 400;
  return error.kind === "timeout" ? 504 : 502;
}

/** Says which kind of failure it was, and nothing about where the upstream is. */
export function upstreamJson(error: UpstreamError, receiptId: string): string {
  return canonicalize({ error: errorName(upstreamStatus(error)), reason: error.code, message: error.message, receipt_id: receiptId });
}

/** A request that was forwarded, and whose outcome could not be recorded. `refusal` says why. */
export function withheldJson(refusal: HttpRefusal, safe: boolean): string {
  return canonicalize({
    error: safe ? "unavailable" : "chio_receipt_persistence_failed",
    reason: "receipt_not_durable",
    message: `the upstream answered, but the receipt could not be made durable, so the answer is withheld (${refusal.message})`,
    suggestion: safe ? "try again" : "the call may have had its effect: look before you repeat it",
  });
}

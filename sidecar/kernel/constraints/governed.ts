import { isObject } from "../../wire/fields.ts";
import type { Json } from "../../wire/json.ts";
import type { ConstraintCheck } from "./subject.ts";

/**
 * Constraints on governed transactions: intents, approvals, attestation. This release keeps no intents and no approvals, so all that needs one
 * does not hold; only what asks for nothing does.
 */
export function governedIntentRequired(): ConstraintCheck {
  return () => "governed_intent_required: no governed intent comes with the call";
}

export function sellerExact(): ConstraintCheck {
  return () => "seller_exact: no governed intent names a seller";
}

export function maxTransactionAmountUsd(): ConstraintCheck {
  return () => "max_transaction_amount_usd: no governed intent states an amount";
}

/** `false` asks for nothing. */
export function requireDualApproval(value: Json | undefined): ConstraintCheck {
  return value === false ? holds : () => "require_dual_approval: no approvals come with the call";
}

/** `none` asks for nothing. */
export function minimumRuntimeAssurance(value: Json | undefined): ConstraintCheck {
  return value === "none" ? holds : () => "minimum_runtime_assurance: the caller's runtime is not attested";
}

/** `direct` is the lowest tier: every call has it. */
export function minimumAutonomyTier(value: Json | undefined): ConstraintCheck {
  return value === "direct" ? holds : () => "minimum_autonomy_tier: no governed intent states a tier";
}

/** `none` asks for nothing. */
export function contentReviewTier(value: Json | undefined): ConstraintCheck {
  return value === "none" ? holds : () => "content_review_tier: nobody has reviewed the content";
}

/**
 * `require_approval_above {threshold_units}`: holds for a call whose cost is known and not above the threshold. Above it an approval would be
 * needed, and an unknown cost may be above it.
 */
export function requireApprovalAbove(value: Json | undefined): ConstraintCheck {
  const threshold = isObject(value) ? value.threshold_units : undefined;
  if ((typeof threshold !== "number" || !Number.isSafeInteger(threshold) || threshold < 0) && typeof threshold !== "bigint") {
    return () => "require_approval_above has no usable threshold";
  }
  const limit = BigInt(threshold);
  return (subject) => {
    if (subject.costUnits === undefined) return "require_approval_above: the cost of the call is not known";
    return subject.costUnits <= limit ? null : "require_approval_above: the call needs an approval";
  };
}

function holds(): null {
  return null;
}

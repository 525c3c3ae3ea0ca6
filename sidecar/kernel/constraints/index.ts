import type { Json } from "../../wire/json.ts";
import type { Constraint } from "../../wire/types.ts";
import { audienceAllowlist } from "./audience.ts";
import { columnDenylist, maxRowsReturned, operationClass, tableAllowlist } from "./database.ts";
import { domainExact, domainGlob } from "./domains.ts";
import * as governed from "./governed.ts";
import { memoryStoreAllowlist, memoryWriteDenyPatterns } from "./memory.ts";
import { modelConstraint } from "./model.ts";
import { pathPrefix } from "./paths.ts";
import { custom, maxArgsSize, maxLength, regexMatch } from "./strings.ts";
import type { ConstraintCheck } from "./subject.ts";

export type { ConstraintCheck, ConstraintSubject } from "./subject.ts";

/** An evaluator for every constraint type of the wire format. Each turns the constraint's value into a check once, when a token is verified. */
export const CONSTRAINT_EVALUATORS: Readonly<Record<string, (value: Json | undefined) => ConstraintCheck>> = Object.freeze({
  __proto__: null as never,
  path_prefix: pathPrefix,
  domain_exact: domainExact,
  domain_glob: domainGlob,
  regex_match: regexMatch,
  max_length: maxLength,
  max_args_size: maxArgsSize,
  governed_intent_required: governed.governedIntentRequired,
  require_approval_above: governed.requireApprovalAbove,
  seller_exact: governed.sellerExact,
  minimum_runtime_assurance: governed.minimumRuntimeAssurance,
  minimum_autonomy_tier: governed.minimumAutonomyTier,
  custom,
  table_allowlist: tableAllowlist,
  column_denylist: columnDenylist,
  max_rows_returned: maxRowsReturned,
  operation_class: operationClass,
  audience_allowlist: audienceAllowlist,
  content_review_tier: governed.contentReviewTier,
  max_transaction_amount_usd: governed.maxTransactionAmountUsd,
  require_dual_approval: governed.requireDualApproval,
  model_constraint: modelConstraint,
  memory_store_allowlist: memoryStoreAllowlist,
  memory_write_deny_patterns: memoryWriteDenyPatterns,
});

/** null: nobody here can evaluate this type, so the token must be refused. */
export function compileConstraint(constraint: Constraint): ConstraintCheck | null {
  return CONSTRAINT_EVALUATORS[constraint.type]?.(constraint.value) ?? null;
}

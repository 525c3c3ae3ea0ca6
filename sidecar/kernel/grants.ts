import { uriPatternCovers } from "../wire/scope.ts";
import type { Money, PromptGrant, ResourceGrant, ToolGrant } from "../wire/types.ts";
import type { Target } from "./binding.ts";
import { type ConstraintCheck, type ConstraintSubject, compileConstraint } from "./constraints/index.ts";
import type { Refusal } from "./verify-token.ts";

/** A grant with its constraints as checks and its caps as integers, made once per token. */
export interface CompiledGrant {
  readonly index: number;
  readonly server: string;
  readonly tool: string;
  readonly invoke: boolean;
  readonly dpopRequired: boolean;
  readonly checks: readonly { type: string; check: ConstraintCheck }[];
  readonly maxInvocations: number | undefined;
  /** Minor units of `currency`. */
  readonly maxUnitsPerCall: bigint | undefined;
  readonly maxUnitsTotal: bigint | undefined;
  readonly currency: string | undefined;
  /** The two cost caps name two currencies: nothing can satisfy both. */
  readonly currencyConflict: boolean;
}

/** null when a constraint has no evaluator. */
export function compileGrant(grant: ToolGrant, index: number): CompiledGrant | null {
  const checks: { type: string; check: ConstraintCheck }[] = [];
  for (const constraint of grant.constraints ?? []) {
    const check = compileConstraint(constraint);
    if (check === null) return null;
    checks.push({ type: constraint.type, check });
  }
  const perCall = grant.max_cost_per_invocation;
  const total = grant.max_total_cost;
  return {
    index,
    server: grant.server_id,
    tool: grant.tool_name,
    invoke: grant.operations.includes("invoke"),
    dpopRequired: grant.dpop_required === true,
    checks,
    maxInvocations: grant.max_invocations,
    maxUnitsPerCall: units(perCall),
    maxUnitsTotal: units(total),
    currency: perCall?.currency ?? total?.currency,
    currencyConflict: perCall !== undefined && total !== undefined && perCall.currency !== total.currency,
  };
}

function units(money: Money | undefined): bigint | undefined {
  return money === undefined ? undefined : BigInt(money.units);
}

/** True when the grant allows invoking one of the targets. `*` stands for any server or tool; there are no other wildcards. */
export function covers(grant: CompiledGrant, targets: readonly Target[]): boolean {
  if (!grant.invoke) return false;
  for (const target of targets) {
    if ((grant.server === "*" || grant.server === target.server) && (grant.tool === "*" || grant.tool === target.tool)) return true;
  }
  return false;
}

const APPROVAL_CONSTRAINTS = new Set(["require_approval_above", "require_dual_approval"]);

/** The first constraint that does not hold; null when all do. */
export function violatedConstraint(grant: CompiledGrant, subject: ConstraintSubject): Refusal | null {
  for (const { type, check } of grant.checks) {
    const detail = check(subject);
    if (detail !== null) return { code: APPROVAL_CONSTRAINTS.has(type) ? "approval_required" : "constraint_violated", detail };
  }
  return null;
}

export function coversResource(grant: ResourceGrant, uri: string, operation: "read" | "subscribe"): boolean {
  return grant.operations.includes(operation) && uriPatternCovers(grant.uri_pattern, uri);
}

export function coversPrompt(grant: PromptGrant, name: string): boolean {
  return grant.operations.includes("get") && (grant.prompt_name === "*" || grant.prompt_name === name);
}

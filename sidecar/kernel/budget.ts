import type { CapabilityToken } from "../wire/types.ts";
import type { CompiledGrant } from "./grants.ts";
import type { BudgetCharge, BudgetStore, Call } from "./types.ts";
import type { Refusal } from "./verify-token.ts";

/** A counter is kept this long after its token expired: a clock that is set back by less hands no budget out again. */
export const BUDGET_GRACE_SECONDS = 86_400;

/** Declared cost of a call in minor units: the caller's, else the route's `x-chio-budget-limit`. undefined when nobody declared one. */
export function declaredCost(call: Call): { units: bigint; currency: string | undefined } | undefined {
  if (call.cost !== undefined) return { units: BigInt(call.cost.units), currency: call.cost.currency };
  const limit = call.http?.route.route?.budgetLimit;
  return limit === undefined ? undefined : { units: BigInt(limit), currency: undefined };
}

/** Amounts on the wire are whole numbers of 64 bits. */
export function isAmount(units: bigint): boolean {
  return units >= 0n && units < 2n ** 64n;
}

/**
 * Charges one call to a grant: one invocation, and the declared cost. Without a declared cost the worst case is charged: the grant's
 * `max_cost_per_invocation`, or its `max_total_cost` if that is less; 0 where no cost per call is set. `now`: unix seconds. Returns the charge, null when the grant has no caps, or why a cap does not allow it; then
 * nothing stays charged.
 */
export function chargeGrant(
  grant: CompiledGrant,
  token: CapabilityToken,
  cost: { units: bigint; currency: string | undefined } | undefined,
  store: BudgetStore,
  now: number,
): BudgetCharge | null | Refusal {
  const { maxInvocations, maxUnitsPerCall, maxUnitsTotal, currency } = grant;
  const hasCostCap = maxUnitsPerCall !== undefined || maxUnitsTotal !== undefined;
  if (maxInvocations === undefined && !hasCostCap) return null;
  const units = cost?.units ?? worstCase(maxUnitsPerCall, maxUnitsTotal);
  if (hasCostCap) {
    if (grant.currencyConflict) return { code: "budget_exceeded", detail: "the grant's cost caps name two currencies" };
    if (cost?.currency !== undefined && cost.currency !== currency)
      return { code: "budget_exceeded", detail: "the cost is in another currency" };
    if (maxUnitsPerCall !== undefined && units > maxUnitsPerCall)
      return { code: "budget_exceeded", detail: "the call costs more than one call may" };
  }
  const charge: BudgetCharge = {
    capabilityId: token.id,
    grantIndex: grant.index,
    invocations: 1,
    units,
    at: now,
    expiresAt: token.expires_at,
  };
  const unit = currency ?? cost?.currency;
  if (unit !== undefined) charge.currency = unit;
  // One cap at a time, so that the reason says which one was reached.
  if (maxInvocations !== undefined && maxUnitsTotal !== undefined) {
    const invocation = { ...charge, units: 0n };
    if (!store.tryCharge(invocation, { maxInvocations })) return { code: "invocations_exhausted" };
    if (store.tryCharge({ ...charge, invocations: 0 }, { maxTotalUnits: maxUnitsTotal })) return charge;
    store.reverse(invocation);
    return { code: "budget_exceeded" };
  }
  if (maxInvocations !== undefined) return store.tryCharge(charge, { maxInvocations }) ? charge : { code: "invocations_exhausted" };
  return store.tryCharge(charge, maxUnitsTotal === undefined ? {} : { maxTotalUnits: maxUnitsTotal })
    ? charge
    : { code: "budget_exceeded" };
}

function worstCase(perCall: bigint | undefined, total: bigint | undefined): bigint {
  if (perCall === undefined) return 0n;
  return total !== undefined && total < perCall ? total : perCall;
}

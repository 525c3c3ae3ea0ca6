import { capabilityTimeStatus } from "../wire/capability.ts";
import { lineageIds } from "../wire/delegation.ts";
import type { CapabilityToken } from "../wire/types.ts";
import { type Binding, bindCall, constraintSubject } from "./binding.ts";
import { chargeGrant, declaredCost, isAmount } from "./budget.ts";
import { allowed, denied } from "./decision.ts";
import { covers, coversPrompt, coversResource, violatedConstraint } from "./grants.ts";
import { runGuardStep } from "./guard-step.ts";
import { checkProof } from "./proof.ts";
import type { BudgetCharge, Call, DecideContext, Decision, StateChange } from "./types.ts";
import { acceptToken, openToken, type Refusal, tooDeep, type VerifiedToken } from "./verify-token.ts";

/**
 * Decides one call. Pure but for the stores it is given: no clock, no randomness, no I/O. Never throws: whatever fails inside is a denial. A
 * denial leaves no charge behind; an allowed call's charges and nonces are in `state`, to be made durable with its receipt.
 */
export function decide(call: Call, ctx: DecideContext): Decision {
  const charged: BudgetCharge[] = [];
  try {
    const decision = decideCall(call, ctx, charged);
    if (!decision.allow) release(charged, ctx);
    return decision;
  } catch (error) {
    report(ctx, error);
    release(charged, ctx);
    return denied({ code: "internal_error" }, call, ctx);
  }
}

function decideCall(call: Call, ctx: DecideContext, charged: BudgetCharge[]): Decision {
  const now = Math.floor(ctx.now / 1000);
  const binding = bindCall(call);
  if ("code" in binding) return denied(binding, call, ctx);
  if (call.capability === undefined) {
    if (call.capabilityIdHint !== undefined && isRevoked([call.capabilityIdHint], ctx))
      return denied({ code: "capability_revoked" }, call, ctx);
    if (binding.tokenRequired) return denied({ code: "missing_capability_token" }, call, ctx);
    return guarded(call, binding, null, {}, ctx);
  }
  const presented = presentedToken(call.capability, now, ctx);
  if ("code" in presented) return denied(presented, call, ctx, presented.token);
  const { token } = presented;
  const refusal = refuseToken(call, binding, presented, now);
  if (refusal !== null) return denied(refusal, call, ctx, token);
  const grant = findGrant(call, binding, presented, now, ctx, charged);
  if ("code" in grant) return denied(grant, call, ctx, token);
  return guarded(call, binding, presented, grant, ctx);
}

/** A token in the order that readers know: form, signature, time, revocation, issuer, delegation. The cache saves the work, never a check. */
function presentedToken(text: string, now: number, ctx: DecideContext): VerifiedToken | (Refusal & { token?: CapabilityToken }) {
  const cached = ctx.tokens?.get(text, now);
  const token = cached?.token ?? openToken(text);
  if ("code" in token) return token;
  const status = capabilityTimeStatus(token, now);
  if (status !== "valid") return { code: status === "expired" ? "capability_expired" : "capability_not_yet_valid", token };
  if (isRevoked(cached?.lineage ?? lineageIds(token), ctx)) {
    if (cached !== undefined) ctx.tokens?.invalidate(token.id);
    return { code: "capability_revoked", token };
  }
  if (!ctx.trustedIssuers.has(token.issuer)) return { code: "issuer_untrusted", token };
  const verified = cached ?? acceptToken(token, ctx.maxDelegationDepth);
  if ("code" in verified) return { ...verified, token };
  if (!(verified.depth <= ctx.maxDelegationDepth)) return { ...tooDeep(verified.depth, ctx.maxDelegationDepth), token };
  if (!ctx.trustedIssuers.has(verified.root))
    return { code: "delegation_invalid", detail: "the chain does not begin at a trusted issuer", token };
  if (verified.delegatedAt > now) return { code: "delegation_invalid", detail: "the delegation lies in the future", token };
  // Only what was accepted in full: nobody can fill the cache with tokens of their own making.
  if (cached === undefined) ctx.tokens?.put(text, verified);
  return verified;
}

/** What binds a sound token to this call, short of its grants. */
function refuseToken(call: Call, binding: Binding, verified: VerifiedToken, now: number): Refusal | null {
  const { token, caveats } = verified;
  if (call.capabilityIdHint !== undefined && call.capabilityIdHint !== token.id) return { code: "capability_id_mismatch" };
  if (call.agentKey !== undefined && call.agentKey !== token.subject) return { code: "subject_mismatch" };
  for (const caveat of caveats) {
    const detail = caveat(call, binding.targets, now);
    if (detail !== null) return { code: "caveat_violated", detail };
  }
  if (call.http?.route.route?.approvalRequired === true) return { code: "approval_required" };
  return null;
}

interface Authorisation {
  grantIndex?: number;
  cost?: { units: bigint; currency?: string };
  state?: StateChange[];
}

/**
 * The first grant that covers the call, whose constraints hold, whose proof is there, and that still has budget. A grant that fails any of these
 * leaves the next its chance; when none is left, the first failure is the reason.
 */
function findGrant(
  call: Call,
  binding: Binding,
  verified: VerifiedToken,
  now: number,
  ctx: DecideContext,
  charged: BudgetCharge[],
): Authorisation | Refusal {
  if (binding.kind === "none") return {};
  const { scope } = verified.token;
  if (binding.kind === "resource") {
    const { uri, operation } = call.resource!;
    const index = (scope.resource_grants ?? []).findIndex((grant) => coversResource(grant, uri, operation));
    return index < 0 ? { code: "scope_mismatch" } : {};
  }
  if (binding.kind === "prompt") {
    const { name } = call.prompt!;
    return (scope.prompt_grants ?? []).some((grant) => coversPrompt(grant, name)) ? {} : { code: "scope_mismatch" };
  }
  let first: Refusal | null = null;
  let subject: ReturnType<typeof constraintSubject> | null = null;
  let proof: ReturnType<typeof checkProof> | null = null;
  const cost = declaredCost(call);
  if (cost !== undefined && !isAmount(cost.units)) return { code: "budget_exceeded", detail: "the cost is no amount of 64 bits" };
  for (const grant of verified.grants) {
    if (!covers(grant, binding.targets)) continue;
    if (grant.checks.length > 0) {
      subject ??= constraintSubject(call, binding.kind, cost?.units, ctx.resolvePath);
      const violated = violatedConstraint(grant, subject);
      if (violated !== null) {
        first ??= violated;
        continue;
      }
    }
    if (grant.dpopRequired) {
      proof ??= checkProof(call, verified, binding, ctx.replay, now);
      if ("code" in proof) {
        first ??= proof;
        continue;
      }
    }
    const charge = chargeGrant(grant, verified.token, cost, ctx.budgets, now);
    if (charge !== null && "code" in charge) {
      first ??= charge;
      continue;
    }
    const state: StateChange[] = [];
    if (charge !== null) {
      charged.push(charge);
      state.push({ type: "budget", charge });
    }
    if (proof !== null && !("code" in proof)) state.push(proof);
    return { grantIndex: grant.index, state, ...chargedCost(charge, cost) };
  }
  return first ?? { code: "scope_mismatch" };
}

function chargedCost(charge: BudgetCharge | null, declared: ReturnType<typeof declaredCost>): Pick<Authorisation, "cost"> {
  const units = charge?.units ?? declared?.units;
  if (units === undefined) return {};
  const currency = charge?.currency ?? declared?.currency;
  return { cost: { units, ...(currency === undefined ? {} : { currency }) } };
}

/** Last step: the guards. */
function guarded(call: Call, binding: Binding, verified: VerifiedToken | null, grant: Authorisation, ctx: DecideContext): Decision {
  const verdict = runGuardStep(call, binding, verified, ctx);
  if (verdict.allow !== true) {
    const code = verdict.reason?.endsWith("error (fail-closed)") === true ? "guard_error" : "guard_denied";
    const refusal = { code, ...(verdict.reason === undefined ? {} : { message: verdict.reason }) } as const;
    return denied(refusal, call, ctx, verified?.token, { guard: verdict.guard, evidence: verdict.evidence });
  }
  const open = !binding.tokenRequired && call.http !== undefined;
  return allowed(open ? "open" : "token", verified?.token, grant, verdict.evidence, ctx);
}

/** A look-up that fails counts as revoked. */
function isRevoked(ids: readonly string[], ctx: DecideContext): boolean {
  try {
    for (const id of ids) if (ctx.revocations.isRevoked(id) !== false) return true;
    return false;
  } catch (error) {
    report(ctx, error);
    return true;
  }
}

function release(charged: BudgetCharge[], ctx: DecideContext): void {
  for (const charge of charged.splice(0)) {
    try {
      ctx.budgets.reverse(charge);
    } catch (error) {
      // The charge stays: the caller has less, never more.
      report(ctx, error);
    }
  }
}

function report(ctx: DecideContext, error: unknown): void {
  try {
    ctx.onError?.(error);
  } catch {
    // A broken logger must not turn a denial into a crash.
  }
}

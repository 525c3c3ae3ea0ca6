import { parseCapability, verifyCapabilitySignature } from "../wire/capability.ts";
import { delegatesToSubject, lineageIds, verifyDelegationChain } from "../wire/delegation.ts";
import { ChioError } from "../wire/errors.ts";
import type { CapabilityToken } from "../wire/types.ts";
import { violatedAttenuation } from "./attenuations.ts";
import { type CaveatCheck, compileCaveat } from "./caveats.ts";
import { type CompiledGrant, compileGrant } from "./grants.ts";
import type { ReasonCode } from "./reasons.ts";

/** Why a call is refused, with what is wrong. */
export interface Refusal {
  code: ReasonCode;
  detail?: string;
}

/** A token after everything about it that no later call can change. Shared between calls: nobody writes to it. */
export interface VerifiedToken {
  readonly token: CapabilityToken;
  /** Its own id and those of its delegation chain. */
  readonly lineage: readonly string[];
  /** Links of the delegation chain. */
  readonly depth: number;
  /** Unix seconds of the last delegation; 0 without one. */
  readonly delegatedAt: number;
  /** Where the authority of the chain comes from; the issuer itself without a chain. */
  readonly root: string;
  readonly caveats: readonly CaveatCheck[];
  readonly grants: readonly CompiledGrant[];
}

/** First step: form and signature of a presented token. Says nothing about trust. */
export function openToken(text: string): CapabilityToken | Refusal {
  let token: CapabilityToken;
  try {
    token = parseCapability(text);
  } catch (error) {
    if (error instanceof ChioError) return { code: "capability_malformed", detail: error.message };
    throw error;
  }
  return verifyCapabilitySignature(token) ? token : { code: "signature_invalid" };
}

/**
 * Second step, only for a token of a trusted issuer, because its work grows with the token: the rules on delegation, and everything compiled
 * that later calls need.
 *
 * Delegation, over the rules of the wire format: the last delegatee is the token's subject, and what the links and the token say was taken away
 * is indeed not granted. A link carries no parent scope, so nobody but the issuer vouches for the scope: that is why `decide` asks for a trusted
 * issuer on every token, delegated or not.
 */
export function acceptToken(token: CapabilityToken, maxDelegationDepth: number): VerifiedToken | Refusal {
  const chain = token.delegation_chain ?? [];
  // Before any signature of the chain: each one costs time.
  if (!(chain.length <= maxDelegationDepth)) return tooDeep(chain.length, maxDelegationDepth);
  const report = verifyDelegationChain(token);
  if (!report.valid) return { code: "delegation_invalid", ...(report.reason === undefined ? {} : { detail: report.reason }) };
  if (!delegatesToSubject(token)) return { code: "delegation_invalid", detail: "the last delegatee is not the token's subject" };
  const violated = violatedAttenuation(token);
  if (violated !== null) return { code: "delegation_invalid", detail: violated };
  if (token.attenuation_proof !== undefined) return { code: "chain_binding_unsupported" };
  // 10 000 is all of the parent's budget, the same as no share. Less is a split between siblings that nobody here keeps count of.
  if (token.budget_share_bps !== undefined && token.budget_share_bps !== 10_000) return { code: "budget_share_unsupported" };
  const grants: CompiledGrant[] = [];
  for (const [index, grant] of (token.scope.grants ?? []).entries()) {
    const compiled = compileGrant(grant, index);
    if (compiled === null) return { code: "capability_malformed", detail: `grant ${index} has a constraint that cannot be evaluated` };
    grants.push(compiled);
  }
  return {
    token,
    lineage: lineageIds(token),
    depth: chain.length,
    delegatedAt: chain.at(-1)?.timestamp ?? 0,
    root: chain[0]?.delegator ?? token.issuer,
    caveats: (token.caveats ?? []).map(compileCaveat),
    grants,
  };
}

export function tooDeep(depth: number, limit: number): Refusal {
  return { code: "delegation_too_deep", detail: `${depth} links, the limit is ${limit}` };
}

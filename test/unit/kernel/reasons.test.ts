import { afterAll, describe, expect, it } from "vitest";
import { decide } from "../../../sidecar/kernel/decide.ts";
import { REASONS, type ReasonCode } from "../../../sidecar/kernel/reasons.ts";
import type { Call, DecideContext } from "../../../sidecar/kernel/types.ts";
import { signDelegationLink } from "../../../sidecar/wire/delegation.ts";
import { signDpopProof } from "../../../sidecar/wire/dpop.ts";
import type { CapabilityBody, DelegationLink } from "../../../sidecar/wire/types.ts";
import {
  asText,
  constrained,
  context,
  DELEGATEE,
  denyingGuard,
  grant,
  httpCall,
  ISSUER,
  issue,
  NOW,
  STRANGER,
  SUBJECT,
  throwingGuard,
  toolCall,
} from "./support.ts";

const SCOPE = { grants: [grant("srv", "tool")] };
const link = (from: typeof ISSUER, to: typeof ISSUER, rest: Partial<DelegationLink> = {}) =>
  signDelegationLink(
    { capability_id: "parent", delegator: from.publicKeyHex, delegatee: to.publicKeyHex, timestamp: NOW - 100, ...rest },
    from,
  );
const delegated = (chain: DelegationLink[], rest: Partial<CapabilityBody> = {}) => issue(SCOPE, { delegation_chain: chain, ...rest });
const proof = (capabilityId: string, rest: { nonce?: string; key?: typeof ISSUER; arguments?: object } = {}) =>
  JSON.stringify(
    signDpopProof(
      {
        capabilityId,
        toolServer: "srv",
        toolName: "tool",
        arguments: (rest.arguments ?? {}) as never,
        nonce: rest.nonce ?? "n1",
        issuedAt: NOW,
      },
      rest.key ?? SUBJECT,
    ),
  );
const capped = (rest: object) => issue({ grants: [grant("srv", "tool", rest)] });
const dpopToken = () => capped({ dpop_required: true });

interface Case {
  code: ReasonCode;
  when: string;
  /** Calls that are made first, on the same context, and are allowed. */
  run: (ctx: DecideContext) => Call;
  context?: Partial<DecideContext>;
  reason?: string | RegExp;
  guard?: string;
}

function twice(call: (n: number) => Call): (ctx: DecideContext) => Call {
  return (ctx) => {
    expect(decide(call(1), ctx).reasonCode).toBe("allowed");
    return call(2);
  };
}

const CASES: Case[] = [
  {
    code: "missing_capability_token",
    when: "a closed route without a token",
    run: () => httpCall(undefined),
    reason: "side-effect route requires a capability token",
  },
  { code: "missing_capability_token", when: "a tool without a token", run: () => toolCall(undefined) },
  { code: "capability_malformed", when: "text that is no token", run: () => httpCall("{}"), reason: /^invalid capability token: / },
  { code: "capability_malformed", when: "an empty text", run: () => httpCall("") },
  { code: "capability_malformed", when: "a duplicate key", run: () => httpCall(asText(issue(SCOPE)).replace("{", '{"id":"x",')) },
  {
    code: "capability_malformed",
    when: "an unknown constraint type",
    run: () => httpCall(asText(constrained({ type: "max_length", value: 1 })).replace("max_length", "max_lengths")),
  },
  {
    code: "signature_invalid",
    when: "a changed token",
    run: () => toolCall(asText(issue(SCOPE)).replace('"tool"', '"loot"')),
    reason: "capability signature verification failed",
  },
  { code: "capability_expired", when: "expires_at is now", run: () => toolCall(issue(SCOPE, { expires_at: NOW })) },
  { code: "capability_expired", when: "the clock is no number", run: () => toolCall(issue(SCOPE)), context: { now: Number.NaN } },
  { code: "capability_not_yet_valid", when: "issued a second later", run: () => toolCall(issue(SCOPE, { issued_at: NOW + 1 })) },
  {
    code: "capability_revoked",
    when: "its id is revoked",
    run: () => toolCall(issue(SCOPE, { id: "gone" })),
    context: { revocations: { isRevoked: (id) => id === "gone" } },
    reason: "capability token has been revoked",
    guard: "CapabilityRevocation",
  },
  {
    code: "capability_revoked",
    when: "an ancestor is revoked",
    run: () => toolCall(delegated([link(ISSUER, SUBJECT, { capability_id: "ancestor" })])),
    context: { revocations: { isRevoked: (id) => id === "ancestor" } },
  },
  {
    code: "capability_revoked",
    when: "the look-up fails",
    run: () => toolCall(issue(SCOPE)),
    context: {
      revocations: {
        isRevoked: () => {
          throw new Error("store is down");
        },
      },
    },
  },
  {
    code: "capability_revoked",
    when: "only a hint names it, on an open route",
    run: () => httpCall(undefined, { method: "GET", policy: "session_allow" }, { capabilityIdHint: "gone" }),
    context: { revocations: { isRevoked: (id) => id === "gone" } },
  },
  {
    code: "issuer_untrusted",
    when: "a stranger signed it",
    run: () => toolCall(issue(SCOPE, { issuer: STRANGER.publicKeyHex }, STRANGER)),
    reason: "capability issuer is not trusted",
  },
  {
    code: "issuer_untrusted",
    when: "the holder signed a part of it for somebody else",
    run: () =>
      toolCall(
        issue(
          SCOPE,
          {
            issuer: SUBJECT.publicKeyHex,
            subject: DELEGATEE.publicKeyHex,
            delegation_chain: [link(ISSUER, SUBJECT), link(SUBJECT, DELEGATEE)],
          },
          SUBJECT,
        ),
      ),
  },
  {
    code: "delegation_invalid",
    when: "a link is forged",
    run: () => toolCall(delegated([{ ...link(ISSUER, SUBJECT), timestamp: NOW - 101 }])),
  },
  { code: "delegation_invalid", when: "the chain ends at somebody else", run: () => toolCall(delegated([link(ISSUER, DELEGATEE)])) },
  {
    code: "delegation_invalid",
    when: "the delegation lies ahead",
    run: () => toolCall(delegated([link(ISSUER, SUBJECT, { timestamp: NOW + 1 })])),
  },
  {
    code: "delegation_invalid",
    when: "the chain begins at a stranger",
    run: () => toolCall(delegated([link(STRANGER, ISSUER), link(ISSUER, SUBJECT)])),
    reason: /does not begin at a trusted issuer/,
  },
  {
    code: "delegation_invalid",
    when: "the scope has what a link took away",
    run: () =>
      toolCall(delegated([link(ISSUER, SUBJECT, { attenuations: [{ type: "remove_tool", server_id: "srv", tool_name: "tool" }] })])),
  },
  {
    code: "delegation_too_deep",
    when: "more links than allowed",
    run: () => toolCall(delegated([link(ISSUER, SUBJECT), link(SUBJECT, SUBJECT)])),
    context: { maxDelegationDepth: 1 },
  },
  {
    code: "chain_binding_unsupported",
    when: "the token carries an attenuation proof",
    run: () => toolCall(issue(SCOPE, { attenuation_proof: { parentScopeHash: "00" } })),
    reason: "chain-binding requires a trust-root resolver on the HTTP authority path",
  },
  { code: "budget_share_unsupported", when: "the token claims a share", run: () => toolCall(issue(SCOPE, { budget_share_bps: 2_500 })) },
  {
    code: "capability_id_mismatch",
    when: "the hint names another token",
    run: () => toolCall(issue(SCOPE), {}, { capabilityIdHint: "other" }),
    reason: "capability_id does not match the presented capability token",
  },
  {
    code: "subject_mismatch",
    when: "another agent presents it",
    run: () => toolCall(issue(SCOPE), {}, { agentKey: STRANGER.publicKeyHex }),
  },
  {
    code: "caveat_violated",
    when: "it is bound to another session",
    run: () => toolCall(issue(SCOPE, { caveats: [{ kind: "bind_session", predicate: "s1" }] }), {}, { sessionId: "s2" }),
  },
  {
    code: "scope_mismatch",
    when: "another tool",
    run: () => toolCall(issue({ grants: [grant("srv", "other")] })),
    reason: "capability does not authorize tool tool on server srv",
  },
  {
    code: "scope_mismatch",
    when: "no invoke operation",
    run: () => toolCall(issue({ grants: [grant("srv", "tool", { operations: ["read_result"] })] })),
  },
  {
    code: "constraint_violated",
    when: "an argument is too long",
    run: () => toolCall(constrained({ type: "max_length", value: 2 }), { text: "abc" }),
    reason: "capability does not authorize tool tool on server srv: max_length: a text is longer",
  },
  {
    code: "approval_required",
    when: "the route asks for it",
    run: () => httpCall(issue({ grants: [grant("*", "*")] }), { route: { approvalRequired: true } }),
    reason: "request requires human approval before it can proceed",
  },
  {
    code: "approval_required",
    when: "the cost is above the grant's threshold",
    run: () => toolCall(constrained({ type: "require_approval_above", value: { threshold_units: 10 } }), {}, { cost: { units: 11 } }),
  },
  { code: "dpop_required", when: "no proof comes", run: () => toolCall(dpopToken()) },
  {
    code: "dpop_invalid",
    when: "another key signed it",
    run: () => {
      const token = dpopToken();
      return toolCall(token, {}, { dpop: proof(token.id, { key: STRANGER }) });
    },
    reason: "DPoP proof verification failed: agent_key_mismatch",
  },
  {
    code: "dpop_invalid",
    when: "it was made for other arguments",
    run: () => {
      const token = dpopToken();
      return toolCall(token, { path: "/etc" }, { dpop: proof(token.id) });
    },
  },
  { code: "dpop_invalid", when: "it is no proof", run: () => toolCall(dpopToken(), {}, { dpop: "[]" }) },
  {
    code: "dpop_replayed",
    when: "the same proof comes twice",
    run: (ctx) => {
      const token = dpopToken();
      return twice(() => toolCall(token, {}, { dpop: proof(token.id) }))(ctx);
    },
  },
  {
    code: "invocations_exhausted",
    when: "the second of one",
    run: (ctx) => {
      const token = capped({ max_invocations: 1 });
      return twice(() => toolCall(token))(ctx);
    },
  },
  {
    code: "budget_exceeded",
    when: "one call costs more than one may",
    run: () => toolCall(capped({ max_cost_per_invocation: { units: 5, currency: "USD" } }), {}, { cost: { units: 6 } }),
  },
  {
    code: "budget_exceeded",
    when: "the total would be passed",
    run: (ctx) => {
      const token = capped({ max_total_cost: { units: 9, currency: "USD" }, max_invocations: 5 });
      return twice(() => toolCall(token, {}, { cost: { units: 5 } }))(ctx);
    },
  },
  {
    code: "tool_identity_invalid",
    when: "the tool path has a third segment",
    run: () => httpCall(undefined, { path: "/chio/tools/srv/tool/x" }),
    reason: "malformed /chio/tools path identity",
  },
  {
    code: "guard_denied",
    when: "a guard denies",
    run: () => toolCall(issue(SCOPE)),
    context: { guards: [denyingGuard] },
    guard: "denying",
  },
  {
    code: "guard_error",
    when: "a guard throws",
    run: () => toolCall(issue(SCOPE)),
    context: { guards: [throwingGuard] },
    guard: "throwing",
  },
  {
    code: "internal_error",
    when: "the budget store throws",
    run: () => toolCall(capped({ max_invocations: 1 })),
    context: {
      budgets: {
        tryCharge: () => {
          throw new Error("store is down");
        },
        reverse: () => {},
      },
    },
  },
];

/** Reasons that are found by the callers of `decide`, each with the test that reaches it. */
const ELSEWHERE: ReasonCode[] = [
  "target_not_registered", // sessions.test.ts
  "tool_identity_incomplete", // decision.test.ts, for the evaluate route
];

describe("reasons", () => {
  const reached = new Set<string>(ELSEWHERE);

  it.each(CASES)("$code when $when", ({ code, run, context: overrides, reason, guard }) => {
    const ctx = context(overrides);
    const call = run(ctx);
    const decision = decide(call, ctx);
    expect(decision.reasonCode).toBe(code);
    reached.add(decision.reasonCode);
    expect(decision.allow).toBe(false);
    expect(decision.httpStatus).toBe(REASONS[code].httpStatus);
    expect(decision.suggestion).toBe(REASONS[code].suggestion);
    expect(decision.state).toEqual([]);
    expect(decision.guard).toBe(guard ?? REASONS[code].guard);
    expect(decision.evidence.length).toBeGreaterThan(0);
    expect(decision.evidence.at(-1)?.verdict).toBe(false);
    if (typeof reason === "string") expect(decision.reason).toBe(reason);
    else if (reason !== undefined) expect(decision.reason).toMatch(reason);
  });

  afterAll(() => {
    expect([...reached].sort()).toEqual(Object.keys(REASONS).sort());
  });

  it("has a sentence, a status and a suggestion for every code", () => {
    for (const [code, entry] of Object.entries(REASONS)) {
      expect(code).toMatch(/^[a-z0-9_]+$/);
      expect(entry.message).not.toBe("");
      expect(entry.suggestion).not.toBe("");
      expect(entry.httpStatus).toBe(code === "internal_error" ? 500 : 403);
    }
  });

  it("names a capability in a denial only when its signature was verified", () => {
    const forged = asText(issue(SCOPE, { id: "claimed" })).replace('"tool"', '"loot"');
    expect(decide(toolCall(forged), context()).capabilityId).toBeUndefined();
    expect(decide(toolCall(issue(SCOPE, { id: "old", expires_at: NOW })), context()).capabilityId).toBe("old");
  });

  it("tells nobody but the log why a store failed", () => {
    const ctx = context({
      budgets: {
        tryCharge: () => {
          throw new Error("password=hunter2");
        },
        reverse: () => {},
      },
    });
    const decision = decide(toolCall(capped({ max_invocations: 1 })), ctx);
    expect(JSON.stringify(decision)).not.toContain("hunter2");
    expect(ctx.errors.map(String)).toEqual(["Error: password=hunter2"]);
  });
});

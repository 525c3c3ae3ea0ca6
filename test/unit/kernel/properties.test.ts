import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide } from "../../../sidecar/kernel/decide.ts";
import { REASONS } from "../../../sidecar/kernel/reasons.ts";
import type { Call, DecideContext } from "../../../sidecar/kernel/types.ts";
import { attenuateCapability } from "../../../sidecar/wire/attenuation.ts";
import { WireError } from "../../../sidecar/wire/errors.ts";
import type { Json } from "../../../sidecar/wire/json.ts";
import type { CapabilityScope, Constraint, Operation, ToolGrant } from "../../../sidecar/wire/types.ts";
import { asText, context, DELEGATEE, grant, httpCall, ISSUER, issue, NOW, toolCall } from "./support.ts";

const json = fc.jsonValue() as fc.Arbitrary<Json>;
const CODES = new Set([...Object.keys(REASONS), "allowed"]);

describe("decide", () => {
  it("never throws and always gives evidence, whatever it is given", { timeout: 30_000 }, () => {
    const wild = fc.oneof(fc.string(), fc.constant(undefined), json, fc.constant(Number.NaN));
    const call = fc.record(
      {
        requestId: wild,
        capability: fc.oneof(wild, fc.constant(asText(issue({ grants: [grant("*", "*")] })))),
        capabilityIdHint: wild,
        dpop: wild,
        agentKey: wild,
        sessionId: wild,
        cost: wild,
        modelMetadata: wild,
        caller: wild,
        tool: fc.oneof(wild, fc.record({ serverId: wild, toolName: wild, arguments: wild })),
        resource: wild,
        prompt: wild,
        http: fc.oneof(
          wild,
          fc.record({
            method: wild,
            route: fc.oneof(wild, fc.record({ pattern: wild, policy: wild, route: wild })),
            path: wild,
            query: wild,
            bodyHash: wild,
          }),
        ),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        call,
        fc.constantFrom<Partial<DecideContext>>({}, { now: Number.NaN }, { guards: undefined as never }),
        (value, overrides) => {
          const decision = decide(value as unknown as Call, context(overrides));
          expect(CODES.has(decision.reasonCode)).toBe(true);
          expect(decision.evidence.length).toBeGreaterThan(0);
          if (!decision.allow) expect(decision.state).toEqual([]);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("never allows a token of which one byte was changed", { timeout: 30_000 }, () => {
    const texts = [
      asText(issue({ grants: [grant("*", "*", { max_invocations: 3 })] })),
      asText(issue({ grants: [grant("http", "*")] }, { caveats: [{ kind: "restrict_tool", predicate: "http/*" }] })),
    ];
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.nat(), fc.integer({ min: 0x20, max: 0x7e }), (text, at, code) => {
        const i = at % text.length;
        const changed = text.slice(0, i) + String.fromCharCode(code) + text.slice(i + 1);
        fc.pre(changed !== text);
        const decision = decide(httpCall(changed), context());
        expect(["capability_malformed", "signature_invalid"]).toContain(decision.reasonCode);
        // Nor on an open route.
        expect(decide(httpCall(changed, { method: "GET", policy: "session_allow" }), context()).allow).toBe(false);
      }),
      { numRuns: 200 },
    );
  });

  it("never allows a token with a part cut out or put in", { timeout: 30_000 }, () => {
    const text = asText(issue({ grants: [grant("*", "*")] }));
    fc.assert(
      fc.property(fc.nat(), fc.nat({ max: 8 }), fc.string({ maxLength: 8 }), (at, cut, put) => {
        const i = at % text.length;
        const changed = text.slice(0, i) + put + text.slice(i + cut);
        fc.pre(changed !== text);
        const decision = decide(toolCall(changed), context());
        // Space between tokens is the only change that says the same.
        if (decision.allow) expect(JSON.stringify(JSON.parse(changed))).toBe(text);
      }),
      { numRuns: 200 },
    );
  });
});

const name = fc.constantFrom("*", "*", "srv", "tool");
const constraint: fc.Arbitrary<Constraint> = fc.constantFrom(
  { type: "max_length", value: 3 },
  { type: "max_length", value: 6 },
  { type: "path_prefix", value: "/a" },
  { type: "regex_match", value: "^[a-z/]+$" },
  { type: "require_approval_above", value: { threshold_units: 3 } },
  { type: "governed_intent_required" },
);
const toolGrant: fc.Arbitrary<ToolGrant> = fc
  .record(
    {
      server_id: name,
      tool_name: name,
      operations: fc.constantFrom<Operation[]>(["invoke"], ["invoke"], ["invoke", "read_result"], ["read_result"]),
      constraints: fc.array(constraint, { maxLength: 2 }),
      max_invocations: fc.integer({ min: 0, max: 3 }),
      max_cost_per_invocation: fc.record({ units: fc.integer({ min: 0, max: 4 }), currency: fc.constantFrom("USD", "EUR") }),
      max_total_cost: fc.record({ units: fc.integer({ min: 0, max: 9 }), currency: fc.constantFrom("USD", "EUR") }),
    },
    { requiredKeys: ["server_id", "tool_name", "operations"] },
  )
  .map((value) => value as ToolGrant);
const scope: fc.Arbitrary<CapabilityScope> = fc.record({ grants: fc.array(toolGrant, { minLength: 1, maxLength: 3 }) });
const target = fc.record({
  serverId: fc.constantFrom("srv", "tool"),
  toolName: fc.constantFrom("srv", "tool"),
  arguments: fc.constantFrom<Json>({}, { path: "/a/b" }, { path: "/b" }, { text: "abc" }, { text: "ABCDEFG" }),
});
const cost = fc.option(fc.record({ units: fc.integer({ min: 0, max: 5 }) }), { nil: undefined });

/** A child scope made of the parent's grants: mostly narrowed, sometimes widened. */
const childOf = (parent: CapabilityScope): fc.Arbitrary<CapabilityScope> =>
  fc
    .array(
      fc.tuple(
        fc.nat(),
        fc.record({
          server: fc.option(name, { freq: 1 }),
          tool: fc.option(name, { freq: 1 }),
          add: fc.option(constraint),
          drop: fc.constantFrom(false, false, false, true),
          fewer: fc.nat({ max: 3 }),
          cheaper: fc.nat({ max: 4 }),
        }),
      ),
      { minLength: 1, maxLength: 3 },
    )
    .map((picks) => ({
      grants: picks.map(([at, change]) => {
        const base = structuredClone(parent.grants![at % parent.grants!.length]!);
        if (change.server !== null) base.server_id = change.server;
        if (change.tool !== null) base.tool_name = change.tool;
        if (change.add !== null) base.constraints = [...(base.constraints ?? []), change.add];
        else if (change.drop) delete base.constraints;
        if (base.max_invocations !== undefined) base.max_invocations = Math.min(base.max_invocations, change.fewer);
        if (base.max_cost_per_invocation !== undefined) base.max_cost_per_invocation.units = change.cheaper;
        return base;
      }),
    }));
const family = scope.chain((parent) => fc.tuple(fc.constant(parent), childOf(parent)));

describe("an attenuated token", () => {
  it("never authorises what its parent does not", { timeout: 30_000 }, () => {
    const reached = { refused: 0, allowed: 0, denied: 0 };
    fc.assert(
      fc.property(family, fc.array(fc.tuple(target, cost), { minLength: 4, maxLength: 8 }), ([parentScope, childScope], calls) => {
        const parent = issue(parentScope, { subject: ISSUER.publicKeyHex });
        let child: ReturnType<typeof attenuateCapability>;
        try {
          child = attenuateCapability(
            parent,
            { id: "child", subject: DELEGATEE.publicKeyHex, scope: childScope, issued_at: NOW - 1, expires_at: NOW + 10 },
            ISSUER,
          );
        } catch (error) {
          if (!(error instanceof WireError) || error.code !== "attenuation_refused") throw error;
          reached.refused++;
          return;
        }
        for (const [tool, price] of calls) {
          const extra = { tool, ...(price === undefined ? {} : { cost: price }) };
          const byChild = decide(toolCall(child, {}, extra), context());
          reached[byChild.allow ? "allowed" : "denied"]++;
          if (byChild.allow) expect(decide(toolCall(parent, {}, extra), context()).reasonCode).toBe("allowed");
        }
      }),
      { numRuns: 300 },
    );
    for (const count of Object.values(reached)) expect(count).toBeGreaterThan(0);
  });
});

describe("budgets", () => {
  it("are never exceeded, whatever the calls and their order are", { timeout: 30_000 }, () => {
    const calls = fc.array(fc.record({ token: fc.nat({ max: 2 }), tool: target, cost, guard: fc.boolean(), giveBack: fc.boolean() }), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(fc.array(scope, { minLength: 3, maxLength: 3 }), calls, (scopes, sequence) => {
        const tokens = scopes.map((each) => issue(each));
        const ctx = context();
        const spent = new Map<string, { invocations: number; units: bigint }>();
        for (const { token: which, tool, cost: price, guard, giveBack } of sequence) {
          const token = tokens[which]!;
          const guards = guard ? [{ name: "g", check: () => ({ allow: false }) }] : [];
          const decision = decide(toolCall(token, {}, { tool, ...(price === undefined ? {} : { cost: price }) }), { ...ctx, guards });
          for (const change of decision.state) {
            if (change.type !== "budget") continue;
            // A receipt that could not be stored: its caller reverses.
            if (giveBack) {
              ctx.budgets.reverse(change.charge);
              continue;
            }
            const { capabilityId, grantIndex, invocations, units } = change.charge;
            const key = `${capabilityId}/${grantIndex}`;
            const before = spent.get(key) ?? { invocations: 0, units: 0n };
            spent.set(key, { invocations: before.invocations + invocations, units: before.units + units });
          }
        }
        for (const token of tokens) {
          for (const [index, each] of (token.scope.grants ?? []).entries()) {
            const sum = spent.get(`${token.id}/${index}`) ?? { invocations: 0, units: 0n };
            expect(ctx.budgets.spent(token.id, index)).toEqual(sum);
            if (each.max_invocations !== undefined) expect(sum.invocations).toBeLessThanOrEqual(each.max_invocations);
            if (each.max_total_cost !== undefined) expect(sum.units).toBeLessThanOrEqual(BigInt(each.max_total_cost.units));
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

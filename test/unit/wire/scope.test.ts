import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { isScopeSubset, parseScope, scopeHash, uriPatternCovers } from "../../../sidecar/wire/scope.ts";
import type { CapabilityScope, Constraint, Operation, ToolGrant } from "../../../sidecar/wire/types.ts";
import { derived, scope, scopePair, toolGrant } from "./arbitraries.ts";

const base: ToolGrant = { server_id: "s", tool_name: "t", operations: ["invoke", "read"] };
const only = (...grants: ToolGrant[]): CapabilityScope => ({ grants });
const prefix: Constraint = { type: "path_prefix", value: "/a" };
const length: Constraint = { type: "max_length", value: 3 };
const usd = (units: number | bigint) => ({ units, currency: "USD" });

describe("subset of tool grants", () => {
  test.each<[string, Partial<ToolGrant>, Partial<ToolGrant>, boolean]>([
    ["the same", {}, {}, true],
    ["fewer operations", { operations: ["read"] }, {}, true],
    ["another operation", { operations: ["delegate"] }, {}, false],
    ["another tool", { tool_name: "u" }, {}, false],
    ["another server", { server_id: "x" }, {}, false],
    ["below a wildcard tool", { tool_name: "u" }, { tool_name: "*" }, true],
    ["below a wildcard server", { server_id: "x" }, { server_id: "*" }, true],
    ["a wildcard below a name", { tool_name: "*" }, {}, false],
    ["one more constraint", { constraints: [prefix, length] }, { constraints: [prefix] }, true],
    ["constraints in another order", { constraints: [length, prefix] }, { constraints: [prefix, length] }, true],
    ["a constraint dropped", { constraints: [length] }, { constraints: [prefix, length] }, false],
    ["a constraint loosened", { constraints: [{ type: "max_length", value: 4 }] }, { constraints: [length] }, false],
    ["invocations lowered", { max_invocations: 2 }, { max_invocations: 3 }, true],
    ["invocations raised", { max_invocations: 4 }, { max_invocations: 3 }, false],
    ["invocations dropped", {}, { max_invocations: 3 }, false],
    ["invocations added", { max_invocations: 3 }, {}, true],
    ["cost lowered", { max_total_cost: usd(1) }, { max_total_cost: usd(2n) }, true],
    ["cost raised", { max_total_cost: usd(3) }, { max_total_cost: usd(2n) }, false],
    ["big cost raised by one", { max_total_cost: usd(2n ** 63n + 1n) }, { max_total_cost: usd(2n ** 63n) }, false],
    ["cost in another currency", { max_total_cost: { units: 1, currency: "EUR" } }, { max_total_cost: usd(2) }, false],
    ["cost dropped", {}, { max_cost_per_invocation: usd(2) }, false],
    ["cost per invocation raised", { max_cost_per_invocation: usd(3) }, { max_cost_per_invocation: usd(2) }, false],
    ["DPoP kept", { dpop_required: true }, { dpop_required: true }, true],
    ["DPoP turned off", { dpop_required: false }, { dpop_required: true }, false],
    ["DPoP dropped", {}, { dpop_required: true }, false],
    ["DPoP added", { dpop_required: true }, { dpop_required: false }, true],
  ])("%s", (_name, child, parent, expected) => {
    expect(isScopeSubset(only({ ...base, ...child }), only({ ...base, ...parent }))).toBe(expected);
  });

  test("any of several parents may cover, and an empty child is below anything", () => {
    expect(isScopeSubset(only(base), only({ ...base, tool_name: "u" }, base))).toBe(true);
    expect(isScopeSubset({}, {})).toBe(true);
    expect(isScopeSubset({}, only(base))).toBe(true);
    expect(isScopeSubset(only(base), {})).toBe(false);
  });

  test("splitting a budget does not multiply it", () => {
    const parent = only({ ...base, max_invocations: 3, max_total_cost: usd(10) });
    const part = (max_invocations: number, units: number) => ({ ...base, max_invocations, max_total_cost: usd(units) });
    expect(isScopeSubset(only(part(1, 5), part(2, 5)), parent)).toBe(true);
    expect(isScopeSubset(only(part(3, 5), part(1, 5)), parent)).toBe(false);
    expect(isScopeSubset(only(part(1, 6), part(1, 5)), parent)).toBe(false);
    // Two equal parents carry two such children.
    expect(isScopeSubset(only(part(3, 5), part(3, 5)), only(...(parent.grants ?? []), ...(parent.grants ?? [])))).toBe(true);
  });
});

describe("subset of resource and prompt grants", () => {
  const resource = (uri_pattern: string, operations: Operation[] = ["read"]): CapabilityScope => ({
    resource_grants: [{ uri_pattern, operations }],
  });
  test.each([
    ["file:///a/b", "file:///a/b", true],
    ["file:///a/b", "*", true],
    ["file:///a/b", "file:///a/*", true],
    ["file:///a/b/*", "file:///a/*", true],
    ["file:///*", "file:///a/*", false],
    ["file:///b", "file:///a/*", false],
    ["file:///a/../b", "file:///a/*", false],
    ["file:///a/%2e%2e/b", "file:///a/*", false],
    ["file:///a/..%2fb", "file:///a/*", false],
    ["file:///a/b%5c..", "file:///a/*", false],
    ["file:///a/..?b", "file:///a/*", false],
    ["file:///a/x", "file:///*/x*", false],
    ["*", "file:///a/*", false],
  ])("%s below %s: %s", (child, parent, expected) => {
    expect(isScopeSubset(resource(child), resource(parent))).toBe(expected);
  });

  test("a child names no URI that its parent does not cover", () => {
    const uri = fc
      .array(fc.constantFrom("a", "/", "..", ".", "%2e", "%2f", "%5C", "?", "#", "\\", "*"), { maxLength: 6 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(uri, uri, uri, fc.boolean(), (root, below, end, open) => {
        const [parent, child] = [`${root}*`, `${root}${below}${open ? "*" : ""}`];
        const wanted = open ? `${root}${below}${end}` : child;
        if (child === "" || !uriPatternCovers(child, wanted) || !isScopeSubset(resource(child), resource(parent))) return;
        expect(uriPatternCovers(parent, wanted), `${wanted} through ${child}`).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  test("operations and prompts", () => {
    expect(isScopeSubset(resource("a", ["subscribe"]), resource("a"))).toBe(false);
    const prompt = (prompt_name: string): CapabilityScope => ({ prompt_grants: [{ prompt_name, operations: ["get"] }] });
    expect(isScopeSubset(prompt("p"), prompt("*"))).toBe(true);
    expect(isScopeSubset(prompt("*"), prompt("p"))).toBe(false);
    expect(isScopeSubset(prompt("p"), only(base))).toBe(false);
  });
});

/** One concrete call in the small world of the arbitraries. */
interface Call {
  server: string;
  tool: string;
  operation: Operation;
  satisfied: Set<string>;
  units: number;
  currency: string;
  dpop: boolean;
}

/** What a scope permits, written the plain way: the oracle that `isScopeSubset` is held against. */
function permits(granted: CapabilityScope, call: Call): boolean {
  return (granted.grants ?? []).some(
    (grant) =>
      ["*", call.server].includes(grant.server_id) &&
      ["*", call.tool].includes(grant.tool_name) &&
      grant.operations.includes(call.operation) &&
      (grant.constraints ?? []).every((constraint) => call.satisfied.has(canonicalize(constraint))) &&
      [grant.max_cost_per_invocation, grant.max_total_cost].every(
        (cap) => cap === undefined || (cap.currency === call.currency && call.units <= cap.units),
      ) &&
      grant.max_invocations !== 0 &&
      (grant.dpop_required !== true || call.dpop),
  );
}

const call: fc.Arbitrary<Call> = fc.record({
  server: fc.constantFrom("alpha", "beta", "gamma"),
  tool: fc.constantFrom("alpha", "beta", "gamma"),
  operation: fc.constantFrom("invoke", "read", "delegate"),
  satisfied: fc
    .subarray(['{"type":"path_prefix","value":"/workspace/"}', '{"type":"max_length","value":100}', '{"type":"governed_intent_required"}'])
    .map((items) => new Set(items)),
  units: fc.integer({ min: 0, max: 4 }),
  currency: fc.constantFrom("USD", "EUR"),
  dpop: fc.boolean(),
});

describe("properties", () => {
  test("a subset permits no call that its parent does not", () => {
    let subsets = 0;
    fc.assert(
      fc.property(scopePair, fc.array(call, { minLength: 12, maxLength: 12 }), ([parent, child], calls) => {
        if (!isScopeSubset(child, parent)) return;
        subsets++;
        for (const each of calls) expect(permits(child, each) && !permits(parent, each)).toBe(false);
      }),
      { numRuns: 1200 },
    );
    expect(subsets).toBeGreaterThan(80);
  });

  test("every scope is a subset of itself, and of itself with one more grant", () => {
    fc.assert(
      fc.property(scope, toolGrant, (granted, extra) => {
        // Only scopes whose grants do not compete for one budget: first fit is by design the stricter answer there.
        fc.pre((granted.grants ?? []).length === 1);
        expect(isScopeSubset(granted, granted)).toBe(true);
        expect(isScopeSubset(granted, { grants: [...(granted.grants ?? []), extra] })).toBe(true);
      }),
    );
  });

  test("subset is transitive", () => {
    fc.assert(
      fc.property(
        toolGrant
          .chain((a) => fc.tuple(fc.constant(only(a)), derived(only(a))))
          .chain(([a, b]) => fc.tuple(fc.constant(a), fc.constant(b), derived(b))),
        ([a, b, c]) => {
          if (isScopeSubset(b, a) && isScopeSubset(c, b)) expect(isScopeSubset(c, a)).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("the hash of a scope is that of its canonical form", () => {
    fc.assert(
      fc.property(scope, scope, (a, b) => {
        expect(scopeHash(parseScope(JSON.parse(canonicalize(a))))).toBe(scopeHash(a));
        if (canonicalize(a) !== canonicalize(b)) expect(scopeHash(a)).not.toBe(scopeHash(b));
      }),
    );
  });
});

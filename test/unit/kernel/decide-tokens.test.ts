import { describe, expect, it } from "vitest";
import { decide } from "../../../sidecar/kernel/decide.ts";
import { signDelegationLink } from "../../../sidecar/wire/delegation.ts";
import { signDpopProof } from "../../../sidecar/wire/dpop.ts";
import { context, grant, httpCall, ISSUER, issue, keyOf, NOW, SUBJECT, toolCall } from "./support.ts";

const code = (call: Parameters<typeof decide>[0], ctx = context()) => decide(call, ctx).reasonCode;

describe("delegated tokens", () => {
  const link = (from: typeof ISSUER, to: typeof ISSUER, timestamp = NOW - 100) =>
    signDelegationLink({ capability_id: "parent", delegator: from.publicKeyHex, delegatee: to.publicKeyHex, timestamp }, from);
  const agent = keyOf(0x21);

  it("are accepted when the authority signed them for the end of the chain", () => {
    const chain = [link(ISSUER, agent), link(agent, SUBJECT)];
    expect(code(toolCall(issue({ grants: [grant("srv", "tool")] }, { delegation_chain: chain })))).toBe("allowed");
  });

  it("are judged for depth on every call, cached or not", () => {
    const call = toolCall(issue({ grants: [grant("srv", "tool")] }, { delegation_chain: [link(ISSUER, agent), link(agent, SUBJECT)] }));
    const ctx = context();
    expect(code(call, ctx)).toBe("allowed");
    expect(ctx.tokens?.size).toBe(1);
    expect(code(call, { ...ctx, maxDelegationDepth: 1 })).toBe("delegation_too_deep");
    expect(code(call, { ...ctx, maxDelegationDepth: Number.NaN })).toBe("delegation_too_deep");
    expect(code(call, { ...ctx, trustedIssuers: new Set() })).toBe("issuer_untrusted");
  });
});

describe("DPoP", () => {
  it("binds a proof to one HTTP request", () => {
    const token = issue({ grants: [grant("http", "POST /pets", { dpop_required: true })] });
    const call = httpCall(token, { query: { q: "1" }, body: "hello" });
    const proof = (args: object, tool = { toolServer: "http", toolName: "POST /pets" }) =>
      JSON.stringify(signDpopProof({ capabilityId: token.id, ...tool, arguments: args as never, nonce: "n", issuedAt: NOW }, SUBJECT));
    const args = { method: "POST", path: "/pets", query: { q: "1" }, body_hash: call.http!.bodyHash };
    const decision = decide({ ...call, dpop: proof(args) }, context());
    expect(decision.reasonCode).toBe("allowed");
    expect(decision.state).toEqual([{ type: "replay", nonce: "n", capabilityId: token.id, expiresAt: NOW + 300 }]);
    const authority = { toolServer: "chio_http_authority", toolName: "authorize_http_request" };
    expect(code({ ...call, dpop: proof(args, authority) })).toBe("allowed");
    expect(code({ ...call, dpop: proof({ ...args, body_hash: null }) })).toBe("dpop_invalid");
    expect(code({ ...call, dpop: proof({ ...args, path: "/other" }) })).toBe("dpop_invalid");
    expect(code({ ...call, dpop: proof(args, { toolServer: "http", toolName: "GET /pets" }) })).toBe("dpop_invalid");
    call.http!.route.route!.streamBody = true;
    expect(code({ ...call, dpop: proof(args) })).toBe("dpop_invalid");
  });
});

describe("caveats", () => {
  const token = (caveat: object) => issue({ grants: [grant("*", "*")] }, { caveats: [caveat as never] });
  const holds = (kind: string, predicate: string, call = toolCall(undefined)) =>
    decide({ ...call, capability: JSON.stringify(token({ kind, predicate })) }, context()).allow;

  it.each([
    ["restrict_tool", "srv/tool", true],
    ["restrict_tool", "tool", true],
    ["restrict_tool", "*/tool", true],
    ["restrict_tool", "srv/*", true],
    ["restrict_tool", "srv/other", false],
    ["restrict_tool", "other/tool", false],
    ["restrict_time_window", `${NOW}/${NOW + 1}`, true],
    ["restrict_time_window", "2024-03-09T00:00:00Z/2024-03-10T00:00:00Z", true],
    ["restrict_time_window", `${NOW - 10}/${NOW}`, false],
    ["restrict_time_window", `${NOW + 1}/${NOW + 2}`, false],
    ["restrict_time_window", `${NOW}`, false],
    ["restrict_time_window", "2024-03-09/2024-03-10", false],
    ["restrict_audience", "anybody", false],
    ["restrict_geo", "CH", false],
  ])("%s %s: %s", (kind, predicate, expected) => {
    expect(holds(kind, predicate)).toBe(expected);
  });

  it("bind a session", () => {
    expect(holds("bind_session", "s1", toolCall(undefined, {}, { sessionId: "s1" }))).toBe(true);
    expect(holds("bind_session", "s1", toolCall(undefined, {}, { sessionId: "s2" }))).toBe(false);
    expect(holds("bind_session", "s1")).toBe(false);
  });

  it("restrict routes by their name", () => {
    expect(holds("restrict_tool", "http/POST /pets", httpCall(undefined))).toBe(true);
    expect(holds("restrict_tool", "POST /pets", httpCall(undefined))).toBe(true);
    expect(holds("restrict_tool", "GET /pets", httpCall(undefined))).toBe(false);
  });

  it("do not hold with a signature of their own, or a predicate that is no text", () => {
    const call = toolCall(token({ kind: "restrict_tool", predicate: "tool", sig: "00".repeat(64) }));
    expect(code(call)).toBe("caveat_violated");
    expect(code(toolCall(token({ kind: "restrict_tool", predicate: { tool: "tool" } })))).toBe("caveat_violated");
  });
});

describe("attenuations", () => {
  const token = (...statements: object[]) =>
    issue(
      {
        grants: [
          grant("srv", "tool", {
            max_invocations: 5,
            max_total_cost: { units: 100, currency: "USD" },
            max_cost_per_invocation: { units: 10, currency: "USD" },
            constraints: [{ type: "max_length", value: 9 }],
          }),
        ],
      },
      { scope_attenuations: statements as never },
    );
  const at = { server_id: "srv", tool_name: "tool" };

  it.each([
    [{ type: "remove_tool", ...at, tool_name: "other" }, true],
    [{ type: "remove_tool", ...at }, false],
    [{ type: "remove_tool", ...at, server_id: "*" }, false],
    [{ type: "remove_operation", ...at, operation: "read_result" }, true],
    [{ type: "remove_operation", ...at, operation: "invoke" }, false],
    [{ type: "add_constraint", ...at, constraint: { type: "max_length", value: 9 } }, true],
    [{ type: "add_constraint", ...at, constraint: { type: "max_length", value: 8 } }, false],
    [{ type: "reduce_budget", ...at, max_invocations: 5 }, true],
    [{ type: "reduce_budget", ...at, max_invocations: 4 }, false],
    [{ type: "shorten_expiry", new_expires_at: NOW + 400 }, true],
    [{ type: "shorten_expiry", new_expires_at: NOW + 399 }, false],
    [{ type: "reduce_cost_per_invocation", ...at, max_cost_per_invocation: { units: 10, currency: "USD" } }, true],
    [{ type: "reduce_cost_per_invocation", ...at, max_cost_per_invocation: { units: 10, currency: "EUR" } }, false],
    [{ type: "reduce_total_cost", ...at, max_total_cost: { units: 99, currency: "USD" } }, false],
    [{ type: "reduce_everything", ...at }, false],
    [{}, false],
  ])("%j agrees with the scope: %s", (statement, expected) => {
    expect(code(toolCall(token(statement)))).toBe(expected ? "allowed" : "delegation_invalid");
  });
});

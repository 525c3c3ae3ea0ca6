import { describe, expect, it } from "vitest";
import type { GuardInput } from "../../../sidecar/guards/types.ts";
import { decide } from "../../../sidecar/kernel/decide.ts";
import { REVOKED_POLICY_HASH } from "../../../sidecar/kernel/decision.ts";
import { sha256Hex } from "../../../sidecar/wire/hash.ts";
import {
  allowingGuard,
  context,
  denyingGuard,
  grant,
  type HttpOptions,
  httpCall,
  issue,
  NOW,
  POLICY_HASH,
  STRANGER,
  SUBJECT,
  throwingGuard,
  toolCall,
} from "./support.ts";

const routeToken = (server: string, tool: string) => issue({ grants: [grant(server, tool)] });
const code = (call: Parameters<typeof decide>[0], ctx = context()) => decide(call, ctx).reasonCode;

describe("an HTTP route that is closed", () => {
  it.each([
    ["http", "POST /pets"],
    ["http", "*"],
    ["*", "POST /pets"],
    ["*", "*"],
    ["chio_http_authority", "authorize_http_request"],
    ["chio_http_authority", "*"],
    ["*", "authorize_http_request"],
  ])("is opened by a grant for %s, %s", (server, tool) => {
    const decision = decide(httpCall(routeToken(server, tool)), context());
    expect(decision).toMatchObject({
      allow: true,
      reasonCode: "allowed",
      httpStatus: 200,
      guard: "CapabilityGuard",
      grantIndex: 0,
      policyHash: POLICY_HASH,
    });
    expect(decision.evidence).toEqual([{ guard_name: "CapabilityGuard", verdict: true, details: "valid capability token presented" }]);
  });

  it.each([
    ["http", "GET /pets"],
    ["http", "POST /pets/{id}"],
    ["http", "POST /pets/"],
    ["HTTP", "POST /pets"],
    ["http", "post /pets"],
    ["http", "POST /pet*"],
    ["srv", "POST /pets"],
    ["chio_http_authority", "authorize_http_requests"],
  ])("is not opened by a grant for %s, %s", (server, tool) => {
    const decision = decide(httpCall(routeToken(server, tool)), context());
    expect(decision.reasonCode).toBe("scope_mismatch");
    expect(decision.reason).toBe("capability does not authorize tool POST /pets on server http");
  });

  it("binds to its pattern, not to the path that matched it", () => {
    const options: HttpOptions = { pattern: "/pets/{id}", path: "/pets/7", method: "DELETE" };
    expect(code(httpCall(routeToken("http", "DELETE /pets/{id}"), options))).toBe("allowed");
    expect(code(httpCall(routeToken("http", "DELETE /pets/7"), options))).toBe("scope_mismatch");
  });

  it("says upstream's words when the token is missing", () => {
    expect(decide(httpCall(undefined), context()).evidence).toEqual([
      { guard_name: "CapabilityGuard", verdict: false, details: "side-effect route requires a valid capability token" },
    ]);
  });

  it("is bound to the route even when the request names a tool", () => {
    const tool = { serverId: "srv", toolName: "tool", arguments: {} };
    expect(code(httpCall(routeToken("srv", "tool"), {}, { tool }))).toBe("scope_mismatch");
    expect(code(httpCall(routeToken("http", "POST /pets"), {}, { tool }))).toBe("allowed");
  });
});

describe("an HTTP route that is open", () => {
  const open: HttpOptions = { method: "GET", policy: "session_allow" };

  it("needs no token", () => {
    const decision = decide(httpCall(undefined, open), context());
    expect(decision).toMatchObject({ allow: true, guard: "DefaultPolicyGuard", state: [] });
    expect(decision.evidence).toEqual([{ guard_name: "DefaultPolicyGuard", verdict: true, details: "safe method, session-scoped allow" }]);
    expect(decision.capabilityId).toBeUndefined();
  });

  it("takes a sound token whatever it grants, and names it", () => {
    const token = routeToken("srv", "other");
    expect(decide(httpCall(token, open), context())).toMatchObject({ allow: true, capabilityId: token.id });
  });

  it("denies an unsound token all the same", () => {
    expect(code(httpCall("nonsense", open))).toBe("capability_malformed");
    expect(code(httpCall(issue({}, { expires_at: NOW }), open))).toBe("capability_expired");
    expect(code(httpCall(issue({}, { issuer: STRANGER.publicKeyHex }, STRANGER), open))).toBe("issuer_untrusted");
    expect(code(httpCall(issue({}), open, { capabilityIdHint: "other" }))).toBe("capability_id_mismatch");
  });

  it("holds a token to the tool that the request names", () => {
    const tool = { serverId: "srv", toolName: "tool", arguments: {} };
    expect(code(httpCall(routeToken("srv", "tool"), open, { tool }))).toBe("allowed");
    expect(code(httpCall(routeToken("srv", "other"), open, { tool }))).toBe("scope_mismatch");
    expect(code(httpCall(undefined, open, { tool }))).toBe("allowed");
    expect(code(httpCall(undefined, open, { tool: { ...tool, serverId: "http" } }))).toBe("tool_identity_invalid");
  });

  it("is closed when it asks for approval", () => {
    const approval = { ...open, route: { approvalRequired: true } };
    expect(code(httpCall(undefined, approval))).toBe("missing_capability_token");
    expect(code(httpCall(routeToken("*", "*"), approval))).toBe("approval_required");
  });
});

describe("/chio/tools/<server>/<tool>", () => {
  const at = (path: string, tool: { serverId: string; toolName: string } | null, token = routeToken("srv", "tool")) =>
    code(httpCall(token, { pattern: path, policy: "session_allow" }, tool === null ? {} : { tool: { ...tool, arguments: { a: 1 } } }));
  const tool = { serverId: "srv", toolName: "tool" };

  it("needs a grant for that tool, on an open route too", () => {
    expect(at("/chio/tools/srv/tool", tool)).toBe("allowed");
    expect(at("/chio/tools/srv/tool", tool, routeToken("http", "*"))).toBe("scope_mismatch");
    expect(at("/chio/tools/srv/tool", tool, routeToken("chio_http_authority", "authorize_http_request"))).toBe("scope_mismatch");
    expect(
      code(httpCall(undefined, { pattern: "/chio/tools/srv/tool", policy: "session_allow" }, { tool: { ...tool, arguments: {} } })),
    ).toBe("missing_capability_token");
  });

  it("decodes each segment", () => {
    expect(at("/chio/tools/my%20srv/a%2Fb", { serverId: "my srv", toolName: "a/b" }, routeToken("my srv", "a/b"))).toBe("allowed");
  });

  it.each([
    "/chio/tools/",
    "/chio/tools/srv",
    "/chio/tools/srv/",
    "/chio/tools//tool",
    "/chio/tools/srv/tool/",
    "/chio/tools/srv/%ff",
    "/chio/tools/srv/%00",
    "/chio/tools/http/GET%20%2Fadmin",
    "/chio/tools/chio_http_authority/authorize_http_request",
  ])("is malformed: %s", (path) => {
    expect(at(path, tool, routeToken("*", "*"))).toBe("tool_identity_invalid");
  });

  it("never stands for a route, even when the call agrees with the path", () => {
    const route = { serverId: "http", toolName: "GET /admin" };
    expect(at("/chio/tools/http/GET%20%2Fadmin", route, routeToken("http", "GET /admin"))).toBe("tool_identity_invalid");
  });

  it("does not take another tool's arguments, or none", () => {
    expect(at("/chio/tools/srv/tool", { serverId: "srv", toolName: "other" }, routeToken("*", "*"))).toBe("tool_identity_invalid");
    expect(at("/chio/tools/srv/tool", null)).toBe("tool_identity_invalid");
  });
});

describe("a call of the library", () => {
  it("names one thing", () => {
    const call = toolCall(routeToken("*", "*"));
    expect(code({ ...call, prompt: { name: "p", arguments: {} } })).toBe("tool_identity_invalid");
    const { tool: _tool, ...nothing } = call;
    expect(code(nothing)).toBe("tool_identity_invalid");
    expect(code({ ...call, tool: { serverId: "http", toolName: "GET /x", arguments: {} } })).toBe("tool_identity_invalid");
  });

  const { tool: _tool, ...bare } = toolCall(undefined);
  const scope = issue({
    resource_grants: [{ uri_pattern: "file:///workspace/*", operations: ["read"] }],
    prompt_grants: [{ prompt_name: "summarize", operations: ["get"] }],
  });
  const read = (uri: string, operation: "read" | "subscribe" = "read") =>
    code({ ...bare, capability: JSON.stringify(scope), resource: { uri, operation } });

  it("reads resources under a granted prefix", () => {
    expect(read("file:///workspace/a.md")).toBe("allowed");
    expect(read("file:///workspace/a.md", "subscribe")).toBe("scope_mismatch");
    expect(read("file:///etc/passwd")).toBe("scope_mismatch");
    expect(read("file:///workspace/../etc/passwd")).toBe("scope_mismatch");
    expect(read("file:///workspace/%2e%2e/etc/passwd")).toBe("scope_mismatch");
    expect(code({ ...bare, resource: { uri: "file:///workspace/a.md", operation: "read" } })).toBe("missing_capability_token");
  });

  it("gets granted prompts", () => {
    const get = (name: string) => code({ ...bare, capability: JSON.stringify(scope), prompt: { name, arguments: {} } });
    expect(get("summarize")).toBe("allowed");
    expect(get("other")).toBe("scope_mismatch");
  });
});

describe("grants", () => {
  const two = (first: object, second: object) => issue({ grants: [grant("srv", "tool", first), grant("*", "tool", second)] });

  it("are tried in order until one authorises the call", () => {
    const token = two({ constraints: [{ type: "max_length", value: 1 }] }, {});
    expect(decide(toolCall(token, { a: "1" }), context()).grantIndex).toBe(0);
    expect(decide(toolCall(token, { a: "12" }), context()).grantIndex).toBe(1);
  });

  it("pass on to the next when their budget is gone", () => {
    const token = two({ max_invocations: 1 }, { max_invocations: 1 });
    const ctx = context();
    expect(decide(toolCall(token), ctx).grantIndex).toBe(0);
    expect(decide(toolCall(token), ctx).grantIndex).toBe(1);
    expect(decide(toolCall(token), ctx).reasonCode).toBe("invocations_exhausted");
  });

  it("fail for the first reason when none is left", () => {
    const token = two({ constraints: [{ type: "governed_intent_required" }] }, { dpop_required: true });
    expect(code(toolCall(token))).toBe("constraint_violated");
  });
});

describe("costs", () => {
  const usd = (units: number) => ({ units, currency: "USD" });
  const capped = (rest: object) => issue({ grants: [grant("srv", "tool", rest)] });

  it("are the declared ones", () => {
    const ctx = context();
    const decision = decide(toolCall(capped({ max_total_cost: usd(10) }), {}, { cost: { units: 4 } }), ctx);
    expect(decision.cost).toEqual({ units: 4n, currency: "USD" });
    expect(decision.state).toEqual([
      {
        type: "budget",
        charge: expect.objectContaining({ capabilityId: decision.capabilityId, grantIndex: 0, invocations: 1, units: 4n, currency: "USD" }),
      },
    ]);
    expect(ctx.budgets.spent(decision.capabilityId!, 0)).toEqual({ invocations: 1, units: 4n });
  });

  it("are the route's budget limit on a route", () => {
    const token = issue({ grants: [grant("http", "POST /pets", { max_total_cost: usd(10) })] });
    const decision = decide(httpCall(token, { route: { budgetLimit: 7 } }), context());
    expect(decision.cost).toEqual({ units: 7n, currency: "USD" });
    expect(code(httpCall(token, { route: { budgetLimit: 11 } }))).toBe("budget_exceeded");
  });

  it("are the worst case when nobody declared one", () => {
    const token = capped({ max_cost_per_invocation: usd(6), max_total_cost: usd(10) });
    const ctx = context();
    expect(decide(toolCall(token), ctx).cost).toEqual({ units: 6n, currency: "USD" });
    expect(code(toolCall(token), ctx)).toBe("budget_exceeded");
  });

  it("are nothing when the grant has no cost per call either", () => {
    const token = capped({ max_total_cost: usd(10) });
    expect(decide(toolCall(token), context()).cost).toEqual({ units: 0n, currency: "USD" });
  });

  it.each([
    ["another currency", { max_total_cost: usd(10) }, { units: 1, currency: "EUR" }],
    ["two currencies in one grant", { max_total_cost: usd(10), max_cost_per_invocation: { units: 5, currency: "EUR" } }, { units: 1 }],
    ["a negative cost", { max_total_cost: usd(10) }, { units: -1 }],
    ["a cost beyond 64 bits", {}, { units: 2n ** 64n }],
  ])("refuse %s", (_what, rest, cost) => {
    const ctx = context();
    const decision = decide(toolCall(capped(rest), {}, { cost }), ctx);
    expect(decision.reasonCode).toBe("budget_exceeded");
    expect(ctx.budgets.size).toBe(0);
  });

  it("that are no whole numbers are our own fault", () => {
    expect(code(toolCall(capped({}), {}, { cost: { units: 1.5 } }))).toBe("internal_error");
  });

  it("leave an invocation uncharged when the cost cap refuses it", () => {
    const token = capped({ max_total_cost: usd(10), max_invocations: 1 });
    const ctx = context();
    expect(code(toolCall(token, {}, { cost: { units: 11 } }), ctx)).toBe("budget_exceeded");
    expect(code(toolCall(token, {}, { cost: { units: 10 } }), ctx)).toBe("allowed");
  });

  it.each([
    ["denies", denyingGuard, "guard_denied"],
    ["throws", throwingGuard, "guard_error"],
  ])("are given back when a guard %s", (_what, guard, expected) => {
    const token = capped({ max_invocations: 1, max_total_cost: usd(10) });
    const ctx = context({ guards: [guard] });
    const decision = decide(toolCall(token, {}, { cost: { units: 10 } }), ctx);
    expect(decision.reasonCode).toBe(expected);
    expect(decision.state).toEqual([]);
    expect(ctx.budgets.spent(token.id, 0)).toEqual({ invocations: 0, units: 0n });
  });
});

function spyGuard(see: (input: GuardInput) => unknown, details?: string) {
  return {
    name: "spy",
    check(input: GuardInput) {
      see(input);
      return { allow: true, ...(details === undefined ? {} : { details }) };
    },
  };
}

describe("guards", () => {
  it("see the tool call, the agent and the time, and leave evidence", () => {
    const seen: GuardInput[] = [];
    const spy = spyGuard((input) => seen.push(input), "looked");
    const token = routeToken("files", "read_file");
    const call = { ...toolCall(token), tool: { serverId: "files", toolName: "read_file", arguments: { path: "/a" } }, sessionId: "s" };
    const decision = decide(call, context({ guards: [spy] }));
    expect(seen).toMatchObject([
      {
        action: { kind: "file_access", path: "/a" },
        toolServer: "files",
        toolName: "read_file",
        agentId: SUBJECT.publicKeyHex,
        capabilityId: token.id,
        sessionId: "s",
        now: NOW * 1000,
      },
    ]);
    expect(decision.evidence.map((entry) => entry.guard_name)).toEqual(["CapabilityGuard", "spy"]);
  });

  it("see a request and the tool that it names", () => {
    const kinds: string[] = [];
    const spy = spyGuard((input) => kinds.push(`${input.toolServer} ${input.action.kind}`));
    const tool = { serverId: "shells", toolName: "bash", arguments: { command: "ls" } };
    decide(httpCall(undefined, { method: "GET", policy: "session_allow" }, { tool }), context({ guards: [spy] }));
    expect(kinds).toEqual(["http http_request", "shells shell_command"]);
  });

  it("run on open routes too, and their denial names no capability guard", () => {
    const decision = decide(httpCall(undefined, { method: "GET", policy: "session_allow" }), context({ guards: [denyingGuard] }));
    expect(decision).toMatchObject({ allow: false, guard: "denying", reason: 'guard "denying" denied the request' });
    expect(decision.evidence).toEqual([{ guard_name: "denying", verdict: false, details: "no" }]);
  });

  it("end at the first denial", () => {
    let ran = false;
    const later = spyGuard(() => {
      ran = true;
    });
    expect(code(toolCall(routeToken("*", "*")), context({ guards: [allowingGuard, denyingGuard, later] }))).toBe("guard_denied");
    expect(ran).toBe(false);
  });

  it("do not leak what they failed on", () => {
    expect(JSON.stringify(decide(toolCall(routeToken("*", "*")), context({ guards: [throwingGuard] })))).not.toContain("secret-value");
  });

  it("that answer with something else than true deny", () => {
    const vague = { name: "vague", check: () => ({ allow: "yes" as unknown as boolean }) };
    expect(code(toolCall(routeToken("*", "*")), context({ guards: [vague] }))).toBe("guard_denied");
  });
});

describe("a denial", () => {
  it("for a revoked token carries upstream's policy hash on HTTP only", () => {
    const revocations = { isRevoked: () => true };
    expect(REVOKED_POLICY_HASH).toBe(sha256Hex("chio_api_protect_revoked_capability"));
    expect(decide(httpCall(routeToken("*", "*")), context({ revocations })).policyHash).toBe(REVOKED_POLICY_HASH);
    expect(decide(toolCall(routeToken("*", "*")), context({ revocations })).policyHash).toBe(POLICY_HASH);
  });

  it("is one short line, whatever the caller named", () => {
    const tool = { serverId: "a\r\nSet-Cookie: x", toolName: `b\u0000${"c".repeat(1_000)}`, arguments: {} };
    const { reason } = decide({ ...toolCall(issue({})), tool }, context());
    expect(reason).toMatch(/^[\x20-\x7e…]{1,300}$/);
  });

  it("stands when stores, guards and the logger fail at once", () => {
    const fail = () => {
      throw new Error("down");
    };
    const ctx = context({
      budgets: { tryCharge: () => true, reverse: fail },
      guards: [throwingGuard],
      onError: fail,
    });
    expect(code(toolCall(issue({ grants: [grant("srv", "tool", { max_invocations: 1 })] })), ctx)).toBe("guard_error");
  });
});

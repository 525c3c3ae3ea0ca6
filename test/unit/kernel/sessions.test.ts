import { describe, expect, it } from "vitest";
import { REASONS } from "../../../sidecar/kernel/reasons.ts";
import { signDpopProof } from "../../../sidecar/wire/dpop.ts";
import { sha256Hex } from "../../../sidecar/wire/hash.ts";
import type { Json } from "../../../sidecar/wire/json.ts";
import { verifyReceipt } from "../../../sidecar/wire/receipt.ts";
import { agentKey, echo, fixture, serverWith, settle } from "./library-support.ts";
import { denyingGuard, grant, ISSUER, issue, NOW, POLICY_HASH, STRANGER, SUBJECT } from "./support.ts";

const code = (expected: string) => expect.objectContaining({ code: expected });

describe("a tool call", () => {
  it("gives the result with its receipt", async () => {
    const { kernel, store } = fixture();
    const session = await kernel.openSession({ agentKey, tenantId: "t1" });
    const outcome = await session.callTool({ server: "srv", tool: "echo", arguments: { b: 1, a: [true] } });
    expect(outcome).toMatchObject({ status: "ok", value: { a: [true], b: 1 } });
    const { receipt } = outcome as Extract<typeof outcome, { status: "ok" }>;
    expect(verifyReceipt(receipt, { trustedKeys: [kernel.publicKeyHex], requireDigests: true })).toMatchObject({
      ok: true,
      authorized: true,
    });
    expect(receipt).toMatchObject({
      tool_server: "srv",
      tool_name: "echo",
      timestamp: NOW,
      tenant_id: "t1",
      policy_hash: POLICY_HASH,
      capability_id: session.capabilities[0]!.id,
      content_hash: sha256Hex('{"a":[true],"b":1}'),
      action: { parameters: { a: [true], b: 1 } },
      metadata: { chio_session_id: session.id, chio_subject: agentKey, chio_http_status_scope: "final" },
    });
    expect(store.receipts()).toEqual([receipt]);
  });

  it("is written ahead when it has side effects, and only then", async () => {
    const order: string[] = [];
    const { kernel, store } = fixture({
      servers: [
        serverWith(() => {
          order.push(`called after ${store.entries().length} receipt`);
          return null;
        }),
      ],
    });
    const session = await kernel.openSession({ agentKey });
    await session.callTool({ server: "srv", tool: "tool" });
    expect(order).toEqual(["called after 1 receipt"]);
    const [decision, final] = store.entries();
    expect(decision).toMatchObject({ opens: true, kind: "tool", index: { outcome: "allow", toolServer: "srv" } });
    expect(final).toMatchObject({ closes: decision!.receiptId });
    const [first, second] = store.receipts();
    expect(first?.metadata?.chio_http_status_scope).toBe("decision");
    expect(second?.metadata).toMatchObject({ chio_http_status_scope: "final", chio_decision_receipt_id: first?.id });

    const reading = fixture();
    const other = await reading.kernel.openSession({ agentKey });
    await other.callTool({ server: "srv", tool: "echo" });
    expect(reading.store.entries()).toHaveLength(1);
    expect(reading.store.entries()[0]?.opens).toBeUndefined();
  });

  it("is not made when its decision cannot be made durable, and costs nothing then", async () => {
    let called = 0;
    const { kernel, store } = fixture({ servers: [serverWith(() => ++called)], config: { caPublicKeys: [ISSUER.publicKeyHex] } });
    const session = await kernel.openSession({ agentKey });
    const capability = issue({ grants: [grant("srv", "tool", { max_invocations: 1 })] });
    store.failing = new Error("disk full");
    await expect(session.callTool({ server: "srv", tool: "tool", capability })).rejects.toThrow(code("receipt_not_durable"));
    expect(called).toBe(0);
    store.failing = null;
    expect(await session.callTool({ server: "srv", tool: "tool", capability })).toMatchObject({ status: "ok", value: 1 });
    expect(await session.callTool({ server: "srv", tool: "tool", capability })).toMatchObject({ reasonCode: "invocations_exhausted" });
  });

  it("gives no result before its receipt is durable, and none when it never is", async () => {
    const { kernel, store } = fixture();
    const session = await kernel.openSession({ agentKey });
    const gate = Promise.withResolvers<void>();
    store.hold = gate.promise;
    let done = false;
    const call = session.callTool({ server: "srv", tool: "echo" }).then((outcome) => {
      done = true;
      return outcome;
    });
    await settle();
    expect(done).toBe(false);
    gate.resolve();
    expect((await call).status).toBe("ok");
    store.failing = new Error("disk full");
    const error = await session.callTool({ server: "srv", tool: "echo" }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "receipt_not_durable", cause: store.failing });
  });

  it("carries the changed budget with the first of its receipts", async () => {
    const { kernel, store } = fixture({ config: { caPublicKeys: [ISSUER.publicKeyHex] } });
    const session = await kernel.openSession({ agentKey });
    const capability = issue({ grants: [grant("srv", "*", { max_invocations: 5 })] });
    await session.callTool({ server: "srv", tool: "write", capability });
    await session.callTool({ server: "srv", tool: "echo", capability });
    expect(store.entries().map((entry) => entry.state?.map((change) => change.type))).toEqual([["budget"], undefined, ["budget"]]);
  });

  it("costs what the tool declares", async () => {
    const { kernel, store } = fixture({
      servers: [serverWith(() => null, { cost: { units: 7 }, sideEffects: false })],
      config: { caPublicKeys: [ISSUER.publicKeyHex] },
    });
    const session = await kernel.openSession({ agentKey });
    const capability = issue({ grants: [grant("srv", "tool", { max_total_cost: { units: 10, currency: "USD" } })] });
    expect((await session.callTool({ server: "srv", tool: "tool", capability })).status).toBe("ok");
    expect(await session.callTool({ server: "srv", tool: "tool", capability })).toMatchObject({ reasonCode: "budget_exceeded" });
    expect(store.entries()[0]?.index).toMatchObject({ costUnits: 7n, costCurrency: "USD" });
  });

  it("works on copies: nobody can change arguments between decision, call and receipt", async () => {
    const { kernel, store } = fixture({
      servers: [
        serverWith((args) => {
          (args as { path: string }).path = "/changed by the tool";
          return null;
        }),
      ],
    });
    const session = await kernel.openSession({ agentKey });
    const args = { path: "/a" };
    const call = session.callTool({ server: "srv", tool: "tool", arguments: args });
    args.path = "/changed by the caller";
    await call;
    expect(store.receipts().map((receipt) => receipt.action.parameters)).toEqual([{ path: "/a" }, { path: "/a" }]);
  });

  it.each([
    ["a function", { f: () => 1 }],
    ["NaN", Number.NaN],
    ["a date", { at: new Date(0) }],
    ["a lone surrogate", "\ud800"],
  ])("takes no arguments with %s", async (_what, args) => {
    const { kernel, store } = fixture();
    const session = await kernel.openSession({ agentKey });
    await expect(session.callTool({ server: "srv", tool: "echo", arguments: args as unknown as Json })).rejects.toThrow(
      code("kernel_option_invalid"),
    );
    expect(store.entries()).toHaveLength(0);
  });

  it.each([
    { server: "", tool: "echo" },
    { server: "srv", tool: 7 },
    { server: "srv", tool: "\udc00" },
    { server: "srv", tool: "echo", requestId: "" },
    { server: "srv", tool: "x".repeat(8_193) },
  ])("takes no name that a receipt cannot carry: %j", async (request) => {
    const { kernel, store } = fixture();
    const session = await kernel.openSession({ agentKey });
    await expect(session.callTool(request as never)).rejects.toThrow(code("kernel_option_invalid"));
    expect(store.entries()).toHaveLength(0);
  });

  it("that fails keeps its error for the host, and has a receipt", async () => {
    const boom = new Error("token=secret");
    const { kernel, store } = fixture({
      servers: [
        serverWith(() => {
          throw boom;
        }),
      ],
    });
    const session = await kernel.openSession({ agentKey });
    const outcome = await session.callTool({ server: "srv", tool: "tool" });
    expect(outcome).toMatchObject({ status: "failed", error: boom });
    expect(store.receipts().at(-1)).toMatchObject({ decision: { verdict: "allow" }, metadata: { chio_outcome: "failed" } });
    expect(
      store
        .entries()
        .map((entry) => entry.canonicalJson)
        .join(),
    ).not.toContain("secret");
  });

  it("with a result that is no JSON has failed", async () => {
    const { kernel } = fixture({ servers: [serverWith(() => (() => 1) as unknown as Json)] });
    const session = await kernel.openSession({ agentKey });
    expect(await session.callTool({ server: "srv", tool: "tool" })).toMatchObject({ status: "failed", error: { code: "result_not_json" } });
  });

  it("can be given up", async () => {
    let aborted = false;
    const { kernel, store } = fixture({
      servers: [
        serverWith((_args, { signal }) => {
          signal.addEventListener("abort", () => {
            aborted = true;
          });
          return new Promise(() => {});
        }),
      ],
    });
    const session = await kernel.openSession({ agentKey });
    const abort = new AbortController();
    const call = session.callTool({ server: "srv", tool: "tool", signal: abort.signal });
    await settle();
    abort.abort();
    expect(await call).toMatchObject({ status: "cancelled", receipt: { decision: { verdict: "cancelled" } } });
    expect([aborted, session.inFlight]).toEqual([true, 0]);
    expect(store.entries().at(-1)).toMatchObject({ closes: store.entries()[0]!.receiptId });
    // Given up before it began: decided, but never made.
    expect(await session.callTool({ server: "srv", tool: "tool", signal: AbortSignal.abort() })).toMatchObject({ status: "cancelled" });
  });
});

describe("a denial", () => {
  it("is an outcome with a receipt, and nothing is called", async () => {
    let called = false;
    const { kernel, store } = fixture({
      servers: [
        serverWith(() => {
          called = true;
          return null;
        }),
      ],
      guards: [denyingGuard],
    });
    const session = await kernel.openSession({ agentKey });
    const outcome = await session.callTool({ server: "srv", tool: "tool" });
    expect(outcome).toMatchObject({
      status: "denied",
      reasonCode: "guard_denied",
      guard: "denying",
      suggestion: REASONS.guard_denied.suggestion,
      receipt: { decision: { verdict: "deny" } },
    });
    expect(called).toBe(false);
    expect(store.entries()).toHaveLength(1);
    expect(store.entries()[0]).not.toHaveProperty("state");
  });

  it("comes to other agents' tokens, expired ones and tools out of scope", async () => {
    const { kernel, system } = fixture({
      config: { caPublicKeys: [ISSUER.publicKeyHex] },
      defaultGrants: { tools: [{ server: "srv", tool: "echo", operations: ["invoke"], ttl: 60 }] },
    });
    const session = await kernel.openSession({ agentKey });
    const theirs = issue({ grants: [grant("*", "*")] }, { subject: STRANGER.publicKeyHex });
    expect(await session.callTool({ server: "srv", tool: "echo", capability: theirs })).toMatchObject({ reasonCode: "subject_mismatch" });
    expect(await session.callTool({ server: "srv", tool: "write" })).toMatchObject({ reasonCode: "scope_mismatch" });
    system.advance(60_000);
    expect(await session.callTool({ server: "srv", tool: "echo" })).toMatchObject({ reasonCode: "capability_expired" });
  });

  it("comes without any capability", async () => {
    const { kernel } = fixture({ defaultGrants: {} });
    const session = await kernel.openSession({ agentKey });
    expect(await session.callTool({ server: "srv", tool: "echo" })).toMatchObject({ reasonCode: "missing_capability_token" });
  });

  it("comes to what is not registered, only to those who may call it, and costs nothing", async () => {
    const { kernel } = fixture({ config: { caPublicKeys: [ISSUER.publicKeyHex] } });
    const session = await kernel.openSession({ agentKey });
    const capability = issue({
      grants: [grant("srv", "*", { max_invocations: 1 })],
      resource_grants: [{ uri_pattern: "*", operations: ["read"] }],
      prompt_grants: [{ prompt_name: "*", operations: ["get"] }],
    });
    expect(await session.callTool({ server: "srv", tool: "gone", capability })).toMatchObject({ reasonCode: "target_not_registered" });
    expect(await session.callTool({ server: "srv", tool: "toString", capability })).toMatchObject({ reasonCode: "target_not_registered" });
    expect(await session.readResource({ uri: "note://1", capability })).toMatchObject({ reasonCode: "target_not_registered" });
    expect(await session.getPrompt({ name: "p", capability })).toMatchObject({ reasonCode: "target_not_registered" });
    expect(await session.callTool({ server: "srv", tool: "echo", capability })).toMatchObject({ status: "ok" });
    const narrow = issue({ grants: [grant("srv", "echo")] });
    expect(await session.callTool({ server: "srv", tool: "gone", capability: narrow })).toMatchObject({ reasonCode: "scope_mismatch" });
  });
});

describe("capabilities of a session", () => {
  it("are chosen by what they name: brought ones first, those in time before expired ones", async () => {
    const { kernel, store } = fixture({ config: { caPublicKeys: [ISSUER.publicKeyHex] } });
    const expired = issue({ grants: [grant("srv", "echo")] }, { expires_at: NOW - 1 });
    const good = issue({ grants: [grant("srv", "echo")] });
    const session = await kernel.openSession({ agentKey, capabilities: [expired, JSON.stringify(good)] });
    await session.callTool({ server: "srv", tool: "echo" });
    await session.callTool({ server: "srv", tool: "write" });
    expect(store.receipts().map((receipt) => receipt.capability_id)).toEqual([
      good.id,
      session.capabilities[2]!.id,
      session.capabilities[2]!.id,
    ]);
  });

  it("are proven with DPoP where a grant asks for it", async () => {
    const { kernel } = fixture({ config: { caPublicKeys: [ISSUER.publicKeyHex] } });
    const capability = issue({ grants: [grant("srv", "echo", { dpop_required: true })] });
    const session = await kernel.openSession({ agentKey, capabilities: [capability] });
    const request = { server: "srv", tool: "echo", arguments: { a: 1 } };
    expect(await session.callTool(request)).toMatchObject({ reasonCode: "dpop_required" });
    const dpop = signDpopProof(
      { capabilityId: capability.id, toolServer: "srv", toolName: "echo", arguments: request.arguments, nonce: "n", issuedAt: NOW },
      SUBJECT,
    );
    expect(await session.callTool({ ...request, dpop })).toMatchObject({ status: "ok" });
    expect(await session.callTool({ ...request, dpop: JSON.stringify(dpop) })).toMatchObject({ reasonCode: "dpop_replayed" });
  });
});

describe("resources and prompts", () => {
  const open = async () => {
    const { kernel, store } = fixture({
      defaultGrants: {
        resources: [{ uri: "note://*", operations: ["read"], ttl: 60 }],
        prompts: [{ prompt: "greet", operations: ["get"], ttl: 60 }],
      },
    });
    kernel.registerResourceProvider({ name: "notes", handles: (uri) => uri.startsWith("note:"), read: (uri) => ({ text: uri }) });
    kernel.registerPromptProvider({ name: "prompts", prompts: ["greet", "other"], get: (name, args) => [name, args] });
    return { store, session: await kernel.openSession({ agentKey }) };
  };

  it("pass through the kernel like tools", async () => {
    const { session, store } = await open();
    expect(await session.readResource({ uri: "note://1" })).toMatchObject({ status: "ok", value: { text: "note://1" } });
    expect(await session.getPrompt({ name: "greet", arguments: { to: "you" } })).toMatchObject({
      status: "ok",
      value: ["greet", { to: "you" }],
    });
    expect(store.receipts().map(({ tool_server, tool_name }) => [tool_server, tool_name])).toEqual([
      ["resources", "note://1"],
      ["prompts", "greet"],
    ]);
  });

  it("are denied out of scope", async () => {
    const { session } = await open();
    expect(await session.readResource({ uri: "file:///etc/passwd" })).toMatchObject({ reasonCode: "scope_mismatch" });
    expect(await session.readResource({ uri: "note://1", operation: "subscribe" })).toMatchObject({ reasonCode: "scope_mismatch" });
    expect(await session.getPrompt({ name: "other" })).toMatchObject({ reasonCode: "scope_mismatch" });
    await expect(session.readResource({ uri: "" })).rejects.toThrow(code("kernel_option_invalid"));
    await expect(session.getPrompt({ name: 1 as never })).rejects.toThrow(code("kernel_option_invalid"));
  });
});

describe("nested requests of a tool server", () => {
  const ask = (request: object, kind: "sample" | "elicit" = "sample") => serverWith((_args, context) => context[kind](request as never));
  const run = async (options: Parameters<typeof fixture>[0], session: object = {}) => {
    const { kernel, store } = fixture(options);
    const opened = await kernel.openSession({ agentKey, sample: async () => "sampled", elicit: async () => "elicited", ...session });
    return { outcome: await opened.callTool({ server: "srv", tool: "tool" }), store };
  };
  const tools = { messages: [], tools: [{ name: "t" }] };

  it.each([
    ["sampling", ask({}), {}, "sampling_not_allowed"],
    ["sampling with tools", ask(tools), { allowSampling: true }, "sampling_tool_use_not_allowed"],
    ["sampling with a tool choice", ask({ toolChoice: { mode: "auto" } }), { allowSampling: true }, "sampling_tool_use_not_allowed"],
    ["sampling with an unclear tool choice", ask({ tool_choice: "required" }), { allowSampling: true }, "sampling_tool_use_not_allowed"],
    ["sampling with tools, where only those are allowed", ask(tools), { allowSamplingToolUse: true }, "sampling_not_allowed"],
    ["elicitation", ask({}, "elicit"), {}, "elicitation_not_allowed"],
  ])("%s is refused", async (_what, server, config, expected) => {
    const { outcome } = await run({ servers: [server], config });
    expect(outcome).toMatchObject({ status: "failed", error: { code: expected } });
  });

  it.each([
    ["sampling", ask({ tools: [], toolChoice: { mode: "none" } }), { allowSampling: true }, "sampled", { sampling: 1, elicitation: 0 }],
    ["sampling with tools", ask(tools), { allowSampling: true, allowSamplingToolUse: true }, "sampled", { sampling: 1, elicitation: 0 }],
    ["elicitation", ask({}, "elicit"), { allowElicitation: true }, "elicited", { sampling: 0, elicitation: 1 }],
  ])("%s passes when it is allowed, and is counted in the receipt", async (_what, server, config, value, counted) => {
    const { outcome, store } = await run({ servers: [server], config });
    expect(outcome).toMatchObject({ status: "ok", value });
    expect(store.receipts().at(-1)?.metadata?.chio_nested_requests).toEqual(counted);
  });

  it("need a handler of the session", async () => {
    const config = { allowSampling: true, allowElicitation: true };
    for (const kind of ["sample", "elicit"] as const) {
      const { outcome } = await run({ servers: [ask({}, kind)], config }, { [kind]: undefined });
      expect(outcome).toMatchObject({ status: "failed", error: { code: "callback_unavailable" } });
    }
  });
});

describe("the registry in a session", () => {
  it("hands handlers the agent, the session and the request", async () => {
    let seen: object = {};
    const { kernel } = fixture({
      servers: [
        serverWith((_args, { requestId, sessionId, agentKey: agent, tenantId }) => {
          seen = { requestId, sessionId, agent, tenantId };
          return null;
        }),
      ],
    });
    const session = await kernel.openSession({ agentKey, sessionId: "s1", tenantId: "t1" });
    await session.callTool({ server: "srv", tool: "tool", requestId: "r1" });
    expect(seen).toEqual({ requestId: "r1", sessionId: "s1", agent: agentKey, tenantId: "t1" });
    expect(Object.keys(echo.tools)).toEqual(["echo", "write"]);
  });
});

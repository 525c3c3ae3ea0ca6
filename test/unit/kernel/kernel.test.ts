import { describe, expect, it } from "vitest";
import { ChioKernel } from "../../../sidecar/kernel/kernel.ts";
import { ledgerStore } from "../../../sidecar/kernel/receipt-store.ts";
import { verifyCheckpointChain } from "../../../sidecar/wire/checkpoint.ts";
import { leafHash, merkleRoot, toMerkleHex } from "../../../sidecar/wire/merkle.ts";
import { agentKey, echo, fixture, serverWith, settle, TestStore } from "./library-support.ts";
import { keyOf, NOW, POLICY_HASH, STRANGER } from "./support.ts";

const code = (expected: string) => expect.objectContaining({ code: expected });

describe("building", () => {
  it("does no I/O and starts nothing", () => {
    const { kernel, store, system } = fixture();
    expect([kernel.state, kernel.signerStarted, store.opens, system.timers]).toEqual(["building", false, 0, 0]);
  });

  it("takes registrations, each name once", () => {
    const { kernel } = fixture();
    expect(() => kernel.registerToolServer(echo)).toThrow(code("kernel_duplicate_registration"));
    kernel.registerResourceProvider({ name: "notes", handles: () => true, read: () => null });
    expect(() => kernel.registerResourceProvider({ name: "notes", handles: () => true, read: () => null })).toThrow(
      code("kernel_duplicate_registration"),
    );
    kernel.registerPromptProvider({ name: "a", prompts: ["p"], get: () => null });
    expect(() => kernel.registerPromptProvider({ name: "b", prompts: ["p"], get: () => null })).toThrow(
      code("kernel_duplicate_registration"),
    );
  });

  it.each([
    ["a reserved id", { id: "http", tools: { t: { invoke: () => null } } }],
    ["the other reserved id", { id: "chio_http_authority", tools: { t: { invoke: () => null } } }],
    ["no id", { id: "", tools: { t: { invoke: () => null } } }],
    ["a control character", { id: "a\nb", tools: { t: { invoke: () => null } } }],
    ["no tools", { id: "empty", tools: {} }],
    ["a tool named *", { id: "star", tools: { "*": { invoke: () => null } } }],
    ["a tool without invoke", { id: "none", tools: { t: {} as never } }],
    ["nothing", undefined as never],
  ])("refuses a tool server with %s", (_what, server) => {
    expect(() => fixture().kernel.registerToolServer(server)).toThrow(code("kernel_option_invalid"));
  });

  it.each([{ units: -1 }, { units: 0.5 }, { units: Number.NaN }, { units: 2n ** 64n }, { units: "1" }, { units: 1, currency: "" }, 5])(
    "refuses a tool whose cost is %o: no call of it could be charged",
    (cost) => {
      const server = { id: "paid", tools: { buy: { invoke: () => null, cost } } };
      expect(() => fixture().kernel.registerToolServer(server as never)).toThrow(/tool buy of server paid/);
    },
  );

  it("refuses providers that lack a part", () => {
    const { kernel } = fixture();
    expect(() => kernel.registerResourceProvider({ name: "r" } as never)).toThrow(code("kernel_option_invalid"));
    expect(() => kernel.registerPromptProvider({ name: "p", prompts: [], get: () => null })).toThrow(code("kernel_option_invalid"));
  });

  it("is over with the first session", async () => {
    const { kernel } = fixture();
    await kernel.openSession({ agentKey });
    for (const register of [
      () => kernel.registerToolServer({ ...echo, id: "late" }),
      () => kernel.registerResourceProvider({ name: "late", handles: () => true, read: () => null }),
      () => kernel.registerPromptProvider({ name: "late", prompts: ["p"], get: () => null }),
    ]) {
      expect(register).toThrow(code("kernel_serving"));
    }
  });
});

describe("sessions", () => {
  it("open with capabilities of the kernel's own, one for each life time", async () => {
    const { kernel } = fixture({
      defaultGrants: {
        tools: [
          { server: "srv", tool: "echo", operations: ["invoke"], ttl: 300 },
          { server: "srv", tool: "write", operations: ["invoke"], ttl: 60 },
        ],
        prompts: [{ prompt: "p", operations: ["get"], ttl: 60 }],
      },
    });
    const session = await kernel.openSession({ agentKey });
    expect(session.capabilities).toMatchObject([
      { issuer: kernel.publicKeyHex, subject: agentKey, issued_at: NOW, expires_at: NOW + 300, scope: { grants: [{ tool_name: "echo" }] } },
      { expires_at: NOW + 60, scope: { grants: [{ tool_name: "write" }], prompt_grants: [{ prompt_name: "p" }] } },
    ]);
    expect(kernel.sessionIds).toEqual([session.id]);
  });

  it("open the store once, and again after it failed", async () => {
    const store = new TestStore();
    let attempts = 0;
    const source = {
      open: (...args: Parameters<TestStore["open"]>) => {
        if (++attempts === 1) throw new Error("the disk is away");
        return store.open(...args);
      },
    };
    const { kernel } = fixture({ source });
    await expect(kernel.openSession({ agentKey })).rejects.toThrow("the disk is away");
    await kernel.openSession({ agentKey });
    await kernel.openSession({ agentKey });
    expect(attempts).toBe(2);
  });

  it.each([
    ["no key", { agentKey: "" }, "invalid_public_key"],
    ["a bad id", { agentKey, sessionId: "with space" }, "kernel_option_invalid"],
    ["a tenant that is no word", { agentKey, tenantId: "a\nb" }, "kernel_option_invalid"],
    ["a token that is none", { agentKey, capabilities: ["{}"] }, "invalid_capability"],
  ])("do not open with %s", async (_what, options, expected) => {
    const { kernel } = fixture();
    await expect(kernel.openSession(options)).rejects.toThrow(code(expected));
    expect(kernel.state).toBe("building");
  });

  it("do not open twice under one id, closed ones included", async () => {
    const { kernel } = fixture();
    await kernel.openSession({ agentKey, sessionId: "s1" });
    await expect(kernel.openSession({ agentKey, sessionId: "s1" })).rejects.toThrow(code("session_duplicate"));
    await kernel.closeSession("s1");
    await expect(kernel.openSession({ agentKey, sessionId: "s1" })).rejects.toThrow(code("session_duplicate"));
  });

  it("drain: no further calls, those under way finish with their receipt", async () => {
    const gate = Promise.withResolvers<null>();
    const { kernel, store } = fixture({ servers: [serverWith(() => gate.promise)] });
    const session = await kernel.openSession({ agentKey });
    const running = session.callTool({ server: "srv", tool: "tool" });
    await settle();
    kernel.beginDrainingSession(session.id);
    kernel.beginDrainingSession(session.id);
    expect([session.state, session.inFlight]).toEqual(["draining", 1]);
    await expect(session.callTool({ server: "srv", tool: "tool" })).rejects.toThrow(code("session_draining"));
    const closing = kernel.closeSession(session.id);
    await settle();
    expect(session.state).toBe("draining");
    gate.resolve(null);
    expect((await running).status).toBe("ok");
    await closing;
    expect([session.state, kernel.sessionIds.length, store.receipts().length]).toEqual(["closed", 0, 2]);
  });

  it("are cancelled when the deadline has passed, with a receipt that says so", async () => {
    const { kernel, store, system } = fixture({ servers: [serverWith(() => new Promise(() => {}))] });
    const session = await kernel.openSession({ agentKey });
    const running = session.callTool({ server: "srv", tool: "tool" });
    await settle();
    const closing = kernel.closeSession(session.id, { deadlineMs: 500 });
    await settle();
    system.advance(499);
    await settle();
    expect(session.state).toBe("draining");
    system.advance(1);
    await closing;
    expect(await running).toMatchObject({ status: "cancelled" });
    expect(store.receipts().at(-1)?.decision).toMatchObject({ verdict: "cancelled" });
  });

  it("close once and for all; an unknown one is an error", async () => {
    const { kernel } = fixture();
    const { id } = await kernel.openSession({ agentKey });
    await kernel.closeSession(id);
    await kernel.closeSession(id);
    kernel.beginDrainingSession(id);
    await expect(kernel.closeSession("nobody")).rejects.toThrow(code("session_unknown"));
    expect(() => kernel.beginDrainingSession("nobody")).toThrow(code("session_unknown"));
  });
});

describe("capabilities", () => {
  it("are issued within the policy's life time", async () => {
    const policy = { guards: {}, kernel: { max_capability_ttl: 60, delegation_depth_limit: 4 }, defaultGrants: { tools: [] } } as never;
    const { kernel } = fixture({ policy, defaultGrants: {} });
    const issued = kernel.issueCapability({ subject: STRANGER.publicKeyHex, scope: {}, ttlSeconds: 60 });
    expect(issued).toMatchObject({ issuer: kernel.publicKeyHex, expires_at: NOW + 60 });
    expect(() => kernel.issueCapability({ subject: agentKey, scope: {}, ttlSeconds: 61 })).toThrow(code("kernel_option_invalid"));
    expect(() => kernel.issueCapability({ subject: agentKey, scope: {}, ttlSeconds: 0 })).toThrow(code("kernel_option_invalid"));
  });

  it("end when they are revoked", async () => {
    const { kernel } = fixture();
    const session = await kernel.openSession({ agentKey });
    expect((await session.callTool({ server: "srv", tool: "echo" })).status).toBe("ok");
    await kernel.revokeCapability(session.capabilities[0]!.id);
    expect(await session.callTool({ server: "srv", tool: "echo" })).toMatchObject({ status: "denied", reasonCode: "capability_revoked" });
  });
});

describe("closing", () => {
  it("drains, writes the last checkpoint, closes the store and wipes the seed", async () => {
    const { kernel, store, config } = fixture({ config: { checkpointBatchSize: 2 } });
    const session = await kernel.openSession({ agentKey });
    for (let i = 0; i < 3; i++) await session.callTool({ server: "srv", tool: "echo" });
    expect(store.checkpoints()).toHaveLength(1);
    expect(config.keypair.wiped).toBe(false);
    await kernel.close();
    expect([kernel.state, config.keypair.wiped, store.flushes, store.closes]).toEqual(["closed", true, 1, 1]);
    const checkpoints = store.checkpoints();
    expect(verifyCheckpointChain(checkpoints, { trustedKeys: [kernel.publicKeyHex] })).toEqual({ ok: true, errors: [] });
    expect(checkpoints.map(({ body }) => [body.batch_start_seq, body.batch_end_seq])).toEqual([
      [1, 2],
      [3, 3],
    ]);
    const leaves = store.entries().map((entry) => leafHash(entry.canonicalJson));
    expect(checkpoints[0]!.body.merkle_root).toBe(toMerkleHex(merkleRoot(leaves.slice(0, 2))));
  });

  it("is done once, however often it is asked for", async () => {
    const { kernel, store } = fixture();
    await kernel.openSession({ agentKey });
    await Promise.all([kernel.close(), kernel.close()]);
    await kernel.close();
    expect(store.closes).toBe(1);
  });

  it("takes nothing new afterwards", async () => {
    const { kernel } = fixture();
    const session = await kernel.openSession({ agentKey });
    await kernel.close();
    await expect(kernel.openSession({ agentKey })).rejects.toThrow(code("kernel_closed"));
    await expect(session.callTool({ server: "srv", tool: "echo" })).rejects.toThrow(code("session_draining"));
    await expect(kernel.revokeCapability("x")).rejects.toThrow(code("kernel_closed"));
    expect(() => kernel.issueCapability({ subject: agentKey, scope: {}, ttlSeconds: 1 })).toThrow(code("kernel_closed"));
  });

  it("wipes the seed even when the store fails to close", async () => {
    const { kernel, store, config } = fixture();
    await kernel.openSession({ agentKey });
    store.close = async () => {
      throw new Error("the disk is away");
    };
    await expect(kernel.close()).rejects.toThrow("the disk is away");
    expect([kernel.state, config.keypair.wiped]).toEqual(["closed", true]);
  });

  it("wipes the seed of a kernel that never served", async () => {
    const { kernel, store, config } = fixture();
    expect(await kernel.close()).toEqual({ undelivered: 0 });
    expect([config.keypair.wiped, store.opens]).toEqual([true, 0]);
  });

  it("after a drain keeps what the drain has done", async () => {
    const { kernel, store } = fixture();
    const session = await kernel.openSession({ agentKey });
    await session.callTool({ server: "srv", tool: "echo" });
    await kernel.drain();
    expect([kernel.state, kernel.sessionIds.length, store.flushes, store.closes]).toEqual(["draining", 0, 1, 0]);
    await expect(kernel.openSession({ agentKey })).rejects.toThrow(code("kernel_closed"));
    await kernel.close();
    await kernel.drain();
    expect([kernel.state, store.closes]).toEqual(["closed", 1]);
  });
});

describe("the default store and a ledger", () => {
  it("keeps receipts in memory when none is given", async () => {
    const kernel = new ChioKernel(
      { keypair: keyOf(7), policyHash: POLICY_HASH },
      { defaultGrants: { tools: [{ server: "*", tool: "*", operations: ["invoke"], ttl: 60 }] } },
    );
    kernel.registerToolServer(echo);
    const session = await kernel.openSession({ agentKey });
    expect(await session.callTool({ server: "srv", tool: "echo", arguments: { a: 1 } })).toMatchObject({ status: "ok", value: { a: 1 } });
    await kernel.close();
  });

  it("takes whatever has the ledger's shape", async () => {
    const appended: string[] = [];
    const closed: unknown[] = [];
    const revoked = new Set(["cap-old"]);
    const source = ledgerStore(async (signer, settings) => {
      expect(signer.publicKeyHex).toBe(keyOf(7).publicKeyHex);
      expect(settings).toMatchObject({ checkpointBatchSize: 5, retention: { maxAgeDays: 90 } });
      return {
        append: async (entry) => void appended.push(entry.kind),
        revoke: async (id) => void revoked.add(id),
        isRevoked: (id) => revoked.has(id),
        initialBudgets: () => [],
        initialReplayKeys: () => [],
        flush: async () => {},
        close: async (options) => {
          closed.push(options);
          return { undelivered: 3 };
        },
      };
    });
    const { kernel } = fixture({ source, config: { checkpointBatchSize: 5 } });
    const session = await kernel.openSession({ agentKey });
    await session.callTool({ server: "srv", tool: "write" });
    await kernel.revokeCapability("cap-new");
    expect(appended).toEqual(["tool", "tool"]);
    expect(revoked.has("cap-new")).toBe(true);
    expect(await kernel.close({ deadlineMs: 9 })).toEqual({ undelivered: 3 });
    expect(closed).toEqual([{ deadlineMs: 9 }]);
  });

  it("gives no result when one receipt of a group is refused", async () => {
    const source = ledgerStore(async () => ({
      append: async () => {
        throw new Error("queue_full");
      },
      revoke: async () => {},
      isRevoked: () => false,
      initialBudgets: () => [],
      initialReplayKeys: () => [],
      flush: async () => {},
      close: async () => ({ undelivered: 0 }),
    }));
    const session = await fixture({ source }).kernel.openSession({ agentKey });
    await expect(session.callTool({ server: "srv", tool: "echo" })).rejects.toThrow(code("receipt_not_durable"));
  });

  it("remembers budgets and nonces of before", async () => {
    const store = new TestStore();
    store.initialBudgets = () => [{ capabilityId: "cap-b", grantIndex: 0, invocations: 1, units: 0n }];
    const { kernel } = fixture({ source: store });
    const token = (await import("../../../sidecar/wire/capability.ts")).issueCapability(
      {
        id: "cap-b",
        issuer: kernel.publicKeyHex,
        subject: agentKey,
        scope: { grants: [{ server_id: "srv", tool_name: "echo", operations: ["invoke"], max_invocations: 1 }] },
        issued_at: NOW,
        expires_at: NOW + 9,
      },
      keyOf(7),
    );
    const session = await kernel.openSession({ agentKey });
    expect(await session.callTool({ server: "srv", tool: "echo", capability: token })).toMatchObject({
      reasonCode: "invocations_exhausted",
    });
  });
});

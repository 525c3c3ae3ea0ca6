import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ChioKernel, Keypair, ledgerStore } from "../../../sidecar/kernel/index.ts";
import { openLedger, verifyLedgerFile } from "../../../sidecar/ledger/index.ts";
import { agentKey, echo } from "./library-support.ts";
import { POLICY_HASH } from "./support.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "chio-kernel-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const build = () => {
  const path = join(folder, "receipts.sqlite");
  const store = ledgerStore((signer, settings) =>
    openLedger({
      path,
      signer,
      sinks: [],
      acknowledge: "ledger",
      queueLimit: 1024,
      checkpoint: { batchSize: settings.checkpointBatchSize, intervalMs: 60_000 },
      retention: settings.retention,
      now: settings.now,
    }),
  );
  const kernel = new ChioKernel(
    { keypair: Keypair.fromSeedHex("07".repeat(32)), policyHash: POLICY_HASH, checkpointBatchSize: 2 },
    { store, defaultGrants: { tools: [{ server: "*", tool: "*", operations: ["invoke"], ttl: 300 }] } },
  );
  kernel.registerToolServer(echo);
  return { kernel, path };
};

describe("a kernel on the SQLite ledger", () => {
  it("keeps receipts and revocations over a restart, and its chain verifies", async () => {
    const first = build();
    const session = await first.kernel.openSession({ agentKey });
    const outcomes = await Promise.all([1, 2, 3].map((n) => session.callTool({ server: "srv", tool: "write", arguments: { n } })));
    expect(outcomes.map(({ status }) => status)).toEqual(["ok", "ok", "ok"]);
    const capability = session.capabilities[0]!;
    await first.kernel.revokeCapability(capability.id, "test");
    expect(await first.kernel.close()).toEqual({ undelivered: 0 });

    const second = build();
    const again = await second.kernel.openSession({ agentKey, capabilities: [capability] });
    expect(await again.callTool({ server: "srv", tool: "echo", capability })).toMatchObject({
      status: "denied",
      reasonCode: "capability_revoked",
    });
    expect(await again.callTool({ server: "srv", tool: "echo", capability: again.capabilities[1]! })).toMatchObject({ status: "ok" });
    await second.kernel.close();
    const report = await verifyLedgerFile(second.path, { trustedKeys: [second.kernel.publicKeyHex] });
    expect(report).toMatchObject({ ok: true });
  });
});

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { MessagePort } from "node:worker_threads";
import { describe, expect, it, vi } from "vitest";
import { StoreThread } from "../../../sidecar/ledger/store-thread.ts";
import { startLedgerThread } from "../../../sidecar/ledger/thread.ts";
import type { ReceiptSink, SinkRecord } from "../../../sidecar/ledger/types.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import { openTestLedger, scratch, TestKernel, until } from "./fixture.ts";
import { runtimes } from "./runtimes.ts";

const kernel = new TestKernel();

/** A store with one decision that nothing closed. */
async function withOpenDecision(store: string): Promise<void> {
  const ledger = await openTestLedger(store);
  await ledger.append(kernel.http({ opens: true }));
  await ledger.close();
}

function tamper(store: string): void {
  const db = new DatabaseSync(store);
  db.exec("UPDATE receipts SET receipt_id = 'x'");
  db.close();
}

class TestSink implements ReceiptSink {
  readonly name = "test";
  readonly seqs: number[] = [];
  down = true;
  closed = false;

  async write(group: readonly SinkRecord[]): Promise<void> {
    if (this.down) throw new Error("is down");
    for (const { type, seq } of group) if (type === "receipt") this.seqs.push(seq);
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    this.closed = true;
  }
}

describe("an open that is refused", () => {
  it.each(runtimes)("by what a crash left behind keeps no process alive, on %s", async (_name, executable) => {
    using dir = scratch();
    await withOpenDecision(dir.store);
    tamper(dir.store);
    const { stdout, status } = spawnSync(executable, [join(import.meta.dirname, "open-program.ts"), dir.store], {
      encoding: "utf8",
      timeout: 10_000,
    });
    expect({ stdout, status }).toEqual({ stdout: "receipt_tampered\n", status: 0 });
  });

  it.each([
    "issued_at = 9999999999",
    "body_sha256 = 'x'",
    "batch_end_seq = 0",
    "raw_json = replace(raw_json, 'tree_size\":1', 'tree_size\":2')",
  ])("by the last checkpoint, where its row was changed: %s", async (changed) => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store);
    await ledger.append(kernel.http());
    await ledger.close();
    const db = new DatabaseSync(dir.store);
    db.exec(`UPDATE checkpoints SET ${changed}`);
    db.close();
    await expect(openTestLedger(dir.store)).rejects.toMatchObject({
      code: "ledger_corrupt",
      message: expect.stringContaining("checkpoint 1 is not what was signed"),
    });
  });

  it("closes its sinks", async () => {
    using dir = scratch();
    await withOpenDecision(dir.store);
    tamper(dir.store);
    const sink = new TestSink();
    await expect(openTestLedger(dir.store, { sinks: [sink] })).rejects.toMatchObject({ code: "receipt_tampered" });
    expect(sink.closed).toBe(true);
  });

  it("leaves no copy of the key behind, in the thread or on the way to it", async () => {
    using dir = scratch();
    const wipe = vi.spyOn(Keypair.prototype, "wipe");
    const seed = kernel.keypair.exportSeed();
    const options = {
      batchSize: 100,
      intervalMs: 60_000,
      retention: { maxAgeDays: 90, maxBytes: 2 ** 30, archiveDir: null },
      sinks: [],
      now: 0,
    };
    const open = () => new StoreThread({} as MessagePort, { ...options, path: join(dir.path, "none", "store"), workerUrl: "", seed });
    expect(open).toThrow("does not exist");
    expect(wipe).toHaveBeenCalledTimes(1);
    expect([...seed]).toEqual(Array(32).fill(0));
    wipe.mockRestore();

    const thread = startLedgerThread();
    await thread.terminate();
    const keypair = Keypair.fromSeedHex("07".repeat(32));
    const copy = keypair.exportSeed();
    keypair.exportSeed = () => copy;
    await expect(openTestLedger(dir.store, { thread, keypair })).rejects.toMatchObject({ fault: "closed" });
    expect([...copy]).toEqual(Array(32).fill(0));
  });
});

it.each(runtimes)("a thread that was started and never used keeps no process alive, on %s", (_name, executable) => {
  const { status, stderr } = spawnSync(executable, [join(import.meta.dirname, "thread-program.ts")], { encoding: "utf8", timeout: 10_000 });
  expect({ status, stderr }).toEqual({ status: 3, stderr: "" });
});

describe("acknowledge: sink, with a sink that is down", () => {
  it("does not refuse the start over a decision that a crash left open: its receipt waits for the sink in the store", async () => {
    using dir = scratch();
    await withOpenDecision(dir.store);
    const sink = new TestSink();
    const ledger = await openTestLedger(dir.store, { sinks: [sink], acknowledge: "sink" });
    await until("the sink counts as unreachable", () => !ledger.status().writable);
    expect(ledger.status()).toMatchObject({ open: 0, receipts: 2, fault: "sink_unreachable", storeWritable: true });
    sink.down = false;
    await until("the sink is reachable", () => ledger.status().writable);
    await ledger.append(kernel.http());
    expect(sink.seqs).toEqual([2, 3]);
    await ledger.close();
  });
});

it("says that its thread is gone: what waits for it is refused, and nothing brings it back", async () => {
  using dir = scratch();
  const lost: string[] = [];
  const ledger = await openTestLedger(dir.store, {
    workerUrl: new URL("./dying-worker.ts", import.meta.url),
    onLost: (error) => lost.push(error.message),
  });
  await ledger.append(kernel.http());
  await expect(ledger.append(kernel.http({ requestId: "the last one" }))).rejects.toMatchObject({ fault: "io_error" });
  expect(await ledger.probe()).toBe(false);
  expect(lost).toEqual(["the ledger's thread ended"]);
  expect(ledger.status()).toMatchObject({ writable: false, fault: "io_error" });
  await ledger.close();
  expect(lost).toHaveLength(1);
});

it("says nothing of the kind about a thread that was told to close", async () => {
  using dir = scratch();
  const lost: string[] = [];
  for (let i = 0; i < 20; i++) {
    const ledger = await openTestLedger(dir.store, { onLost: (error) => lost.push(error.message) });
    await ledger.append(kernel.http());
    await ledger.close();
  }
  expect(lost).toEqual([]);
});

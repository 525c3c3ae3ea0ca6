import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import type { StateChange } from "../../../sidecar/kernel/types.ts";
import { LedgerError } from "../../../sidecar/ledger/errors.ts";
import { readReceipts } from "../../../sidecar/ledger/read.ts";
import { recordRevocation } from "../../../sidecar/ledger/revocations.ts";
import type { LedgerEntry } from "../../../sidecar/ledger/types.ts";
import { verifyLedgerFile } from "../../../sidecar/ledger/verify.ts";
import { defaultWorkerUrl } from "../../../sidecar/ledger/worker-url.ts";
import { openTestLedger, scratch, TestKernel, until } from "./fixture.ts";

const kernel = new TestKernel();

async function idsIn(store: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const { receiptId } of readReceipts(store, { allTenants: true })) ids.push(receiptId);
  return ids;
}

describe("a ledger", () => {
  it("has a receipt on disk, readable from another connection, when append resolves", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store);
    const entry = kernel.http();
    await ledger.append(entry);
    expect(await idsIn(dir.store)).toEqual([entry.receiptId]);
    expect(ledger.status()).toMatchObject({ writable: true, queued: 0, receipts: 1, uncheckpointed: 1, checkpointSeq: 0 });
    await ledger.close();
  });

  it("keeps the order of append, and numbers without a gap", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store);
    const entries = Array.from({ length: 700 }, () => kernel.http());
    await Promise.all(entries.map((entry) => ledger.append(entry)));
    await ledger.close();
    const seqs: number[] = [];
    const ids: string[] = [];
    for await (const { seq, receiptId } of readReceipts(dir.store)) {
      seqs.push(seq);
      ids.push(receiptId);
    }
    expect(ids).toEqual(entries.map((entry) => entry.receiptId));
    expect(seqs).toEqual(entries.map((_, i) => i + 1));
  });

  it("puts receipts that come together into few transactions", async () => {
    using dir = scratch();
    const groups: number[] = [];
    const ledger = await openTestLedger(dir.store, { onCommit: (receipts) => groups.push(receipts) });
    await Promise.all(Array.from({ length: 512 }, () => ledger.append(kernel.http())));
    expect(groups.reduce((sum, n) => sum + n, 0)).toBe(512);
    expect(groups.length).toBeLessThan(32);
    await ledger.close();
  });

  it("makes a checkpoint over every full batch, one after the interval, and a last one at close", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store, { checkpoint: { batchSize: 10, intervalMs: 150 } });
    await Promise.all(Array.from({ length: 25 }, () => ledger.append(kernel.http())));
    await until("two full batches have their checkpoint", () => ledger.status().checkpointSeq >= 2);
    await until("the interval has ended the third", () => ledger.status().checkpointSeq === 3);
    expect(ledger.status().uncheckpointed).toBe(0);
    await ledger.append(kernel.http());
    expect(await ledger.close()).toEqual({ undelivered: 0 });
    const report = await verifyLedgerFile(dir.store, { trustedKeys: [kernel.publicKeyHex] });
    expect(report).toMatchObject({
      ok: true,
      receipts: 26,
      checkpoints: 4,
      uncheckpointed: null,
      signers_trusted: true,
      from_the_beginning: true,
    });
  });

  it("continues the chain in the next run, also under another key", async () => {
    using dir = scratch();
    for (const seed of [7, 7, 9]) {
      const signer = new TestKernel(seed);
      const ledger = await openTestLedger(dir.store, { signer });
      await ledger.append(signer.http());
      await ledger.close();
    }
    const keys = [7, 9].map((seed) => new TestKernel(seed).publicKeyHex);
    expect(await verifyLedgerFile(dir.store, { trustedKeys: keys })).toMatchObject({ ok: true, checkpoints: 3, receipts: 3 });
    const untrusting = await verifyLedgerFile(dir.store, { trustedKeys: keys.slice(0, 1) });
    expect(untrusting.ok).toBe(false);
    expect(untrusting.errors.map(({ code }) => code)).toContain("signer_untrusted");
  });

  it("never dates a checkpoint before the one it follows, whatever the clock does", async () => {
    using dir = scratch();
    let now = 2_000_000_000_000;
    const ledger = await openTestLedger(dir.store, { checkpoint: { batchSize: 1, intervalMs: 60_000 }, now: () => now });
    await ledger.append(kernel.http());
    await until("the first checkpoint is stored", () => ledger.status().checkpointSeq === 1);
    now -= 3_600_000;
    await ledger.append(kernel.http());
    await ledger.close();
    expect((await verifyLedgerFile(dir.store)).ok).toBe(true);
  });

  it("keeps its write-ahead log small under load, without closing", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store, { queueLimit: 10_000 });
    const entry = kernel.http({ filler: 2_000 });
    const wal = () => statSync(`${dir.store}-wal`).size;
    let written = 0;
    let largest = 0;
    while (written < 120 * 2 ** 20) {
      await Promise.all(Array.from({ length: 200 }, () => ledger.append(entry)));
      written += 200 * entry.canonicalJson.length;
      largest = Math.max(largest, wal());
    }
    expect(largest).toBeLessThan(96 * 2 ** 20);
    await until("the log is copied and begins again", async () => {
      await ledger.append(entry);
      return wal() <= 64 * 2 ** 20;
    });
    await ledger.close();
  }, 60_000);

  it("is private to its user", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store);
    await ledger.append(kernel.http());
    for (const file of [dir.store, `${dir.store}-wal`]) expect(statSync(file).mode & 0o077).toBe(0);
    await ledger.close();
  });

  it("keeps receipts in memory without a path, behind the same interface", async () => {
    const handed: string[] = [];
    const sink = {
      name: "copy",
      write: async (group: readonly { type: string; canonicalJson: string }[]) => void handed.push(...group.map(({ type }) => type)),
      flush: async () => {},
      close: async () => {},
    };
    const ledger = await openTestLedger(null, { sinks: [sink], checkpoint: { batchSize: 5, intervalMs: 60_000 } });
    await Promise.all(Array.from({ length: 12 }, () => ledger.append(kernel.http())));
    expect(ledger.status()).toMatchObject({ writable: true, receipts: 12 });
    expect(await ledger.probe()).toBe(true);
    await ledger.close();
    expect(handed.filter((type) => type === "receipt")).toHaveLength(12);
    expect(handed.filter((type) => type === "checkpoint")).toHaveLength(3);
  });

  it("does not grow without end in memory", async () => {
    const ledger = await openTestLedger(null, {
      retention: { maxAgeDays: 90, maxBytes: 300_000 },
      checkpoint: { batchSize: 20, intervalMs: 60_000 },
    });
    for (let i = 0; i < 60; i++) await Promise.all(Array.from({ length: 20 }, () => ledger.append(kernel.http())));
    await until("old batches were dropped", () => ledger.status().receipts < 600);
    await ledger.close();
  });
});

describe("what a ledger refuses", () => {
  it("a receipt above the queue's bound, at once, and takes the next ones again", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store, { queueLimit: 5 });
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => ledger.append(kernel.http())));
    const refused = results.filter((result) => result.status === "rejected");
    expect(refused).toHaveLength(3);
    expect(refused[0]?.reason).toMatchObject({ code: "ledger_queue_full", fault: "queue_full" });
    await ledger.append(kernel.http());
    expect(ledger.status()).toMatchObject({ writable: true, receipts: 6 });
    await ledger.close();
  });

  it("an entry that the store could not keep, without harm to the others of its group", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store);
    const sound = kernel.http();
    const index = (change: object) => ({ ...sound, index: { ...sound.index, ...change } });
    const state = (change: object) => ({ ...sound, state: [change as StateChange] });
    const unsound: LedgerEntry[] = [
      { ...sound, receiptId: "" },
      { ...sound, canonicalJson: undefined as unknown as string },
      { ...sound, closes: 5 as unknown as string },
      index({ timestamp: 1.5 }),
      index({ toolName: undefined }),
      index({ outcome: "" }),
      index({ tenantId: () => "x" }),
      index({ costUnits: 5 }),
      state({ type: "budget", charge: { capabilityId: "c", grantIndex: 0, invocations: 0.5, units: 0n } }),
      state({ type: "budget", charge: { capabilityId: "c", grantIndex: 0, invocations: 1, units: 0n, expiresAt: Number.NaN } }),
      state({ type: "replay", nonce: "n", capabilityId: "c", expiresAt: Number.NaN }),
      state({ type: "revoke", capabilityId: "", at: 1 }),
      state({ type: "else" }),
    ];
    const results = await Promise.allSettled([sound, ...unsound, kernel.http()].map((entry) => ledger.append(entry)));
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", ...unsound.map(() => "rejected"), "fulfilled"]);
    for (const result of results) {
      if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "ledger_entry_invalid" });
    }
    await ledger.close();
    expect(await idsIn(dir.store)).toHaveLength(2);
    expect((await verifyLedgerFile(dir.store)).ok).toBe(true);
  });

  it("everything once it is closed", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store);
    await ledger.close();
    await expect(ledger.append(kernel.http())).rejects.toMatchObject({ code: "ledger_closed", fault: "closed" });
    expect(ledger.status()).toMatchObject({ writable: false, fault: "closed" });
    expect(await ledger.probe()).toBe(false);
    expect(await ledger.close()).toEqual({ undelivered: 0 });
  });

  it("a store that another process writes to, until that one is gone", async () => {
    using dir = scratch();
    const program = join(import.meta.dirname, "hold-program.ts");
    const holder = spawn(process.execPath, [program, dir.store], { stdio: ["ignore", "pipe", "inherit"] });
    await once(holder.stdout, "data");
    const other = join(dir.path, "other-name");
    symlinkSync(dir.store, other);
    for (const name of [dir.store, other]) {
      await expect(openTestLedger(name)).rejects.toMatchObject({ code: "ledger_in_use", fault: "locked" });
    }
    holder.kill("SIGKILL");
    await once(holder, "exit");
    const ledger = await openTestLedger(dir.store);
    await ledger.close();
  });

  it("a second writer in the same process", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store);
    await expect(openTestLedger(dir.store)).rejects.toMatchObject({ code: "ledger_in_use" });
    await ledger.append(kernel.http());
    await ledger.close();
    expect((await verifyLedgerFile(dir.store)).ok).toBe(true);
  });

  it.each([
    [
      "a file that is no database",
      "ledger_corrupt",
      (store: string) => writeFileSync(store, "not a database, but long enough to look like one\n".repeat(99)),
    ],
    ["another program's database", "ledger_not_a_store", (store: string) => sql(store, "CREATE TABLE t (a)")],
    [
      "a store of another version",
      "ledger_schema_version",
      async (store: string) => {
        await (await openTestLedger(store)).close();
        sql(store, "PRAGMA user_version = 99");
      },
    ],
    ["a directory that is not there", "ledger_io_error", () => {}],
  ] as const)("%s", async (what, code, prepare) => {
    using dir = scratch();
    const store = what.startsWith("a directory") ? join(dir.path, "missing", "receipts.sqlite") : dir.store;
    await prepare(store);
    const before = existsSync(store) ? readFileSync(store) : null;
    const error = await openTestLedger(store).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LedgerError);
    expect(error).toMatchObject({ code });
    expect(String((error as Error).message)).toContain(dir.path);
    if (before !== null) expect(readFileSync(store).equals(before)).toBe(true);
  });

  it("a path that is a directory", async () => {
    using dir = scratch();
    mkdirSync(dir.store);
    await expect(openTestLedger(dir.store)).rejects.toBeInstanceOf(LedgerError);
  });

  it.each([
    [{ queueLimit: 0 }, "queueLimit"],
    [{ checkpoint: { batchSize: 0, intervalMs: 1 } }, "checkpoint.batchSize"],
    [{ checkpoint: { batchSize: 1, intervalMs: 0.5 } }, "checkpoint.intervalMs"],
    [{ retention: { maxAgeDays: 0, maxBytes: 1 } }, "retention.maxAgeDays"],
    [{ retention: { maxAgeDays: 1, maxBytes: 0 } }, "retention.maxBytes"],
    [{ acknowledge: "sink" as const }, "acknowledge"],
  ])("options %o", async (options, name) => {
    await expect(openTestLedger(null, options)).rejects.toMatchObject({
      code: "ledger_option_invalid",
      message: expect.stringContaining(name),
    });
  });
});

describe("state that rides on receipts", () => {
  it("is there after a restart: budgets add up, replay keys last until they expire, revocations stay", async () => {
    using dir = scratch();
    const now = Date.now();
    const seconds = Math.floor(now / 1000);
    const first = await openTestLedger(dir.store, { now: () => now });
    const big = 2n ** 63n;
    await first.append(
      kernel.http({
        state: [
          { type: "budget", charge: { capabilityId: "c1", grantIndex: 0, invocations: 1, units: big, currency: "USD" } },
          { type: "replay", nonce: "n1", capabilityId: "c1", expiresAt: seconds + 60 },
          { type: "replay", nonce: "gone", capabilityId: "c1", expiresAt: seconds - 1 },
        ],
      }),
    );
    await first.append(
      kernel.http({ state: [{ type: "budget", charge: { capabilityId: "c1", grantIndex: 0, invocations: 2, units: 5n } }] }),
    );
    await first.revoke("c9", seconds, "lost");
    await first.append(kernel.http({ state: [{ type: "revoke", capabilityId: "c8", at: seconds }] }));
    expect([first.isRevoked("c9"), first.isRevoked("c8"), first.isRevoked("c1")]).toEqual([true, true, false]);
    await first.close();

    const second = await openTestLedger(dir.store, { now: () => now });
    expect(second.initialBudgets()).toEqual([{ capabilityId: "c1", grantIndex: 0, invocations: 3, units: big + 5n, currency: "USD" }]);
    expect(second.initialReplayKeys()).toEqual([{ nonce: "n1", capabilityId: "c1", expiresAt: seconds + 60 }]);
    expect([second.isRevoked("c9"), second.isRevoked("c8"), second.isRevoked("c1")]).toEqual([true, true, false]);
    await second.close();
  });

  it("follows a revocation that another process writes into the store", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store);
    expect(ledger.isRevoked("c1")).toBe(false);
    expect(recordRevocation(dir.store, "c1", 1_764_000_000, "by hand")).toBe(true);
    expect(recordRevocation(dir.store, "c1", 1_764_000_001)).toBe(false);
    await until("the sidecar has noticed", () => ledger.isRevoked("c1"));
    await ledger.append(kernel.http());
    await ledger.close();
  });
});

describe("decisions written ahead", () => {
  it("are open until an entry closes them", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store);
    const decision = kernel.http({ opens: true });
    await ledger.append(decision);
    expect(ledger.status().open).toBe(1);
    await ledger.append(kernel.http({ closes: decision.receiptId }));
    expect(ledger.status().open).toBe(0);
    await ledger.close();
  });

  it("get an incomplete receipt at the next start when nothing closed them", async () => {
    using dir = scratch();
    const first = await openTestLedger(dir.store);
    const decisions = [kernel.http({ opens: true, requestId: "a" }), kernel.http({ opens: true, requestId: "b" })];
    await Promise.all(decisions.map((decision) => first.append(decision)));
    await first.close();
    const signer = new TestKernel();
    const second = await openTestLedger(dir.store, { signer });
    expect(signer.completions).toBe(2);
    expect(second.status()).toMatchObject({ open: 0, receipts: 4 });
    await second.close();
    const third = await openTestLedger(dir.store, { signer });
    expect(signer.completions).toBe(2);
    await third.close();
    const outcomes: string[] = [];
    for await (const { canonicalJson } of readReceipts(dir.store, { outcome: "incomplete" }))
      outcomes.push(JSON.parse(canonicalJson).request_id);
    expect(outcomes).toEqual(["a", "b"]);
    expect((await verifyLedgerFile(dir.store)).ok).toBe(true);
  });

  it("are not vouched for when they were changed on disk: the start is refused", async () => {
    using dir = scratch();
    const first = await openTestLedger(dir.store);
    const decision = kernel.http({ opens: true });
    await first.append(decision);
    await first.close();
    sql(dir.store, "UPDATE receipts SET raw_json = replace(raw_json, 'POST', 'GETT')");
    await expect(openTestLedger(dir.store)).rejects.toMatchObject({
      code: "receipt_tampered",
      message: expect.stringContaining(decision.receiptId),
    });
  });
});

it("finds its thread beside the source, from every module of the package, and in a compiled program", () => {
  const at = (here: string) => defaultWorkerUrl(here).href;
  expect(at("file:///x/sidecar/ledger/worker-url.ts")).toBe("file:///x/sidecar/ledger/worker.ts");
  for (const module of ["sidecar/ledger/index.js", "shared/chunks/chunk-ABC.js"]) {
    expect(at(`file:///x/dist/lib/${module}`)).toBe("file:///x/dist/lib/sidecar/ledger/worker.js");
  }
  expect(at("file:///$bunfs/root/chio")).toBe("file:///$bunfs/root/ledger/worker.js");
});

function sql(store: string, statement: string): void {
  const db = new DatabaseSync(store);
  db.exec(statement);
  db.close();
}

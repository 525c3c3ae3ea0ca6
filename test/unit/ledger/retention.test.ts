import { copyFileSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { archiveFile } from "../../../sidecar/ledger/archive.ts";
import { readReceipts } from "../../../sidecar/ledger/read.ts";
import type { LedgerOptions, ReceiptSink } from "../../../sidecar/ledger/types.ts";
import { verifyLedgerFile } from "../../../sidecar/ledger/verify.ts";
import { openTestLedger, scratch, TestKernel, until } from "./fixture.ts";

const kernel = new TestKernel();
const DAY = 86_400_000;
const START = Date.UTC(2026, 0, 31);
const short = { maxAgeDays: 90, maxBytes: 2 ** 40 };
const trustedKeys = [kernel.publicKeyHex];

/** Ten receipts in one batch on each of the given days; the ledger's clock then stands at the last one. */
async function fill(store: string, days: number[], options: Partial<LedgerOptions> = {}): Promise<void> {
  for (const day of days) {
    const ledger = await openTestLedger(store, { now: () => START + day * DAY, maintenanceIntervalMs: 3_600_000, ...options });
    await Promise.all(Array.from({ length: 10 }, () => ledger.append(kernel.http())));
    await ledger.close();
  }
}

const archives = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.includes(".archive-"))
    .sort();

describe("retention by age", () => {
  it("moves old batches with their checkpoints to one archive a month, and both stay verifiable", async () => {
    using dir = scratch();
    await fill(dir.store, [0, 1, 2, 60, 100]);
    const ledger = await openTestLedger(dir.store, {
      now: () => START + 100 * DAY,
      retention: { maxAgeDays: 90, maxBytes: 2 ** 40 },
      maintenanceIntervalMs: 20,
    });
    await until("three batches were moved", () => ledger.status().receipts === 20);
    const fresh = kernel.http();
    await ledger.append(fresh);
    await ledger.close();
    expect(archives(dir.path)).toEqual(["receipts.archive-2026-01.sqlite", "receipts.archive-2026-02.sqlite"]);

    const alone = await verifyLedgerFile(dir.store, { trustedKeys });
    expect(alone).toMatchObject({
      ok: true,
      receipts: 21,
      first_seq: 31,
      from_the_beginning: false,
      notes: [expect.stringContaining("1 to 30")],
    });
    const whole = await verifyLedgerFile(dir.store, { trustedKeys, archive: true });
    expect(whole).toMatchObject({ ok: true, receipts: 51, checkpoints: 6, first_seq: 1, last_seq: 51, from_the_beginning: true });
    expect(whole.archives).toHaveLength(2);

    const archived: number[] = [];
    for await (const { seq } of readReceipts(join(dir.path, "receipts.archive-2026-02.sqlite"))) archived.push(seq);
    expect(archived).toEqual(Array.from({ length: 20 }, (_, i) => i + 11));
  });

  it("never moves the last checkpoint, what is not covered by one, or what a sink still waits for", async () => {
    using dir = scratch();
    const down = { name: "remote", write: () => Promise.reject(new Error("down")), flush: async () => {}, close: async () => {} };
    await fill(dir.store, [0, 1], { sinks: [down] });
    const late = START + 400 * DAY;
    const options = { now: () => late, retention: { maxAgeDays: 90, maxBytes: 2 ** 40 }, maintenanceIntervalMs: 20 };
    const held = await openTestLedger(dir.store, { ...options, sinks: [down] });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(held.status().receipts).toBe(20);
    await held.close({ deadlineMs: 50 });
    const free = await openTestLedger(dir.store, options);
    await until("all but the last batch were moved", () => free.status().receipts === 10);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(free.status()).toMatchObject({ receipts: 10, checkpointSeq: 2 });
    await free.close();
    expect((await verifyLedgerFile(dir.store, { archive: true })).ok).toBe(true);
  });

  it("goes on when it was cut off between the copy and the removal", async () => {
    using dir = scratch();
    await fill(dir.store, [0, 1, 2]);
    // What a crash leaves: the batch is in the archive, and still in the store.
    const copy = new DatabaseSync(dir.store);
    const archive = archiveFile(dir.store, null, START / 1000, () => false);
    const storeId = copy.prepare("SELECT value FROM meta WHERE key = 'store_id'").get()?.value as string;
    copy.close();
    const { Archive } = await import("../../../sidecar/ledger/archive.ts");
    const live = new DatabaseSync(dir.store, { readOnly: true });
    const half = Archive.open(archive, storeId);
    half.copy(live, { checkpointSeq: 1, startSeq: 1, endSeq: 10 });
    half.close();
    live.close();
    const ledger = await openTestLedger(dir.store, {
      now: () => START + 200 * DAY,
      retention: { maxAgeDays: 90, maxBytes: 2 ** 40 },
      maintenanceIntervalMs: 20,
    });
    await until("the rest was moved", () => ledger.status().receipts === 10);
    await ledger.close();
    expect(await verifyLedgerFile(dir.store, { archive: true })).toMatchObject({ ok: true, receipts: 30, checkpoints: 3 });
  });

  it("does not give up a batch for another one that the archive has under its numbers: an older copy of the store was put back", async () => {
    using dir = scratch();
    await fill(dir.store, [0]);
    copyFileSync(dir.store, `${dir.store}.copy`);
    const archive = async () => {
      await fill(dir.store, [1, 2]);
      const ledger = await openTestLedger(dir.store, { now: () => START + 200 * DAY, retention: short, maintenanceIntervalMs: 20 });
      await until("what can be moved was", () => ledger.status().receipts === 10 || ledger.status().retentionProblem !== undefined);
      await ledger.close();
      return ledger.status();
    };
    await archive();
    // With the log of the store that it replaces, it would be neither.
    for (const file of ["-wal", "-shm"]) rmSync(dir.store + file, { force: true });
    copyFileSync(`${dir.store}.copy`, dir.store);
    expect(await archive()).toMatchObject({
      receipts: 20,
      retentionProblem: expect.stringMatching(/already has other receipts 11 to 20/),
    });
    const report = await verifyLedgerFile(dir.store, { trustedKeys });
    expect(report).toMatchObject({ ok: true, receipts: 20, first_seq: 11 });
  });

  it("begins another file where the month's archive was moved away, so that no name is given twice", async () => {
    using dir = scratch();
    const folder = join(dir.path, "elsewhere");
    mkdirSync(folder);
    await fill(dir.store, [0, 0, 0]);
    for (let run = 0; run < 2; run++) {
      const ledger = await openTestLedger(dir.store, { now: () => START + 200 * DAY, retention: short, maintenanceIntervalMs: 20 });
      await until("all but the last batch were moved", () => ledger.status().receipts === 10);
      await ledger.close();
      for (const name of archives(dir.path)) {
        expect(archives(folder)).not.toContain(name);
        renameSync(join(dir.path, name), join(folder, name));
      }
      await fill(dir.store, [0]);
    }
    expect(archives(folder)).toEqual(["receipts.archive-2026-01-2.sqlite", "receipts.archive-2026-01.sqlite"]);
    expect(await verifyLedgerFile(dir.store, { trustedKeys, archive: folder })).toMatchObject({ ok: true, receipts: 50 });
  });

  it("does not write into an archive that is moved away under it", async () => {
    using dir = scratch();
    const folder = join(dir.path, "elsewhere");
    mkdirSync(folder);
    await fill(dir.store, [0, 0]);
    const ledger = await openTestLedger(dir.store, {
      now: () => START,
      retention: { maxAgeDays: 90, maxBytes: 1 },
      checkpoint: { batchSize: 10, intervalMs: 60_000 },
      maintenanceIntervalMs: 20,
    });
    await until("the first batch was moved", () => ledger.status().receipts === 10);
    // As mv does from one volume to another.
    const [name] = archives(dir.path);
    copyFileSync(join(dir.path, name!), join(folder, name!));
    rmSync(join(dir.path, name!));
    await Promise.all(Array.from({ length: 10 }, () => ledger.append(kernel.http())));
    await until("the second batch was moved", () => ledger.status().receipts === 10);
    await ledger.close();
    for (const file of archives(dir.path)) renameSync(join(dir.path, file), join(folder, file));
    expect(await verifyLedgerFile(dir.store, { trustedKeys, archive: folder })).toMatchObject({ ok: true, receipts: 30 });
  });

  it("keeps a checkpoint that a sink has not taken, although it has the receipts", async () => {
    using dir = scratch();
    const taken: string[] = [];
    const sink = {
      name: "s",
      down: true,
      write: async (group: readonly { type: string; seq: number }[]) => {
        if (sink.down && group.some(({ type }) => type === "checkpoint")) throw new Error("takes no checkpoints");
        taken.push(...group.map(({ type, seq }) => `${type} ${seq}`));
      },
      flush: async () => {},
      close: async () => {},
    };
    const options = { sinks: [sink as unknown as ReceiptSink], checkpoint: { batchSize: 10, intervalMs: 60_000 } };
    const ledger = await openTestLedger(dir.store, {
      ...options,
      now: () => START + 200 * DAY,
      retention: { maxAgeDays: 90, maxBytes: 1 },
      maintenanceIntervalMs: 20,
    });
    await Promise.all(Array.from({ length: 10 }, () => ledger.append(kernel.http())));
    await until("the checkpoint alone is refused", () => ledger.status().sinks[0]?.reachable === false && taken.includes("receipt 10"));
    await Promise.all(Array.from({ length: 20 }, () => ledger.append(kernel.http())));
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(ledger.status().receipts).toBe(30);
    sink.down = false;
    await until("the old batches were moved", () => ledger.status().receipts === 10);
    await ledger.close();
    expect(taken.filter((what) => what.startsWith("checkpoint"))).toEqual(["checkpoint 1", "checkpoint 2", "checkpoint 3"]);
  });

  it("says why when it cannot, and goes on taking receipts", async () => {
    using dir = scratch();
    await fill(dir.store, [0, 1]);
    writeFileSync(
      archiveFile(dir.store, null, START / 1000, () => false),
      "this is no database, so nothing can be put into it\n".repeat(50),
    );
    const ledger = await openTestLedger(dir.store, {
      now: () => START + 200 * DAY,
      retention: { maxAgeDays: 90, maxBytes: 2 ** 40 },
      maintenanceIntervalMs: 20,
    });
    await until("the reason is in the status", () => ledger.status().retentionProblem !== undefined);
    expect(ledger.status()).toMatchObject({ writable: true, receipts: 20, retentionProblem: expect.stringContaining("not a database") });
    await ledger.append(kernel.http());
    await ledger.close();
  });

  it("puts archives into a folder of their own where one is named", async () => {
    using dir = scratch();
    const folder = join(dir.path, "old");
    mkdirSync(folder);
    await fill(dir.store, [0, 1]);
    const retention = { maxAgeDays: 90, maxBytes: 2 ** 40, archiveDir: folder };
    const ledger = await openTestLedger(dir.store, { now: () => START + 200 * DAY, retention, maintenanceIntervalMs: 20 });
    await until("the old batch was moved", () => ledger.status().receipts === 10);
    await ledger.close();
    expect(archives(folder)).toHaveLength(1);
    expect((await verifyLedgerFile(dir.store, { archive: folder })).ok).toBe(true);
    const lost = await verifyLedgerFile(dir.store, { archive: true });
    expect(lost.errors.map(({ code }) => code)).toContain("archive_missing");
  });

  it("is not fooled by another store's archive", async () => {
    using one = scratch();
    using two = scratch();
    for (const dir of [one, two]) {
      await fill(dir.store, [0, 1]);
      const ledger = await openTestLedger(dir.store, {
        now: () => START + 200 * DAY,
        retention: { maxAgeDays: 90, maxBytes: 2 ** 40 },
        maintenanceIntervalMs: 20,
      });
      await until("the old batch was moved", () => ledger.status().receipts === 10);
      await ledger.close();
    }
    const [name] = archives(one.path);
    renameSync(join(two.path, name!), join(one.path, name!));
    expect((await verifyLedgerFile(one.store, { archive: true })).ok).toBe(false);
  });
});

describe("retention by size", () => {
  it("keeps the store near its bound while receipts come in, and all receipts verifiable", async () => {
    using dir = scratch();
    const maxBytes = 1_500_000;
    const ledger = await openTestLedger(dir.store, {
      retention: { maxAgeDays: 90, maxBytes },
      maintenanceIntervalMs: 30,
      checkpoint: { batchSize: 50, intervalMs: 60_000 },
    });
    const slowest: number[] = [];
    for (let i = 0; i < 60; i++) {
      const start = performance.now();
      await Promise.all(Array.from({ length: 50 }, () => ledger.append(kernel.http({ filler: 300 }))));
      slowest.push(performance.now() - start);
    }
    await until("older receipts were moved", () => ledger.status().receipts < 1_400);
    await ledger.close();
    expect(statSync(dir.store).size).toBeLessThan(5 * maxBytes);
    expect(await verifyLedgerFile(dir.store, { trustedKeys, archive: true })).toMatchObject({
      ok: true,
      receipts: 3_000,
      from_the_beginning: true,
    });
    expect(Math.max(...slowest)).toBeLessThan(15_000);
  });
});

describe("replay keys", () => {
  it("are forgotten once they have expired", async () => {
    using dir = scratch();
    let now = START;
    const ledger = await openTestLedger(dir.store, { now: () => now, maintenanceIntervalMs: 20 });
    await ledger.append(kernel.http({ state: [{ type: "replay", nonce: "n", capabilityId: "c", expiresAt: START / 1000 + 60 }] }));
    const db = new DatabaseSync(dir.store, { readOnly: true });
    const count = () => db.prepare("SELECT count(*) AS n FROM replay_keys").get()?.n as number;
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(count()).toBe(1);
    now += 61_000;
    await until("the key is gone", () => count() === 0);
    db.close();
    await ledger.close();
  });
});

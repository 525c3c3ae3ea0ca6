import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { readReceipts } from "../../../sidecar/ledger/read.ts";
import type { Ledger, LedgerFault } from "../../../sidecar/ledger/types.ts";
import { verifyLedgerFile } from "../../../sidecar/ledger/verify.ts";
import { defaultWorkerUrl } from "../../../sidecar/ledger/worker-url.ts";
import { openTestLedger, scratch, TestKernel, until } from "./fixture.ts";
import { privateMounts, runOnTmpfs } from "./mounts.ts";
import { runtimes } from "./runtimes.ts";

const kernel = new TestKernel();
const program = join(import.meta.dirname, "disk-program.ts");
/** What a server's file system does with a failing disk can only be made to happen by the real root. */
const loopDevices = process.getuid?.() === 0 && spawnSync("losetup", ["--find"], { stdio: "ignore" }).status === 0;
if (privateMounts === null) console.warn("NOT RUN: faults of a full and of a read-only disk: this user may not mount");
if (!loopDevices) console.warn("NOT RUN: a file system that turns read-only under the store: needs root and loop devices");

async function withFaults(store: string, work: (ledger: Ledger, faults: LedgerFault[]) => Promise<void>): Promise<void> {
  const faults: LedgerFault[] = [];
  const ledger = await openTestLedger(store, { checkpoint: { batchSize: 10, intervalMs: 60_000 }, onFault: (fault) => faults.push(fault) });
  try {
    await work(ledger, faults);
  } finally {
    await ledger.close({ deadlineMs: 2_000 });
  }
}

/** A small ext4 volume of its own. */
async function onExt4(work: (volume: string, device: string) => Promise<void>): Promise<void> {
  using dir = scratch();
  const volume = join(dir.path, "volume");
  const image = join(dir.path, "image");
  mkdirSync(volume);
  writeFileSync(image, "");
  truncateSync(image, 24 * 1024 * 1024);
  execFileSync("mkfs.ext4", ["-q", "-F", image]);
  execFileSync("mount", ["-o", "loop,errors=remount-ro", image, volume]);
  try {
    const device = execFileSync("findmnt", ["-n", "-o", "SOURCE", volume], { encoding: "utf8" }).trim().replace("/dev/", "");
    await work(volume, device);
  } finally {
    execFileSync("umount", ["--lazy", volume]);
  }
}

async function appendMany(ledger: Ledger, count: number): Promise<string[]> {
  const entries = Array.from({ length: count }, () => kernel.http());
  await Promise.all(entries.map((entry) => ledger.append(entry)));
  return entries.map(({ receiptId }) => receiptId);
}

async function storedIds(store: string): Promise<Set<string>> {
  const ids = new Set<string>();
  for await (const { receiptId } of readReceipts(store)) ids.add(receiptId);
  return ids;
}

describe("a full disk", () => {
  it.skipIf(privateMounts === null).each(runtimes)(
    "on %s, refuses with the reason, loses nothing acknowledged, and goes on by itself when there is room",
    (_name, executable) => {
      using dir = scratch();
      const result = runOnTmpfs(executable, "4m", dir.path, program, "full") as Record<string, unknown>;
      expect(result).toMatchObject({
        refusal: { code: "ledger_disk_full", message: expect.stringContaining("receipts.sqlite") },
        whileFull: { writable: false, fault: "disk_full", probe: false },
        stillFull: false,
        lost: 0,
        report: { ok: true, uncheckpointed: null },
      });
      expect((result.faults as string[])[0]).toBe("disk_full");
      expect(result.recoveries).toBeGreaterThan(0);
      expect(result.acknowledged).toBeGreaterThan(100);
    },
    60_000,
  );
});

describe("a read-only disk", () => {
  it.skipIf(privateMounts === null).each(runtimes)(
    "on %s, refuses the start with the reason, and lets readers read",
    (_name, executable) => {
      using dir = scratch();
      const result = runOnTmpfs(executable, "4m", dir.path, program, "read-only");
      expect(result).toMatchObject({
        code: "ledger_read_only",
        message: expect.stringContaining(dir.path),
        report: { ok: true, receipts: 1, checkpoints: 1 },
      });
    },
    60_000,
  );

  it.skipIf(!loopDevices)(
    "that turns read-only under the store, as a failing one does, stops receipts and is named",
    () =>
      onExt4(async (volume, device) => {
        await withFaults(join(volume, "receipts.sqlite"), async (ledger, faults) => {
          await appendMany(ledger, 25);
          writeFileSync(`/sys/fs/ext4/${device}/trigger_fs_error`, "for a test");
          await expect(appendMany(ledger, 1)).rejects.toMatchObject({ name: "LedgerError" });
          await until("the cause is known", () => ledger.status().fault === "read_only");
          expect(ledger.status()).toMatchObject({ writable: false, message: expect.stringContaining(volume) });
          expect(faults).toContain("read_only");
          await expect(appendMany(ledger, 1)).rejects.toMatchObject({ code: "ledger_read_only" });
        });
      }),
    60_000,
  );

  it.skipIf(!loopDevices)(
    "stops receipts as long as the files may not be written, and goes on afterwards",
    () =>
      onExt4(async (volume) => {
        const store = join(volume, "receipts.sqlite");
        await withFaults(store, async (ledger) => {
          const acknowledged = await appendMany(ledger, 25);
          // The attribute holds for files that are open already, and for root.
          execFileSync("chattr", ["+i", store, `${store}-wal`]);
          await expect(appendMany(ledger, 1)).rejects.toMatchObject({ name: "LedgerError" });
          await until("the cause is known", () => ledger.status().fault === "read_only");
          execFileSync("chattr", ["-i", store, `${store}-wal`]);
          await until("receipts are taken again", () => ledger.status().writable);
          acknowledged.push(...(await appendMany(ledger, 15)));
          const stored = await storedIds(store);
          expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
        });
        expect((await verifyLedgerFile(store)).ok).toBe(true);
      }),
    60_000,
  );
});

describe("a locked store", () => {
  it("refuses while another process holds the write lock, and goes on afterwards", async () => {
    using dir = scratch();
    await withFaults(dir.store, async (ledger, faults) => {
      await appendMany(ledger, 5);
      const other = new DatabaseSync(dir.store);
      other.exec("BEGIN IMMEDIATE");
      await expect(appendMany(ledger, 1)).rejects.toMatchObject({ code: "ledger_locked", fault: "locked" });
      expect(ledger.status()).toMatchObject({ writable: false, fault: "locked" });
      await expect(appendMany(ledger, 1)).rejects.toMatchObject({ code: "ledger_locked" });
      other.exec("ROLLBACK");
      other.close();
      await until("receipts are taken again", () => ledger.status().writable);
      await appendMany(ledger, 5);
      expect(new Set(faults)).toEqual(new Set(["locked"]));
    });
    expect(await verifyLedgerFile(dir.store)).toMatchObject({ ok: true, receipts: 10 });
  });
});

describe("a store that is taken away", () => {
  it("stops receipts although SQLite would go on, and resumes when it is back", async () => {
    using dir = scratch();
    await withFaults(dir.store, async (ledger, faults) => {
      await appendMany(ledger, 12);
      const away = join(dir.path, "away");
      renameSync(dir.store, away);
      await expect(appendMany(ledger, 1)).rejects.toMatchObject({
        fault: "corrupt",
        // As a commit finds it, or as the first retry does where the ledger's own look came first.
        message: expect.stringMatching(/removed or replaced|is gone/),
      });
      expect(new Set(faults)).toEqual(new Set(["corrupt"]));
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(existsSync(dir.store)).toBe(false);
      renameSync(away, dir.store);
      await until("receipts are taken again", () => ledger.status().writable);
      await appendMany(ledger, 12);
    });
    expect((await verifyLedgerFile(dir.store)).ok).toBe(true);
  });

  it("is noticed without any receipt coming in", async () => {
    using dir = scratch();
    await withFaults(dir.store, async (ledger) => {
      await appendMany(ledger, 1);
      rmSync(dir.store);
      await until("the loss is noticed", () => !ledger.status().writable);
    });
  });

  it("is still its own when the whole folder was away: no other writer gets in", async () => {
    using dir = scratch();
    const volume = join(dir.path, "volume");
    const store = join(volume, "receipts.sqlite");
    mkdirSync(volume);
    await withFaults(store, async (ledger, faults) => {
      await appendMany(ledger, 3);
      renameSync(volume, join(dir.path, "away"));
      await until("it says that the folder is gone", () => faults.includes("io_error"));
      renameSync(join(dir.path, "away"), volume);
      await until("receipts are taken again", () => ledger.status().writable);
      await expect(openTestLedger(store)).rejects.toMatchObject({ code: "ledger_in_use" });
      await appendMany(ledger, 3);
    });
    expect(await verifyLedgerFile(store)).toMatchObject({ ok: true, receipts: 6 });
  });

  it.each([
    ["an empty file in its place", (store: string) => writeFileSync(store, "")],
    [
      "a thread of its own that begins meanwhile",
      async (store: string) => {
        const worker = new Worker(defaultWorkerUrl(), { workerData: { role: "maintenance", path: store } });
        worker.postMessage({ type: "wal" });
        await once(worker, "message");
        worker.postMessage({ type: "stop" });
        await once(worker, "exit");
      },
    ],
  ])("keeps what is only in its write-ahead log, through %s", async (_what, meanwhile) => {
    using dir = scratch();
    await withFaults(dir.store, async (ledger, faults) => {
      await appendMany(ledger, 12);
      const away = join(dir.path, "away");
      renameSync(dir.store, away);
      await until("the loss is noticed", () => faults.length > 0);
      await meanwhile(dir.store);
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      renameSync(away, dir.store);
      await until("receipts are taken again", () => ledger.status().writable);
    });
    expect(await verifyLedgerFile(dir.store)).toMatchObject({ ok: true, receipts: 12 });
  });

  it("does not go on with an older copy: what was acknowledged is not in it", async () => {
    using dir = scratch();
    const copy = join(dir.path, "copy");
    await (await openTestLedger(dir.store)).close();
    copyFileSync(dir.store, copy);
    await withFaults(dir.store, async (ledger) => {
      await appendMany(ledger, 3);
      for (const suffix of ["", "-wal", "-shm"]) rmSync(dir.store + suffix, { force: true });
      copyFileSync(copy, dir.store);
      await until("the loss is noticed", () => ledger.status().fault === "corrupt");
      await until("it says why", () => /receipt seq 3 that was acknowledged/.test(ledger.status().message ?? ""));
      await expect(appendMany(ledger, 1)).rejects.toMatchObject({ code: "ledger_corrupt" });
    });
  });
});

describe("a damaged store", () => {
  it("refuses the start", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store);
    for (let i = 0; i < 10; i++) await appendMany(ledger, 100);
    await ledger.close();
    const size = statSync(dir.store).size;
    truncateSync(dir.store, Math.floor(size / 2 / 4096) * 4096);
    await expect(openTestLedger(dir.store)).rejects.toMatchObject({ code: "ledger_corrupt", fault: "corrupt" });
  });

  it("stops receipts when the damage happens under it, and says so", async () => {
    using dir = scratch();
    await withFaults(dir.store, async (ledger) => {
      await appendMany(ledger, 300);
      await until("the checkpoints are stored", () => ledger.status().uncheckpointed === 0);
      const file = openSync(dir.store, "r+");
      writeSync(file, Buffer.alloc(8192, 0xff), 0, 8192, 0);
      closeSync(file);
      for (const suffix of ["-wal", "-shm"]) rmSync(dir.store + suffix);
      await until("the damage is noticed", () => ledger.status().fault === "corrupt");
      await expect(appendMany(ledger, 1)).rejects.toMatchObject({ code: "ledger_corrupt" });
      expect(await ledger.probe()).toBe(false);
    });
  });
});

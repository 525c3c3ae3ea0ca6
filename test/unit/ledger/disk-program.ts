// Runs in a mount namespace with a small tmpfs on the given folder. Prints what happened as JSON.
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { readReceipts } from "../../../sidecar/ledger/read.ts";
import type { LedgerFault } from "../../../sidecar/ledger/types.ts";
import { verifyLedgerFile } from "../../../sidecar/ledger/verify.ts";
import { openTestLedger, TestKernel, until } from "./fixture.ts";

const [folder, scenario] = process.argv.slice(2) as [string, string];
const store = join(folder, "receipts.sqlite");
const kernel = new TestKernel();

/** The disk fills up while receipts come in; then somebody makes room. */
async function full(): Promise<object> {
  const ballast = join(folder, "ballast");
  writeFileSync(ballast, Buffer.alloc(1_200_000));
  const faults: LedgerFault[] = [];
  let recoveries = 0;
  const ledger = await openTestLedger(store, {
    checkpoint: { batchSize: 10, intervalMs: 60_000 },
    onFault: (fault) => faults.push(fault),
    onRecovered: () => recoveries++,
  });
  // A reader with a view of its own keeps the write-ahead log: when the store closes over the fault, SQLite could otherwise copy and remove it, and
  // there would be room again.
  const reader = new DatabaseSync(store, { readOnly: true });
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM receipts").get();
  const acknowledged: string[] = [];
  let refusal: unknown = null;
  for (let i = 0; i < 400 && refusal === null; i++) {
    const group = Array.from({ length: 16 }, () => kernel.http({ filler: 2_000 }));
    const results = await Promise.allSettled(group.map((entry) => ledger.append(entry)));
    for (const [at, result] of results.entries()) {
      if (result.status === "fulfilled") acknowledged.push(group[at]!.receiptId);
      else refusal = result.reason;
    }
  }
  const whileFull = { ...ledger.status(), probe: await ledger.probe() };
  await new Promise((resolve) => setTimeout(resolve, 300));
  const stillFull = ledger.status().writable;
  reader.close();
  rmSync(ballast);
  // More than the write-ahead log takes: with less, copying it into the store may fill the disk again.
  execFileSync("mount", ["-o", "remount,size=16m", folder]);
  await until("the ledger takes receipts again", () => ledger.status().writable);
  const after = kernel.http();
  await ledger.append(after);
  acknowledged.push(after.receiptId);
  await ledger.close();
  const stored = new Set<string>();
  for await (const { receiptId } of readReceipts(store)) stored.add(receiptId);
  return {
    refusal: { code: (refusal as { code?: string } | null)?.code, message: (refusal as Error | null)?.message },
    whileFull,
    stillFull,
    faults,
    recoveries,
    acknowledged: acknowledged.length,
    lost: acknowledged.filter((id) => !stored.has(id)).length,
    report: await verifyLedgerFile(store),
  };
}

/** A store on a volume that is mounted read-only: no start, but every reader works. */
async function readOnly(): Promise<object> {
  const ledger = await openTestLedger(store);
  await ledger.append(kernel.http());
  await ledger.close();
  execFileSync("mount", ["-o", "remount,ro", folder]);
  const error = await openTestLedger(store).catch((thrown: unknown) => thrown as { code: string; fault: string; message: string });
  const report = await verifyLedgerFile(store);
  return { code: "code" in error ? error.code : "none", message: "message" in error ? error.message : "", report };
}

console.log(JSON.stringify(await (scenario === "full" ? full() : readOnly())));

import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readReceipts } from "../../../sidecar/ledger/read.ts";
import { verifyLedgerFile } from "../../../sidecar/ledger/verify.ts";
import { openTestLedger, scratch, TestKernel } from "./fixture.ts";
import { runtimes } from "./runtimes.ts";

const RUNS = 2;

/** Kills the load after it has acknowledged `least` receipts; returns their ids. */
async function runAndKill(executable: string, store: string, least: number): Promise<string[]> {
  const child = spawn(executable, [join(import.meta.dirname, "crash-program.ts"), store], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
    if (output.length > least * 65) child.kill("SIGKILL");
  });
  await once(child, "close");
  expect(child.signalCode).toBe("SIGKILL");
  // The last line may be cut off by the kill.
  return output.split("\n").slice(1, -1);
}

it.each(runtimes)(
  "on %s, loses no acknowledged receipt to SIGKILL, completes open decisions, and goes on with the chain",
  async (_name, executable) => {
    using dir = scratch();
    const acknowledged: string[] = [];
    for (let run = 0; run < RUNS; run++) acknowledged.push(...(await runAndKill(executable, dir.store, 600 + run * 211)));
    expect(acknowledged.length).toBeGreaterThan(1_000);

    const signer = new TestKernel();
    const ledger = await openTestLedger(dir.store, { signer });
    // The load keeps up to 49 calls under way, one of them for ever, so a kill leaves some of them open.
    expect(signer.completions).toBeGreaterThan(0);
    expect(ledger.status().open).toBe(0);
    await ledger.close();

    const stored = new Set<string>();
    let incomplete = 0;
    for await (const { receiptId, receipt } of readReceipts(dir.store)) {
      stored.add(receiptId);
      if ((receipt as { verdict: { verdict: string } }).verdict.verdict === "incomplete") incomplete++;
    }
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
    expect(incomplete).toBeGreaterThan(signer.completions);
    const report = await verifyLedgerFile(dir.store, { trustedKeys: [signer.publicKeyHex] });
    expect(report).toMatchObject({ ok: true, receipts: stored.size, uncheckpointed: null, open_decisions: { count: 0 } });
  },
  60_000,
);

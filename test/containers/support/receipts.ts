import { expect } from "vitest";
import type { HttpReceipt } from "../../../sidecar/wire/types.ts";
import { runToEnd } from "./engine.ts";
import type { ImageUnderTest } from "./images.ts";
import { RECEIPT_DB, STATE } from "./sidecar.ts";

async function chio(image: ImageUnderTest, volume: string, ...command: string[]) {
  return await runToEnd(image.tag, { command, binds: [`${volume}:${STATE}`], timeoutMs: 60_000 });
}

/** Every receipt of a store, by id. Each was verified by `chio receipt list` before it was printed. */
export async function receiptsOf(image: ImageUnderTest, volume: string): Promise<Map<string, HttpReceipt>> {
  const { code, output } = await chio(image, volume, "receipt", "list", "--receipt-db", RECEIPT_DB, "--limit", "1000000");
  expect(code, output.slice(-2_000)).toBe(0);
  const receipts = output
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as HttpReceipt);
  return new Map(receipts.map((receipt) => [receipt.id, receipt]));
}

/** The report of `chio checkpoint verify`, which must find nothing wrong. */
export async function verifiedLog(image: ImageUnderTest, volume: string, publicKey: string) {
  const { code, output } = await chio(image, volume, "checkpoint", "verify", "--receipt-db", RECEIPT_DB, "--trusted-key", publicKey);
  expect(code, output).toBe(0);
  const report = JSON.parse(output) as {
    ok: boolean;
    receipts: number;
    checkpoints: number;
    signers_trusted: boolean;
    open_decisions: { count: number };
    uncheckpointed: { count: number } | null;
  };
  expect(report).toMatchObject({ ok: true, signers_trusted: true });
  return report;
}

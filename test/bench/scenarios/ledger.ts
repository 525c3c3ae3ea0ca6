import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Figure } from "../lib/figures.ts";

interface LedgerFigures {
  appends_per_second: number;
  p99_ms: number;
  floor_rows_per_second: number;
}

/** The ledger alone, in its own process on the sidecar's runtime. */
export async function ledger(bun: string): Promise<Figure[]> {
  const { stdout } = await promisify(execFile)(bun, [join(import.meta.dirname, "..", "ledger.ts"), "--json"], { maxBuffer: 1 << 20 });
  const figures = JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as LedgerFigures;
  const ratio = figures.appends_per_second / figures.floor_rows_per_second;
  return [
    {
      name: "ledger alone",
      value: figures.appends_per_second,
      unit: "durable receipts/s",
      floor: { name: "bare SQLite loop, groups of 64", value: figures.floor_rows_per_second },
      ratio,
      target: ">= 20,000/s",
      met: figures.appends_per_second >= 20_000,
    },
    { name: "ledger alone, p99", value: figures.p99_ms, unit: "ms", target: "< 10 ms", met: figures.p99_ms < 10 },
  ];
}

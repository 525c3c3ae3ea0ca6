import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { join } from "node:path";
import type { Figure } from "./figures.ts";
import { table } from "./report.ts";

/** Keeps the figures in a folder, with date and machine: results.json, results.md. */
export function writeResults(folder: string, figures: readonly Figure[]): void {
  const machine = { cores: availableParallelism(), cpu: cpus()[0]?.model ?? "unknown", memoryGiB: Math.round(totalmem() / 2 ** 30) };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "results.json"), `${JSON.stringify({ date: new Date().toISOString(), machine, figures }, null, 2)}\n`);
  writeFileSync(join(folder, "results.md"), `${table(figures)}\n`);
}

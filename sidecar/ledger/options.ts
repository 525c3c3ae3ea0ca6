import { LedgerError } from "./errors.ts";
import type { LedgerEntry, LedgerOptions } from "./types.ts";

/** Throws LedgerError for options that could not work. */
export function checkOptions(options: LedgerOptions): void {
  const { queueLimit, checkpoint, retention, sinks, acknowledge } = options;
  positive("queueLimit", queueLimit);
  positive("checkpoint.batchSize", checkpoint.batchSize);
  positive("checkpoint.intervalMs", checkpoint.intervalMs);
  if (!(retention.maxAgeDays > 0)) throw invalid("retention.maxAgeDays", "must be above 0");
  if (!(retention.maxBytes > 0)) throw invalid("retention.maxBytes", "must be above 0");
  const names = sinks.map((sink) => sink.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw invalid("sinks", `two sinks are named ${twice}: each needs a delivery cursor of its own`);
  if (acknowledge === "sink" && sinks.length === 0) throw invalid("acknowledge", "is `sink`, and there is no sink");
  if (options.path !== null && options.path.trim() === "") throw invalid("path", "is empty");
}

/** What the store could not keep, found before it joins a group. Null when the entry is sound. */
export function checkEntry(entry: LedgerEntry): LedgerError | null {
  const problem = entryProblem(entry);
  return problem === null ? null : new LedgerError("ledger_entry_invalid", `a receipt cannot be stored: ${problem}`);
}

function entryProblem({ receiptId, canonicalJson, index }: LedgerEntry): string | null {
  if (!isText(receiptId)) return "receiptId is empty";
  if (!isText(canonicalJson)) return "canonicalJson is empty";
  if (!Number.isSafeInteger(index?.timestamp)) return "index.timestamp is no whole number of seconds";
  if (typeof index.toolServer !== "string" || typeof index.toolName !== "string") return "index.toolServer and index.toolName must be text";
  if (!isText(index.outcome)) return "index.outcome is empty";
  return null;
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function positive(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) throw invalid(name, "must be a whole number above 0");
}

function invalid(name: string, problem: string): LedgerError {
  return new LedgerError("ledger_option_invalid", `${name} ${problem}`);
}

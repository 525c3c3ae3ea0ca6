import { LedgerError } from "./errors.ts";
import type { LedgerOptions } from "./types.ts";

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
  if (options.keypair !== undefined && options.keypair.publicKeyHex !== options.signer.publicKeyHex)
    throw invalid("keypair", "is not the signer's: one log has one key");
  if (acknowledge === "sink" && sinks.length === 0) throw invalid("acknowledge", "is `sink`, and there is no sink");
  if (options.path !== null && options.path.trim() === "") throw invalid("path", "is empty");
}

function positive(name: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1) throw invalid(name, "must be a whole number above 0");
}

function invalid(name: string, problem: string): LedgerError {
  return new LedgerError("ledger_option_invalid", `${name} ${problem}`);
}

import { ChioError } from "../wire/errors.ts";
import type { LedgerFault } from "./types.ts";

/** Code to one-line cause. The first group names why a running ledger takes nothing: `ledger_` and the fault. */
export const LEDGER_ERRORS = {
  ledger_disk_full: "the disk or quota under the receipt store is full",
  ledger_read_only: "the receipt store or its file system is read-only",
  ledger_locked: "another process keeps the receipt store locked",
  ledger_corrupt: "the receipt store is damaged, or is no longer the one that was opened",
  ledger_io_error: "the operating system could not read or write the receipt store",
  ledger_queue_full: "more receipts wait for their commit than the queue may hold",
  ledger_closed: "the ledger was closed",
  ledger_sink_unreachable: "receipts must reach the sink before they count, and the sink does not take them",
  ledger_in_use: "another process writes to this receipt store",
  ledger_not_found: "there is no receipt store at this path",
  ledger_not_a_store: "the file is no receipt store",
  ledger_schema_version: "the receipt store has a schema of another version",
  ledger_archive_missing: "an archive that the receipt store refers to is not there",
  ledger_option_invalid: "an option of the ledger is out of range",
  ledger_entry_invalid: "a receipt was handed to the ledger in a shape that it cannot store",
  receipt_tampered: "a stored receipt is not what was signed and stored",
  receipt_not_found: "the receipt store holds no such receipt",
} as const;

export type LedgerErrorCode = keyof typeof LEDGER_ERRORS;

/** Every deliberate error of the ledger. `fault` is set wherever the writing side is concerned: it is what `status()` says too. */
export class LedgerError extends ChioError {
  declare readonly code: LedgerErrorCode;
  readonly fault: LedgerFault | undefined;

  constructor(code: LedgerErrorCode, message: string, options: { fix?: string; cause?: unknown; fault?: LedgerFault } = {}) {
    super(code, message, options);
    this.fault = options.fault;
  }
}

const FIXES: Partial<Record<LedgerFault, string>> = {
  disk_full: "free space on the volume of the receipt store, or lower receipts.retention.bytes and move the archives away",
  read_only: "mount the volume of the receipt store read-write and let the program's user write there",
  locked: "end the process that holds the store: nothing but the sidecar writes to it for long",
  corrupt: "put the store back from a copy, or move it away to begin a new one; keep the old one for `chio checkpoint verify`",
  io_error: "look at the volume of the receipt store: is it mounted, and does the kernel log report errors?",
  queue_full: "try again; if it lasts, the disk (with acknowledge: sink, the sink) is too slow for this load",
};

export function faultError(fault: LedgerFault, message: string, cause?: unknown): LedgerError {
  const fix = FIXES[fault];
  return new LedgerError(`ledger_${fault}`, message, {
    fault,
    ...(fix === undefined ? {} : { fix }),
    ...(cause === undefined ? {} : { cause }),
  });
}

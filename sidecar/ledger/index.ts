export { LEDGER_ERRORS, LedgerError, type LedgerErrorCode } from "./errors.ts";
export { openLedger } from "./ledger.ts";
export { stdoutSink } from "./sinks/stdout.ts";
export type * from "./types.ts";

// Starts the ledger's thread, as a sidecar does before it has read its configuration, and then has no use for it.
import { startLedgerThread } from "../../../sidecar/ledger/thread.ts";

startLedgerThread();
process.exitCode = 3;

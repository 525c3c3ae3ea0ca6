import { StoreClient } from "./store-client.ts";
import { defaultWorkerUrl } from "./worker-url.ts";

/** A thread without a store, for one ledger (`LedgerOptions.thread`). */
export type LedgerThread = StoreClient;

/**
 * Starts the thread of a ledger that is opened later: that takes as long as reading a configuration does, and both go on at once. A thread that is
 * never used ends with the process.
 */
export function startLedgerThread(workerUrl: URL = defaultWorkerUrl()): LedgerThread {
  return StoreClient.start(workerUrl);
}

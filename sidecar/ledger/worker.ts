import { parentPort, workerData } from "node:worker_threads";
import { faultError, LedgerError } from "./errors.ts";
import { diagnose } from "./faults.ts";
import { type MaintenanceOptions, runMaintenance } from "./maintenance.ts";
import type { FromWorker, ToWorker } from "./protocol.ts";
import { StoreThread } from "./store-thread.ts";

// Entry of both threads of the ledger. One file, so that a program compiled into one executable has to carry only one more entry.
const port = parentPort;
const data = workerData as { role: "store" } | MaintenanceOptions;
if (port === null) throw new Error("ledger/worker is started by openLedger");

if (data.role === "maintenance") {
  runMaintenance(port, data);
} else {
  let thread: StoreThread | undefined;
  port.on("message", (message: ToWorker) => {
    if (message.type !== "open") {
      thread?.receive(message);
      return;
    }
    try {
      thread = new StoreThread(port, message.options);
    } catch (error) {
      port.postMessage(refusal(error, message.options.path));
    }
  });
}

function refusal(error: unknown, path: string | null): FromWorker {
  const { code, message, fix, fault } = error instanceof LedgerError ? error : storeError(error, path);
  return { type: "refused", code, message, fix: fix ?? null, fault: fault ?? null };
}

function storeError(error: unknown, path: string | null): LedgerError {
  const found = diagnose(error, path);
  return found === null
    ? faultError("io_error", error instanceof Error ? error.message : String(error))
    : faultError(found.fault, found.message);
}

import { parentPort, workerData } from "node:worker_threads";
import { LedgerError } from "./errors.ts";
import { diagnose } from "./faults.ts";
import { type MaintenanceOptions, runMaintenance } from "./maintenance.ts";
import type { FromWorker, ToWorker, WorkerOptions } from "./protocol.ts";
import { StoreThread } from "./store-thread.ts";

// Entry of both threads of the ledger. One file, so that a program compiled into one executable has to carry only one more entry.
const port = parentPort;
const options = workerData as WorkerOptions | MaintenanceOptions;
if (port === null) throw new Error("ledger/worker is started by openLedger");

if (options.role === "maintenance") {
  runMaintenance(port, options);
} else {
  try {
    const thread = new StoreThread(port, options);
    port.on("message", (message: ToWorker) => thread.receive(message));
  } catch (error) {
    port.postMessage(refusal(error, options.path));
  }
}

function refusal(error: unknown, path: string | null): FromWorker {
  if (error instanceof LedgerError) {
    return { type: "refused", code: error.code, message: error.message, fix: error.fix ?? null, fault: error.fault ?? null };
  }
  const found = diagnose(error, path) ?? { fault: "io_error" as const, message: error instanceof Error ? error.message : String(error) };
  return { type: "refused", code: `ledger_${found.fault}`, message: found.message, fix: null, fault: found.fault };
}

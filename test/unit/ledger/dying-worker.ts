// The ledger's thread, which ends over a certain receipt: as one does that fails in a way that nobody planned.
import { parentPort } from "node:worker_threads";
import type { ToWorker } from "../../../sidecar/ledger/protocol.ts";
import "../../../sidecar/ledger/worker.ts";

parentPort?.on("message", (message: ToWorker) => {
  if (message.type === "append" && message.texts.includes("the last one")) process.exit(3);
});

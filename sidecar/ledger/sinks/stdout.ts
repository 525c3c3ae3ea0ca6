import type { Writable } from "node:stream";
import type { ReceiptSink } from "../types.ts";
import { recordLine } from "./record-line.ts";

/**
 * Receipts and checkpoints as JSON lines, for log collectors. Each group is one write, confirmed when the stream has handed it to the operating
 * system, so a reader that does not keep up holds back the sink and nothing else. A stream that was closed makes the sink unreachable for good.
 */
export function stdoutSink(stream: Writable = process.stdout): ReceiptSink {
  let failure: Error | null = null;
  const onError = (error: Error) => {
    failure = error;
  };
  stream.on("error", onError);
  return {
    name: "stdout",
    write(group) {
      if (failure !== null) return Promise.reject(failure);
      return new Promise((resolve, reject) => {
        stream.write(group.map(recordLine).join(""), (error) => (error ? reject(error) : resolve()));
      });
    },
    async flush() {},
    async close() {
      // Standard output belongs to the process, not to the ledger.
      stream.off("error", onError);
    },
  };
}

import type { Writable } from "node:stream";
import type { ReceiptSink, SinkRecord } from "../types.ts";

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
        stream.write(group.map(line).join(""), (error) => (error ? reject(error) : resolve()));
      });
    },
    async flush() {},
    async close() {
      // Standard output belongs to the process, not to the ledger.
      stream.off("error", onError);
    },
  };
}

/** One log line. `severity` is what log collectors colour and filter by: refusals and loose ends are worth a look. */
function line({ type, canonicalJson, outcome }: SinkRecord): string {
  if (type === "checkpoint") return `{"event":"checkpoint","kind":"chio_checkpoint","severity":"INFO","checkpoint":${canonicalJson}}\n`;
  const severity = outcome === "allow" || outcome === "none" ? "INFO" : "WARNING";
  return `{"event":"receipt","kind":"chio_receipt","verdict":"${outcome}","severity":"${severity}","receipt":${canonicalJson}}\n`;
}

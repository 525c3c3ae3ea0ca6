// Writes the groups that come as JSON lines on standard input to the sink that it is given, and says of each how it went.
import { createInterface } from "node:readline";
import { httpsSink } from "../../../sidecar/ledger/sinks/https.ts";
import type { SinkRecord } from "../../../sidecar/ledger/types.ts";

const [url = "", token, timeoutMs] = process.argv.slice(2);
const sink = httpsSink({ url: new URL(url), ...(token ? { token } : {}), ...(timeoutMs ? { timeoutMs: Number(timeoutMs) } : {}) });
for await (const line of createInterface({ input: process.stdin })) {
  const said = await sink.write(JSON.parse(line) as SinkRecord[]).then(
    () => "confirmed",
    (error: Error) => error.message,
  );
  process.stdout.write(`${said}\n`);
}
await sink.close();

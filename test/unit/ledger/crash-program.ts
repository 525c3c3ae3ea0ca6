// A sidecar's worth of load on the store that it is given. Prints the id of each receipt once it is acknowledged, until it is killed.
import { writeSync } from "node:fs";
import { openTestLedger, TestKernel } from "./fixture.ts";

const kernel = new TestKernel();
const ledger = await openTestLedger(process.argv[2]!, { checkpoint: { batchSize: 25, intervalMs: 60_000 } });
writeSync(1, "open\n");

async function caller(): Promise<void> {
  for (;;) {
    const decision = kernel.http({ opens: true, filler: 200 });
    await ledger.append(decision);
    // Straight to the pipe: what was written is out, however this process ends.
    writeSync(1, `${decision.receiptId}\n`);
    // Calls take their time upstream, so that a kill finds some of them there.
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    const final = kernel.http({ closes: decision.receiptId, filler: 200 });
    await ledger.append(final);
    writeSync(1, `${final.receiptId}\n`);
  }
}

// One call whose upstream never answers, so that every kill finds at least this one open.
const stuck = kernel.http({ opens: true, filler: 200 });
await ledger.append(stuck);
writeSync(1, `${stuck.receiptId}\n`);

await Promise.all(Array.from({ length: 48 }, caller));

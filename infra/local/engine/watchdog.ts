import { setTimeout as sleep } from "node:timers/promises";
import { removeRuns } from "./clean-up.ts";
import { connect } from "./docker.ts";

// Program of its own, started beside a process that runs topologies. When that process is gone, however it ended, what its runs have left is removed.
// Lines on stdin name the runs: `+ID` one that has begun, `-ID` one that has removed everything itself.
const TURNS = 120;
const runs = new Set<string>();
let pending = "";
process.stdin.setEncoding("utf8");
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});
for await (const piece of process.stdin) {
  const lines = `${pending}${piece}`.split("\n");
  pending = lines.pop() ?? "";
  for (const line of lines) {
    if (line.startsWith("+")) runs.add(line.slice(1));
    else runs.delete(line.slice(1));
  }
}
if (runs.size > 0) {
  const { docker } = await connect();
  // All at once: one may have its containers on another's network. Until nothing turns up any more: what the engine was asked for in the last
  // moment appears later, and what it refuses now it may do then.
  for (let turn = 0; turn < TURNS; turn++) {
    const removed = await removeRuns(docker, runs).catch(() => null);
    if (removed?.length === 0) break;
    await sleep(1_000);
  }
}

import { ALL, at, type Rule, theSidecar } from "./rule.ts";

export const drain: Rule = {
  code: "CHIO-DRAIN",
  title: "The sidecar's drain does not fit its grace",
  severity: "error",
  why: "The platform kills the sidecar while it still flushes: requests without an answer, receipts without a sink.",
  fix: "leave shutdownDrainMs out, which makes it the grace less 2 s, or lower it",
  platforms: ALL,
  invariants: ["INV-7"],
  traps: [7],
  check(topology) {
    const sidecar = theSidecar(topology);
    if (sidecar === null) return [];
    const text = sidecar.env.CHIO_SHUTDOWN_DRAIN_MS;
    const path = at(sidecar, "env.CHIO_SHUTDOWN_DRAIN_MS");
    const grace = sidecar.graceSeconds;
    if (text === undefined) return [{ path, message: `the drain of ${sidecar.name} is left to its own default of 25 s` }];
    const drainMs = Number(text);
    if (!Number.isInteger(drainMs) || drainMs < 0)
      return [{ path, message: `the drain of ${sidecar.name} is ${JSON.stringify(text)}, which is no number of milliseconds` }];
    if (drainMs > grace * 1000 - 1000)
      return [
        { path, message: `${sidecar.name} drains for ${drainMs / 1000} s and is killed after ${grace} s; it needs a second to spare` },
      ];
    return [];
  },
};

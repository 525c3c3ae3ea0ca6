import { isRemoteSink } from "../receipt-sink.ts";
import { type Rule, theSidecar } from "./rule.ts";

export const cpuIdle: Rule = {
  code: "CHIO-CPU-IDLE",
  title: "The sidecar has no CPU between requests",
  severity: "warning",
  why: "Policy refresh, checkpoints and the flush of receipts stand still until the next request, or until the instance is stopped.",
  fix: "set cloudRun.cpuIdle to false, or let answers wait for the sink (receipts.acknowledge: sink)",
  platforms: ["cloud-run"],
  invariants: [],
  traps: [],
  check(topology) {
    if (!topology.containers.every((one) => one.cpuIdle)) return [];
    const waits = topology.receipts.acknowledge === "sink" && topology.receipts.sinks.some(isRemoteSink);
    const refreshes = theSidecar(topology)?.env.CHIO_POLICY_REFRESH !== undefined;
    if (waits && !refreshes) return [];
    return [
      {
        path: "containers",
        message: refreshes
          ? "the policy is refreshed in the background, without CPU"
          : "receipts reach their sink in the background, without CPU",
      },
    ];
  },
};

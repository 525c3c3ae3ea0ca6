import type { Rule } from "./rule.ts";

export const cpuIdleMixed: Rule = {
  code: "CHIO-CPU-IDLE-MIXED",
  title: "Some containers have CPU between requests and some have not",
  severity: "error",
  why: "Billing and throttling are per instance: which of the two holds is then nobody's decision.",
  fix: "set cloudRun.cpuIdle for all of them",
  platforms: ["cloud-run"],
  invariants: [],
  traps: [12],
  check(topology) {
    const idle = topology.containers.filter((one) => one.cpuIdle).map((one) => one.name);
    if (idle.length === 0 || idle.length === topology.containers.length) return [];
    return [{ path: "containers", message: `CPU is withheld between requests from ${idle.join(" and ")} only` }];
  },
};

import { ALL, at, type Breach, type Rule } from "./rule.ts";

export const probeTimeout: Rule = {
  code: "CHIO-PROBE-TIMEOUT",
  title: "A probe's timeout is longer than its period",
  severity: "error",
  why: "The platform refuses it, or one slow answer counts for several probes.",
  fix: "make timeoutSeconds at most periodSeconds (a health check: at most its interval)",
  platforms: ALL,
  invariants: [],
  traps: [8],
  check(topology) {
    const breaches: Breach[] = [];
    for (const one of topology.containers) {
      for (const kind of ["startup", "liveness", "readiness"] as const) {
        const probe = one.probes[kind];
        if (probe !== null && probe.timeoutSeconds > probe.periodSeconds) {
          breaches.push({
            path: at(one, `probes.${kind}.timeoutSeconds`),
            message: `the ${kind} probe of ${one.name} waits ${probe.timeoutSeconds} s for an answer and asks every ${probe.periodSeconds} s`,
          });
        }
      }
      const check = one.healthCheck;
      if (check !== null && check.timeoutSeconds > check.intervalSeconds) {
        breaches.push({
          path: at(one, "healthCheck.timeoutSeconds"),
          message: `the health check of ${one.name} may run ${check.timeoutSeconds} s and is started every ${check.intervalSeconds} s`,
        });
      }
    }
    return breaches;
  },
};

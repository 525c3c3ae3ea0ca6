import { LIMITS } from "../limits.ts";
import { at, type Rule } from "./rule.ts";

export const probeWindow: Rule = {
  code: "CHIO-PROBE-WINDOW",
  title: "A startup probe waits longer than the platform allows",
  severity: "error",
  why: "The platform refuses the revision.",
  fix: "lower failureThreshold or periodSeconds, so that their product fits",
  platforms: ["cloud-run"],
  invariants: [],
  traps: [7],
  check(topology) {
    const max = LIMITS[topology.platform].startupWindowSeconds;
    if (max === null) return [];
    return topology.containers.flatMap((one) => {
      const probe = one.probes.startup;
      if (probe === null) return [];
      const window = probe.failureThreshold * probe.periodSeconds;
      return window <= max
        ? []
        : [
            {
              path: at(one, "probes.startup"),
              message: `${one.name} may take ${probe.failureThreshold} × ${probe.periodSeconds} s = ${window} s to start; ${topology.platform} allows ${max} s`,
            },
          ];
    });
  },
};

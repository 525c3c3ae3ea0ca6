import { ALL, at, type Breach, type Rule, theSidecar } from "./rule.ts";

export const failOpen: Rule = {
  code: "CHIO-FAIL-OPEN",
  title: "The app goes on without its sidecar",
  severity: "error",
  why: "A sidecar that cannot load its key, spec or policy exits. If the platform takes that for normal, the replica stays up and a bad release stays out.",
  fix: "keep the sidecar essential, ignore none of its exit codes, and let failed deployments roll back",
  platforms: ALL,
  invariants: ["INV-8"],
  traps: [],
  check(topology) {
    const sidecar = theSidecar(topology);
    if (sidecar === null) return [];
    const breaches: Breach[] = [];
    if (!sidecar.essential)
      breaches.push({ path: at(sidecar, "essential"), message: `the replica goes on when ${sidecar.name} has ended` });
    const ignored = sidecar.restart?.ignoredExitCodes ?? [];
    if (ignored.length > 0)
      breaches.push({
        path: at(sidecar, "restart.ignoredExitCodes"),
        message: `exit ${ignored.join(" and ")} of ${sidecar.name} is taken for normal`,
      });
    if (topology.platform === "ecs") {
      const { enable, rollback } = topology.settings.circuitBreaker;
      if (!enable || !rollback)
        breaches.push({ path: "settings.circuitBreaker", message: "a deployment whose sidecar never gets healthy is not rolled back" });
    }
    return breaches;
  },
};

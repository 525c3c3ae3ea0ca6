import type { Container } from "../types.ts";
import type { Rule } from "./rule.ts";

export const healthGrace: Rule = {
  code: "CHIO-HEALTH-GRACE",
  title: "The load balancer's checks count before the slowest start is over",
  severity: "error",
  why: "ECS kills tasks that are still starting, starts others, and never gets further.",
  fix: "make ecs.healthCheckGracePeriodSeconds longer than the start of sidecar and app together",
  platforms: ["ecs"],
  invariants: [],
  traps: [19],
  check(topology) {
    if (topology.platform !== "ecs") return [];
    const slow = topology.containers.filter((one) => one.healthCheck !== null);
    const worst = slow.reduce((sum, one) => sum + slowest(one), 0);
    const grace = topology.settings.healthCheckGracePeriodSeconds;
    if (grace > worst || slow.length === 0) return [];
    const terms = slow.map(
      (one) =>
        `${one.name} ${one.healthCheck?.startPeriodSeconds} + ${one.healthCheck?.intervalSeconds} × ${one.healthCheck?.retries} = ${slowest(one)} s`,
    );
    return [
      {
        path: "settings.healthCheckGracePeriodSeconds",
        message: `the grace of ${grace} s is not longer than the slowest start: ${terms.join(", ")}`,
      },
    ];
  },
};

function slowest({ healthCheck }: Container): number {
  return healthCheck === null ? 0 : healthCheck.startPeriodSeconds + healthCheck.intervalSeconds * healthCheck.retries;
}

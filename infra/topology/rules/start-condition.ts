import { LIMITS } from "../limits.ts";
import type { Container, PlatformTopology } from "../types.ts";
import { ALL, type Breach, type Rule } from "./rule.ts";

export const startCondition: Rule = {
  code: "CHIO-START-CONDITION",
  title: "A start condition can never come true",
  severity: "error",
  why: "The platform refuses the deployment, or the container that waits never starts.",
  fix: "give the container that is waited for a health check or startup probe, or wait for what it can reach",
  platforms: ALL,
  invariants: ["INV-1"],
  traps: [],
  check(topology) {
    const breaches: Breach[] = [];
    for (const [index, edge] of topology.startOrder.entries()) {
      const target = topology.containers.find((one) => one.name === edge.dependsOn);
      if (target === undefined) continue;
      const problem = unreachable(topology, target, edge.condition);
      if (problem !== null)
        breaches.push({
          path: `startOrder[${index}].condition`,
          message: `${edge.container} waits until ${target.name} is "${edge.condition}", but ${problem}`,
        });
    }
    return breaches;
  },
};

function unreachable(topology: PlatformTopology, target: Container, condition: string): string | null {
  const known: readonly string[] = LIMITS[topology.platform].startConditions;
  if (!known.includes(condition)) return `${topology.platform} knows only ${known.join(", ")}`;
  if (condition === "healthy" && !hasHealth(topology, target))
    return `${target.name} has no ${topology.platform === "ecs" || topology.platform === "local" ? "health check" : "startup probe"}`;
  if ((condition === "completed" || condition === "succeeded") && target.essential)
    return `${target.name} is essential: when it ends, the replica ends`;
  return null;
}

/** What the platform can see of a container's health. The sidecar's missing probes are told by a rule of their own. */
function hasHealth({ platform }: PlatformTopology, target: Container): boolean {
  if (target.role === "sidecar") return true;
  return platform === "ecs" || platform === "local" ? target.healthCheck !== null : target.probes.startup !== null;
}

import { sum } from "../define/resources.ts";
import { cpuQuantity, memoryQuantity } from "../quantities.ts";
import { isLegalContainer, isLegalTotal, smallestLegalResources } from "../resources.ts";
import type { Resources } from "../types.ts";
import { ALL, at, type Breach, type Rule } from "./rule.ts";

export const resources: Rule = {
  code: "CHIO-RESOURCES",
  title: "CPU or memory is not an amount that the platform takes",
  severity: "error",
  why: "The deployment is refused.",
  fix: "ask for less, or use the amounts that smallestLegalResources gives",
  platforms: ALL,
  invariants: [],
  traps: [11],
  check(topology) {
    const { platform } = topology;
    const options = { workloadProfile: topology.platform === "aca" ? topology.settings.workloadProfile : null };
    const breaches: Breach[] = topology.containers
      .filter((one) => !isLegalContainer(platform, one.resources))
      .map((one) => ({
        path: at(one, "resources"),
        message: `${one.name} asks for ${pair(one.resources)}, which ${platform} does not give to one container`,
      }));
    const asked = sum(platform, topology.containers);
    const total = topology.resources;
    if (!isLegalTotal(platform, total, options)) {
      const legal = smallestLegalResources(platform, total, options);
      breaches.push({
        path: "resources",
        message: `${platform} does not take ${pair(total)}${legal === null ? ", which is more than it has" : `; the next is ${pair(legal)}`}`,
      });
    } else if (asked.cpuMilli > total.cpuMilli + 1e-6 || asked.memoryMiB > total.memoryMiB) {
      breaches.push({
        path: "resources",
        message: `the containers ask for ${pair(asked)} together, more than the total of ${pair(total)}`,
      });
    } else if (
      (platform === "aca" || platform === "cloud-run") &&
      (asked.cpuMilli !== total.cpuMilli || asked.memoryMiB !== total.memoryMiB)
    ) {
      breaches.push({
        path: "resources",
        message: `the containers ask for ${pair(asked)} together, and ${platform} takes their sum: it must be ${pair(total)}`,
      });
    }
    return breaches;
  },
};

function pair({ cpuMilli, memoryMiB }: Resources): string {
  return `${cpuQuantity(cpuMilli)} CPU and ${memoryQuantity(memoryMiB)}`;
}

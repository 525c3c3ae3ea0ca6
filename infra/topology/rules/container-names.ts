import { LIMITS } from "../limits.ts";
import { ALL, type Breach, type Rule } from "./rule.ts";

export const containerNames: Rule = {
  code: "CHIO-CONTAINER-NAMES",
  title: "Container names clash, are not DNS labels, or are too many",
  severity: "error",
  why: "Start order, ingress and logs find containers by name. An unnamed or doubled one makes the platform refuse the deployment, at times with a message about something else.",
  fix: "give each container its own name of up to 63 lower-case letters, digits and hyphens",
  platforms: ALL,
  invariants: [],
  traps: [14],
  check(topology) {
    const breaches: Breach[] = [];
    const seen = new Set<string>();
    for (const [index, { name }] of topology.containers.entries()) {
      const path = `containers[${index}].name`;
      if (!/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) breaches.push({ path, message: `${JSON.stringify(name)} is not a DNS label` });
      if (seen.has(name)) breaches.push({ path, message: `two containers are called ${name}` });
      seen.add(name);
    }
    const max = LIMITS[topology.platform].maxContainers;
    if (topology.containers.length > max)
      breaches.push({ path: "containers", message: `${topology.containers.length} containers; ${topology.platform} takes ${max}` });
    return breaches;
  },
};

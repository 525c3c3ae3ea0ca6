import { inRange, LIMITS, rangeText } from "../limits.ts";
import { ALL, type Breach, type Rule } from "./rule.ts";

export const scaling: Rule = {
  code: "CHIO-SCALING",
  title: "The replica counts make no sense, or are not what the platform takes",
  severity: "error",
  why: "The deployment is refused, or never has a replica.",
  fix: "make maxReplicas at least minReplicas, within the platform's range",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    const { minReplicas, maxReplicas, concurrency } = topology.scaling;
    const range = LIMITS[topology.platform].replicas;
    const breaches: Breach[] = [];
    if (maxReplicas < Math.max(1, minReplicas))
      breaches.push({ path: "scaling.maxReplicas", message: `at most ${maxReplicas} replicas, and at least ${minReplicas}` });
    if (!inRange(maxReplicas, range))
      breaches.push({
        path: "scaling.maxReplicas",
        message: `at most ${maxReplicas} replicas; ${topology.platform} takes ${rangeText(range)}`,
      });
    if (concurrency < 1) breaches.push({ path: "scaling.concurrency", message: `a replica takes ${concurrency} requests at a time` });
    if (topology.platform === "cloud-run" && concurrency > 1000)
      breaches.push({
        path: "scaling.concurrency",
        message: `a replica takes ${concurrency} requests at a time; cloud-run takes at most 1000`,
      });
    return breaches;
  },
};

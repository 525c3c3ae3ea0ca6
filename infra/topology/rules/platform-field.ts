import { LIMITS } from "../limits.ts";
import { ALL, at, type Breach, type Rule } from "./rule.ts";

export const platformField: Rule = {
  code: "CHIO-PLATFORM-FIELD",
  title: "The platform has no field for this",
  severity: "error",
  why: "It would be left out of the deployment without a word, and somebody relies on it.",
  fix: "take it out for this platform",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    const limits = LIMITS[topology.platform];
    return topology.containers.flatMap((one) => {
      const breaches: Breach[] = [];
      const missing = (field: string, what: string) =>
        breaches.push({ path: at(one, field), message: `${one.name} has ${what}, which ${topology.platform} does not know` });
      if (one.role === "init" && !limits.fields.initContainers) missing("role", "the role of an init container");
      if (one.tmpfs.length > 0 && !limits.fields.tmpfs) missing("tmpfs", "a memory file system");
      if (one.healthCheck !== null && limits.healthCheck === null) missing("healthCheck", "a health command");
      if (limits.probes === null && Object.values(one.probes).some((probe) => probe !== null)) missing("probes", "a network probe");
      if (one.cpuIdle && topology.platform !== "cloud-run") missing("cpuIdle", "CPU withheld between requests");
      return breaches;
    });
  },
};

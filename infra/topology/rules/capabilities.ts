import { at, type Breach, type Rule } from "./rule.ts";

export const capabilities: Rule = {
  code: "CHIO-CAPABILITIES",
  title: "Linux capabilities are kept",
  severity: "error",
  why: "None is needed to serve on a port above 1024, and each is a way to more.",
  fix: "drop ALL and add none",
  platforms: ["ecs", "local"],
  invariants: ["INV-5"],
  traps: [],
  check(topology) {
    return topology.containers.flatMap((one) => {
      const breaches: Breach[] = [];
      if (!one.capabilities.drop.includes("ALL"))
        breaches.push({ path: at(one, "capabilities.drop"), message: `${one.name} does not drop all capabilities` });
      if (one.capabilities.add.length > 0)
        breaches.push({ path: at(one, "capabilities.add"), message: `${one.name} is given ${one.capabilities.add.join(", ")}` });
      return breaches;
    });
  },
};

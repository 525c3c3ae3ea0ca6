import { ALL, at, type Breach, type Rule } from "./rule.ts";

export const portClash: Rule = {
  code: "CHIO-PORT-CLASH",
  title: "Two containers listen on one port",
  severity: "error",
  why: "All containers of a replica share one network namespace; the second to start finds the port taken.",
  fix: "give each its own port",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    const owners = new Map<number, string>();
    const breaches: Breach[] = [];
    for (const container of topology.containers) {
      for (const [index, { port }] of container.listens.entries()) {
        const owner = owners.get(port);
        if (owner === undefined) owners.set(port, container.name);
        else
          breaches.push({
            path: at(container, `listens[${index}].port`),
            message: `${container.name} and ${owner} both listen on port ${port}`,
          });
      }
    }
    return breaches;
  },
};

import { ALL, type Rule } from "./rule.ts";

export const startCycle: Rule = {
  code: "CHIO-START-CYCLE",
  title: "Containers wait for each other",
  severity: "error",
  why: "None of them ever starts, and no tool says so before the deployment.",
  fix: "remove one edge of the cycle",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    const waitsFor = new Map<string, string[]>();
    for (const edge of topology.startOrder) waitsFor.set(edge.container, [...(waitsFor.get(edge.container) ?? []), edge.dependsOn]);
    const cycle = findCycle(waitsFor);
    return cycle === null ? [] : [{ path: "startOrder", message: `the start order has a cycle: ${cycle.join(" waits for ")}` }];
  },
};

/** The first cycle, its first name repeated at the end; null when there is none. */
function findCycle(waitsFor: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]): string[] | null => {
    const seen = trail.indexOf(name);
    if (seen >= 0) return [...trail.slice(seen), name];
    if (done.has(name)) return null;
    for (const next of waitsFor.get(name) ?? []) {
      const cycle = visit(next, [...trail, name]);
      if (cycle !== null) return cycle;
    }
    done.add(name);
    return null;
  };
  for (const name of waitsFor.keys()) {
    const cycle = visit(name, []);
    if (cycle !== null) return cycle;
  }
  return null;
}

import type { Container, StartCondition, StartEdge } from "../../topology/index.ts";

/** What is known of a container that others wait for. */
export interface ContainerFacts {
  readonly started: boolean;
  readonly healthy: boolean;
  /** Of its end, if it has ended for good. */
  readonly exitCode: number | null;
}

export type EdgeState = "satisfied" | "waiting" | "impossible";

/** Whether a dependency has reached its condition, or never can. Asked when the dependent is about to start, and never again. */
export function edgeState(condition: StartCondition, facts: ContainerFacts): EdgeState {
  switch (condition) {
    case "started":
      return facts.started ? "satisfied" : facts.exitCode === null ? "waiting" : "impossible";
    case "healthy":
      return facts.exitCode !== null ? "impossible" : facts.healthy ? "satisfied" : "waiting";
    case "completed":
      return facts.exitCode === null ? "waiting" : "satisfied";
    case "succeeded":
      return facts.exitCode === null ? "waiting" : facts.exitCode === 0 ? "satisfied" : "impossible";
  }
}

/**
 * Containers in the order in which they are stopped: those of one group at once, a group when the one before has ended. Whoever waited for a
 * container at the start is stopped before it.
 */
export function stopGroups(containers: readonly Container[], edges: readonly StartEdge[]): string[][] {
  const groups: string[][] = [];
  let left = containers.map((one) => one.name);
  while (left.length > 0) {
    const current = left.filter((name) => !edges.some((edge) => edge.dependsOn === name && left.includes(edge.container)));
    // A circle cannot come from a valid topology; everything that is left then stops at once.
    const group = current.length === 0 ? left : current;
    groups.push(group);
    left = left.filter((name) => !group.includes(name));
  }
  return groups;
}

import { ALL, type Rule } from "./rule.ts";

export const startUnknown: Rule = {
  code: "CHIO-START-UNKNOWN",
  title: "The start order names a container that is not there",
  severity: "error",
  why: "The platform refuses the deployment.",
  fix: "name one of the topology's containers",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    const names = new Set(topology.containers.map((one) => one.name));
    return topology.startOrder.flatMap((edge, index) =>
      (["container", "dependsOn"] as const)
        .filter((end) => !names.has(edge[end]))
        .map((end) => ({
          path: `startOrder[${index}].${end}`,
          message: `there is no container "${edge[end]}"; there are ${[...names].join(", ")}`,
        })),
    );
  },
};

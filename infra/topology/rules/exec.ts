import type { Rule } from "./rule.ts";

export const exec: Rule = {
  code: "CHIO-EXEC",
  title: "ECS Exec is on",
  severity: "error",
  why: "Its agent needs a writable root, so it does not work here; and where it does, it gives an operator a shell that reads the sidecar's environment.",
  fix: "leave ecs.enableExecuteCommand false",
  platforms: ["ecs"],
  invariants: [],
  traps: [15],
  check(topology) {
    if (topology.platform !== "ecs" || !topology.settings.enableExecuteCommand) return [];
    const readOnly = topology.containers.filter((one) => one.readOnlyRoot).map((one) => one.name);
    return [
      {
        path: "settings.enableExecuteCommand",
        message: `ECS Exec is on${readOnly.length === 0 ? "" : `, with a read-only root in ${readOnly.join(" and ")}`}`,
      },
    ];
  },
};

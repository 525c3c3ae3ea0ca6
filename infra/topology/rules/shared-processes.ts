import type { Rule } from "./rule.ts";

export const sharedProcesses: Rule = {
  code: "CHIO-SHARED-PROCESSES",
  title: "Containers see each other's processes",
  severity: "error",
  why: "The app reads the sidecar's environment, the signing key in it, from /proc.",
  fix: "leave ecs.pidMode out",
  platforms: ["ecs"],
  invariants: ["INV-3"],
  traps: [],
  check(topology) {
    if (topology.platform !== "ecs" || topology.settings.pidMode === null) return [];
    return [{ path: "settings.pidMode", message: "the containers share one process namespace" }];
  },
};

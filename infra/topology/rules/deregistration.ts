import type { Rule } from "./rule.ts";

export const deregistration: Rule = {
  code: "CHIO-DEREGISTRATION",
  title: "Targets are stopped before their longest request is over",
  severity: "error",
  why: "ECS stops the app first, then the sidecar: what is still in flight when the deregistration delay ends meets a dead app.",
  fix: "make ecs.deregistrationDelaySeconds at least requestTimeoutSeconds",
  platforms: ["ecs"],
  invariants: ["INV-7"],
  traps: [],
  check(topology) {
    if (topology.platform !== "ecs") return [];
    const delay = topology.settings.deregistrationDelaySeconds;
    const longest = topology.ingress.requestTimeoutSeconds;
    return delay >= longest
      ? []
      : [
          {
            path: "settings.deregistrationDelaySeconds",
            message: `requests may take ${longest} s, and the target is deregistered for ${delay} s`,
          },
        ];
  },
};

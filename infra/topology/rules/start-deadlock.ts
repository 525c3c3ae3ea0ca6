import { ALL, at, flagValue, type Rule, theSidecar } from "./rule.ts";

export const startDeadlock: Rule = {
  code: "CHIO-START-DEADLOCK",
  title: "The sidecar asks the app for its spec while the app waits for the sidecar",
  severity: "error",
  why: "Without a spec of its own the sidecar asks the running app for one, and the app is started only when the sidecar is healthy: neither comes up.",
  fix: "give apiProtect({ spec }) the path of the OpenAPI document inside the sidecar",
  platforms: ALL,
  invariants: [],
  traps: [2],
  check(topology) {
    const sidecar = theSidecar(topology);
    if (sidecar === null || topology.mode.kind !== "api-protect") return [];
    if (flagValue(sidecar.args ?? [], "--spec") !== undefined || sidecar.env.CHIO_SPEC !== undefined) return [];
    const waiting = topology.startOrder
      .filter((edge) => edge.dependsOn === sidecar.name && edge.condition === "healthy")
      .map((edge) => edge.container);
    if (waiting.length === 0 || sidecar.args === null || sidecar.args.length === 0) return [];
    return [
      {
        path: at(sidecar, "args"),
        message:
          topology.startGate.kind === "traffic"
            ? `${sidecar.name} has no --spec and would ask the app for it: its own health, for which requests wait, hangs on the app's`
            : `${sidecar.name} has no --spec and would ask the app for it, but ${waiting.join(" and ")} starts only after ${sidecar.name} is healthy`,
      },
    ];
  },
};

import { ALL, at, beside, type Rule, theSidecar } from "./rule.ts";

export const startOrder: Rule = {
  code: "CHIO-START-ORDER",
  title: "The app does not wait for the sidecar",
  severity: "error",
  why: "The app may serve or call out before the kernel can decide anything.",
  fix: "add the edge { container: the app, dependsOn: the sidecar, condition: healthy }",
  platforms: ALL,
  invariants: ["INV-1"],
  traps: [],
  check(topology) {
    const sidecar = theSidecar(topology);
    if (sidecar === null) return [];
    return beside(topology)
      .filter(
        (one) =>
          !topology.startOrder.some(
            (edge) => edge.container === one.name && edge.dependsOn === sidecar.name && edge.condition === "healthy",
          ),
      )
      .map((one) => ({ path: at(one), message: `${one.name} does not wait until ${sidecar.name} is healthy` }));
  },
};

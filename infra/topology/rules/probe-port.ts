import { at, type Rule } from "./rule.ts";

export const probePort: Rule = {
  code: "CHIO-PROBE-PORT",
  title: "A probe without a port, on a container that announces none",
  severity: "error",
  why: "The platform takes the container's announced port. The app has none, so the probe has nowhere to go.",
  fix: "give the probe the port that the container listens on",
  platforms: ["cloud-run", "aca"],
  invariants: [],
  traps: [9],
  check(topology) {
    return topology.containers.flatMap((one) =>
      (["startup", "liveness", "readiness"] as const).flatMap((kind) => {
        const action = one.probes[kind]?.action;
        if (action === undefined || action.kind === "exec" || action.port !== null) return [];
        // Azure has no announced ports at all.
        if (one.ports.length > 0 && topology.platform === "cloud-run") return [];
        return [{ path: at(one, `probes.${kind}.action.port`), message: `the ${kind} probe of ${one.name} names no port` }];
      }),
    );
  },
};

import { ALL, type Rule } from "./rule.ts";

export const sidecarCount: Rule = {
  code: "CHIO-SIDECAR-COUNT",
  title: "There is not exactly one sidecar",
  severity: "error",
  why: "With none, nothing is decided. With two, each has half of the receipts.",
  fix: "keep the one that defineTopology makes",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    const names = topology.containers.filter((one) => one.role === "sidecar").map((one) => one.name);
    return names.length === 1
      ? []
      : [
          {
            path: "containers",
            message: names.length === 0 ? "there is no sidecar" : `there are ${names.length} sidecars: ${names.join(", ")}`,
          },
        ];
  },
};

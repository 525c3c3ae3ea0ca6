import type { Platform } from "../types.ts";
import { ALL, at, type Rule, theSidecar } from "./rule.ts";

const NEEDED: { readonly [P in Platform]: readonly ("startup" | "liveness" | "readiness" | "healthCheck")[] } = {
  ecs: ["healthCheck"],
  // Readiness is a preview there.
  "cloud-run": ["startup", "liveness"],
  aca: ["startup", "liveness", "readiness"],
  local: ["healthCheck"],
};

export const probeMissing: Rule = {
  code: "CHIO-PROBE-MISSING",
  title: "The sidecar lacks a probe",
  severity: "error",
  why: "Start order, restart and draining hang on them: without a startup probe nobody waits, without liveness a hung kernel stays, without readiness traffic comes too early.",
  fix: "take the sidecar's probes as defineTopology makes them",
  platforms: ALL,
  invariants: ["INV-6"],
  traps: [],
  check(topology) {
    const sidecar = theSidecar(topology);
    if (sidecar === null) return [];
    return NEEDED[topology.platform]
      .filter((probe) => (probe === "healthCheck" ? sidecar.healthCheck === null : sidecar.probes[probe] === null))
      .map((probe) => ({
        path: at(sidecar, probe === "healthCheck" ? probe : `probes.${probe}`),
        message: `${sidecar.name} has no ${probe === "healthCheck" ? "health check" : `${probe} probe`}`,
      }));
  },
};

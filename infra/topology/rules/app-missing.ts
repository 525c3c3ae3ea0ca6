import { ALL, type Rule } from "./rule.ts";

export const appMissing: Rule = {
  code: "CHIO-APP-MISSING",
  title: "There is no app to protect",
  severity: "error",
  why: "api protect forwards to an app beside it; without one every call ends with 502.",
  fix: "give app.image, for this platform if the choice is by platform",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    if (topology.mode.kind !== "api-protect" || topology.containers.some((one) => one.role === "app")) return [];
    return [{ path: "containers", message: `no app image is given for ${topology.platform}` }];
  },
};

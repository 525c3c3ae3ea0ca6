import { LIMITS } from "../limits.ts";
import { CLOUDS, type Rule } from "./rule.ts";

export const architecture: Rule = {
  code: "CHIO-ARCHITECTURE",
  title: "The platform does not run this architecture",
  severity: "error",
  why: "The image is refused, or ends with an exec format error.",
  fix: "use amd64, or ECS for arm64",
  platforms: CLOUDS,
  invariants: [],
  traps: [],
  check(topology) {
    const known = LIMITS[topology.platform].architectures;
    return known.includes(topology.architecture)
      ? []
      : [{ path: "architecture", message: `${topology.platform} runs ${known.join(" and ")}, not ${topology.architecture}` }];
  },
};

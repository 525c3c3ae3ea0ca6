import { isDeferred } from "../deferred.ts";
import { LIMITS } from "../limits.ts";
import { ALL, type Rule } from "./rule.ts";

export const name: Rule = {
  code: "CHIO-NAME",
  title: "The service's name is not one that the platform takes",
  severity: "error",
  why: "The deployment is refused.",
  fix: "choose a name that fits",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    const { pattern, text } = LIMITS[topology.platform].name;
    if (isDeferred(topology.name) || pattern.test(topology.name)) return [];
    return [{ path: "name", message: `${JSON.stringify(topology.name)} is not a name for ${topology.platform}: ${text}` }];
  },
};

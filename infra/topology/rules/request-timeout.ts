import { inRange, LIMITS, rangeText } from "../limits.ts";
import { ALL, type Rule } from "./rule.ts";

export const requestTimeout: Rule = {
  code: "CHIO-REQUEST-TIMEOUT",
  title: "The request timeout is outside what the platform takes",
  severity: "error",
  why: "The platform refuses it, or cuts requests earlier than the sidecar and the app expect.",
  fix: "set requestTimeoutSeconds within the range",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    const value = topology.ingress.requestTimeoutSeconds;
    const range = LIMITS[topology.platform].requestTimeoutSeconds;
    return inRange(value, range)
      ? []
      : [
          {
            path: "ingress.requestTimeoutSeconds",
            message: `requests may take ${value} s; ${topology.platform} takes ${rangeText(range)}`,
          },
        ];
  },
};

import { inRange, LIMITS, rangeText } from "../limits.ts";
import { ALL, at, type Breach, type Rule } from "./rule.ts";

/** What a receipt sink's flush wants, where the platform can give it. */
const WANTED = 30;

export const grace: Rule = {
  code: "CHIO-GRACE",
  title: "The grace is too short for a drain, or outside what the platform takes",
  severity: "error",
  why: "Drain time is mostly the flush of receipts; under 30 s receipts are lost on a slow day. A value out of range is refused at deploy, or ignored.",
  fix: "set graceSeconds to 30 or more, within the platform's range",
  platforms: ALL,
  invariants: ["INV-7"],
  traps: [],
  check(topology) {
    const limits = LIMITS[topology.platform].graceSeconds;
    return topology.containers.flatMap((one): Breach[] => {
      const path = at(one, "graceSeconds");
      if (!Number.isInteger(one.graceSeconds) || !inRange(one.graceSeconds, limits)) {
        return [
          {
            path,
            message: `${one.name} has ${one.graceSeconds} s from SIGTERM to SIGKILL; ${topology.platform} takes ${rangeText(limits)}`,
          },
        ];
      }
      if (one.role !== "sidecar" || one.graceSeconds >= WANTED || (limits.max !== null && limits.max < WANTED)) return [];
      return [{ path, message: `${one.name} has ${one.graceSeconds} s from SIGTERM to SIGKILL; a drain wants ${WANTED} s` }];
    });
  },
};

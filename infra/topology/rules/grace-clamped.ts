import { ALL, type Rule } from "./rule.ts";

export const graceClamped: Rule = {
  code: "CHIO-GRACE-CLAMPED",
  title: "The grace that was asked for cannot be had",
  severity: "warning",
  why: "The platform's grace is fixed: a request that is not done by then is lost, and its receipt says incomplete after the restart.",
  fix: "keep requests under that time, or choose a platform with a longer grace",
  platforms: ALL,
  invariants: [],
  traps: [],
  check: ({ adjustments }) =>
    adjustments
      .filter(({ kind }) => kind === "grace")
      .map(({ path, requested, used, why }) => ({ path, message: `${requested} was asked for, ${used} is what there is: ${why}` })),
};

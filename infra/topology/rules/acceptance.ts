import { ALL, type Rule } from "./rule.ts";

/** Both are raised where acceptances are applied: they speak of the list, not of the topology. */
export const acceptanceUnmatched: Rule = {
  code: "CHIO-ACCEPTANCE-UNMATCHED",
  title: "An acceptance matches no finding",
  severity: "error",
  why: "Either its code is mistyped and it accepts nothing, or what it accepted is mended and it would hide the next one.",
  fix: "correct the code, or take the acceptance out",
  platforms: ALL,
  invariants: [],
  traps: [],
  check: () => [],
};

export const acceptanceReason: Rule = {
  code: "CHIO-ACCEPTANCE-REASON",
  title: "An acceptance has no reason",
  severity: "error",
  why: "The next reader cannot tell a decision from a shortcut.",
  fix: "say why the risk is taken, and by whom",
  platforms: ALL,
  invariants: [],
  traps: [],
  check: () => [],
};

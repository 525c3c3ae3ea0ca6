import { ALL, type Rule } from "./rule.ts";

export const policyTwice: Rule = {
  code: "CHIO-POLICY-TWICE",
  title: "Two policies are named",
  severity: "error",
  why: "The flag wins over the variable, so that one of the two is never read, whoever relies on it.",
  fix: "give mode.policy or policySource, not both",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    if (topology.mode.policy === null || topology.policySource === null) return [];
    return [{ path: "policySource", message: `mode.policy names ${topology.mode.policy}, and policySource names another` }];
  },
};

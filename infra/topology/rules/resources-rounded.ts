import { ALL, type Rule } from "./rule.ts";

export const resourcesRounded: Rule = {
  code: "CHIO-RESOURCES-ROUNDED",
  title: "CPU or memory was raised to the next amount the platform takes",
  severity: "info",
  why: "The bill is for what is used here, not for what was asked.",
  fix: "ask for the amount that is used, so that the two agree",
  platforms: ALL,
  invariants: [],
  traps: [],
  check: ({ adjustments }) =>
    adjustments
      .filter(({ kind }) => kind === "resources")
      .map(({ path, requested, used, why }) => ({ path, message: `raised from ${requested} to ${used}: ${why}` })),
};

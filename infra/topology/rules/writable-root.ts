import { ALL, at, type Rule } from "./rule.ts";

export const writableRoot: Rule = {
  code: "CHIO-WRITABLE-ROOT",
  title: "A root file system can be written",
  severity: "error",
  why: "Whoever gets code to run in the container can change the program that runs there.",
  fix: "set readOnlyRoot to true and name the directories that must be writable",
  platforms: ALL,
  invariants: ["INV-4"],
  traps: [],
  check(topology) {
    return topology.containers
      .filter((one) => !one.readOnlyRoot)
      .map((one) => ({ path: at(one, "readOnlyRoot"), message: `the root file system of ${one.name} can be written` }));
  },
};

import { at, beside, type Rule } from "./rule.ts";

export const imageUser: Rule = {
  code: "CHIO-IMAGE-USER",
  title: "The user is left to the image",
  severity: "warning",
  why: "The kit cannot see what the image says. If it says nothing, that is root.",
  fix: "give a numeric uid and gid; check the image's USER where the platform has no such field",
  platforms: ["ecs", "local"],
  invariants: [],
  traps: [],
  check(topology) {
    return beside(topology)
      .filter((one) => one.user === null)
      .map((one) => ({ path: at(one, "user"), message: `${one.name} runs as whatever its image says` }));
  },
};

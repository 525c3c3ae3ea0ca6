import { ALL, at, type Rule } from "./rule.ts";

export const rootUser: Rule = {
  code: "CHIO-ROOT-USER",
  title: "A container runs as root, or as a user that cannot be told from root",
  severity: "error",
  why: "A name is looked up in the image's own /etc/passwd, where it may be uid 0. The sidecar refuses to start as root.",
  fix: 'give a numeric uid and gid that are not 0, such as "65532:65532"',
  platforms: ALL,
  invariants: ["INV-5"],
  traps: [10],
  check(topology) {
    return topology.containers.flatMap((one) => {
      const path = at(one, "user");
      if (one.role === "sidecar" && one.env.CHIO_ALLOW_ROOT !== undefined)
        return [{ path: at(one, "env.CHIO_ALLOW_ROOT"), message: `${one.name} is told to run as root` }];
      if (one.user === null) return one.role === "sidecar" ? [{ path, message: `${one.name} has no user` }] : [];
      const match = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(one.user);
      if (match === null) return [{ path, message: `${one.name} runs as ${JSON.stringify(one.user)}, which is not numeric` }];
      if (Number(match[1]) === 0) return [{ path, message: `${one.name} runs as uid 0` }];
      if (match[2] !== undefined && Number(match[2]) === 0) return [{ path, message: `${one.name} runs with gid 0` }];
      return [];
    });
  },
};

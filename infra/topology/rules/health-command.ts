import { at, type Rule } from "./rule.ts";

const SHELLS = /(^|\/)(sh|bash|ash|dash|busybox)$/;

export const healthCommand: Rule = {
  code: "CHIO-HEALTH-COMMAND",
  title: "The health command needs a shell, or cannot fail",
  severity: "error",
  why: "The distroless image has no shell: the check never passes and the app never starts. A command that always succeeds says healthy when nothing is.",
  fix: 'use the exec form, such as ["/usr/local/bin/chio", "health"]',
  platforms: ["ecs", "local"],
  invariants: ["INV-6"],
  traps: [],
  check(topology) {
    return topology.containers.flatMap((one) => {
      const command = one.healthCheck?.command;
      if (command === undefined) return [];
      const path = at(one, "healthCheck.command");
      const text = command.join(" ");
      const [program] = command;
      if (program === undefined) return [{ path, message: `the health command of ${one.name} is empty` }];
      if (program === "CMD" || program === "CMD-SHELL" || program === "NONE") {
        return [
          {
            path,
            message: `the health command of ${one.name} begins with ${program}`,
            fix: "give program and arguments alone; the kit writes the CMD",
          },
        ];
      }
      if (one.role === "sidecar" && (SHELLS.test(program) || (command.length === 1 && /\s/.test(program))))
        return [{ path, message: `the health command of ${one.name} runs in a shell: ${text}` }];
      if (/\|\|\s*(true|exit 0|:)|^(\/bin\/|\/usr\/bin\/)?true$|;\s*exit 0$/.test(text))
        return [{ path, message: `the health command of ${one.name} cannot fail: ${text}` }];
      if (one.role === "sidecar" && /(^|\/)curl$/.test(program) && !command.some((word) => /^(-[A-Za-z]*f|--fail)/.test(word)))
        return [
          { path, message: `the health command of ${one.name} cannot fail: without --fail curl is content with a 503`, fix: "add --fail" },
        ];
      return [];
    });
  },
};

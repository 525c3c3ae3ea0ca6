import type { Container } from "../types.ts";
import { ALL, type Rule, theSidecar } from "./rule.ts";

export const mcpCommand: Rule = {
  code: "CHIO-MCP-COMMAND",
  title: "There is no MCP server to wrap",
  severity: "error",
  why: "Only the built-in mock, with server id local-mock, needs no command; any other id ends with a usage error. The sidecar starts the command in its own container, and the bundled image holds chio and nothing else.",
  fix: "give mcpServeHttp({ command }) the server's program and arguments",
  platforms: ALL,
  invariants: [],
  traps: [],
  check(topology) {
    const { mode } = topology;
    if (mode.kind !== "mcp-serve-http") return [];
    const [program] = mode.command;
    if (program === undefined)
      return mode.serverId === "local-mock" ? [] : [{ path: "mode.command", message: `server ${mode.serverId} has no command` }];
    const sidecar = theSidecar(topology);
    if (sidecar?.image.kind !== "bundled" || delivered(sidecar).some((directory) => program.startsWith(`${directory}/`))) return [];
    return [
      {
        path: "mode.command[0]",
        message: `the bundled image has no ${program}, and nothing else brings it`,
        fix: "build an image FROM the sidecar's with the server and what it runs on, push it, and name it by digest",
      },
    ];
  },
};

/** Directories whose files the deployment brings. */
function delivered({ image, mounts }: Container): string[] {
  const baked = image.kind === "bundled" && image.configDirectory !== null ? ["/etc/chio"] : [];
  return [...baked, ...mounts.map(({ path }) => path)];
}

import { ALL, type Rule } from "./rule.ts";

export const mcpCommand: Rule = {
  code: "CHIO-MCP-COMMAND",
  title: "There is no MCP server to wrap",
  severity: "error",
  why: "Only the built-in mock, with server id local-mock, needs no command. Any other id ends with a usage error.",
  fix: "give mcpServeHttp({ command }) the server's program and arguments",
  platforms: ALL,
  invariants: [],
  traps: [],
  check({ mode }) {
    if (mode.kind !== "mcp-serve-http") return [];
    if (mode.command.length === 0 && mode.serverId !== "local-mock")
      return [{ path: "mode.command", message: `server ${mode.serverId} has no command` }];
    return [];
  },
};

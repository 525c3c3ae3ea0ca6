import type { GuardSettings } from "../policy/types.ts";
import { wildcardMatch } from "../policy/wildcard.ts";
import { canonicalBytes } from "../wire/canonical.ts";
import { defineGuard } from "./define.ts";
import type { Guard, GuardInput, GuardVerdict } from "./types.ts";

/**
 * Allows tools by name and bounds the size of their arguments. The lists hold for every tool, also for one that is a file, shell or network action
 * to the other guards: an allow list that such a tool could walk around would not be one. Entries may hold `*`.
 */
export function mcpToolGuard(settings: NonNullable<GuardSettings["tool_access"]>): Guard {
  const block = settings.block.map((name) => name.toLowerCase());
  const check = (input: GuardInput): GuardVerdict => {
    const name = input.toolName;
    const lower = name.toLowerCase();
    // Blocked in any letter case; allowed only as written.
    const blocked = block.findIndex((pattern) => wildcardMatch(pattern, lower));
    if (blocked >= 0) return { allow: false, details: `tool ${name} is blocked by ${settings.block[blocked]}` };
    if (isUnnamedRequest(input)) return { allow: true };
    const listed = settings.allow.some((pattern) => wildcardMatch(pattern, name));
    if (!listed && settings.allow.length > 0) return { allow: false, details: `tool ${name} is not on the allow list` };
    if (!listed && settings.default === "block") return { allow: false, details: `tool ${name} is blocked by default` };
    if (input.action.kind === "http_request") return { allow: true };
    const size = canonicalBytes(input.arguments).length;
    if (size <= settings.max_args_size) return { allow: true };
    return { allow: false, details: `arguments are ${size} bytes of canonical JSON; the limit is ${settings.max_args_size}` };
  };
  return defineGuard("mcp-tool", check);
}

/** A plain HTTP request to an operation that names no tool: its name is `GET /pets`. Routes and capabilities decide about it. */
function isUnnamedRequest(input: GuardInput): boolean {
  return input.action.kind === "http_request" && /^[A-Z]+ \//.test(input.toolName);
}

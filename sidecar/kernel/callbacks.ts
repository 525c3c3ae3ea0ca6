import type { Json, JsonObject } from "../wire/json.ts";
import type { ResolvedConfig } from "./config.ts";
import { KernelError } from "./errors.ts";
import type { CallContext } from "./registry.ts";

/** What the host does when a tool server asks the agent's side for something. */
export interface SessionCallbacks {
  sample?: (request: JsonObject) => Promise<Json>;
  elicit?: (request: JsonObject) => Promise<Json>;
}

/** Context of one call. Nested requests pass only when the kernel's flags allow them and the session has a handler; each that passes is counted. */
export function callContext(
  session: { id: string; agentKey: string; tenantId: string | undefined },
  requestId: string,
  signal: AbortSignal,
  flags: Pick<ResolvedConfig, "allowSampling" | "allowSamplingToolUse" | "allowElicitation">,
  callbacks: SessionCallbacks,
  nested: { sampling: number; elicitation: number },
): CallContext {
  return {
    requestId,
    sessionId: session.id,
    agentKey: session.agentKey,
    tenantId: session.tenantId,
    signal,
    async sample(request) {
      if (!flags.allowSampling) throw refused("sampling_not_allowed", "sampling", "allowSampling");
      if (usesTools(request) && !flags.allowSamplingToolUse)
        throw refused("sampling_tool_use_not_allowed", "sampling with tools", "allowSamplingToolUse");
      if (callbacks.sample === undefined) throw unavailable("sampling", "sample");
      signal.throwIfAborted();
      nested.sampling++;
      return callbacks.sample(request);
    },
    async elicit(request) {
      if (!flags.allowElicitation) throw refused("elicitation_not_allowed", "elicitation", "allowElicitation");
      if (callbacks.elicit === undefined) throw unavailable("elicitation", "elicit");
      signal.throwIfAborted();
      nested.elicitation++;
      return callbacks.elicit(request);
    },
  };
}

/** Tools offered, or a choice that could use some. Anything unclear counts as a use. */
function usesTools(request: JsonObject): boolean {
  const { tools, tool_choice, toolChoice } = request;
  if (tools !== undefined && tools !== null && !(Array.isArray(tools) && tools.length === 0)) return true;
  return [tool_choice, toolChoice].some((choice) => {
    if (choice === undefined || choice === null || choice === "none") return false;
    return typeof choice !== "object" || Array.isArray(choice) || choice.mode !== "none";
  });
}

function refused(
  code: "sampling_not_allowed" | "sampling_tool_use_not_allowed" | "elicitation_not_allowed",
  what: string,
  field: string,
): KernelError {
  return new KernelError(code, `${what} is not allowed by this kernel`, {
    fix: `set ${field} in KernelConfig if tool servers may do this`,
  });
}

function unavailable(what: string, option: string): KernelError {
  return new KernelError("callback_unavailable", `the session has no handler for ${what}`, {
    fix: `give openSession a ${option} callback`,
  });
}

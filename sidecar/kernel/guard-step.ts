import { classifyToolCall } from "../guards/classify.ts";
import { classifyHttpCall } from "../guards/http.ts";
import { type PipelineVerdict, runGuards } from "../guards/pipeline.ts";
import type { Action, Guard, GuardInput } from "../guards/types.ts";
import { hostAndPort } from "../guards/url-host.ts";
import { type Binding, HTTP_SERVER, streamsBody } from "./binding.ts";
import type { Call, DecideContext } from "./types.ts";
import type { VerifiedToken } from "./verify-token.ts";

/** Runs the guards over everything the call does: the request, and the tool that it names. */
export function runGuardStep(call: Call, binding: Binding, verified: VerifiedToken | null, ctx: DecideContext): PipelineVerdict {
  const guards: readonly Guard[] = ctx.guards;
  if (guards.length === 0) return { allow: true, evidence: [] };
  const base = guardContext(call, verified, ctx);
  if (call.http === undefined) return runGuards(guards, { ...base, ...localAction(call) });
  const { method, route, path, query, bodyHash, body } = call.http;
  const withheld = call.http.bodyWithheld === true || streamsBody(call);
  const http = {
    method,
    routePattern: route.pattern,
    path,
    query,
    ...(body === undefined || withheld ? {} : { body }),
    ...(withheld ? { bodyMissing: true } : {}),
  };
  const tool = call.tool === undefined ? null : { ...base, ...toolAction(call.tool), http };
  // A request to /chio/tools/… is that tool call and nothing else.
  if (tool !== null && binding.kind === "tool" && binding.tokenRequired) return runGuards(guards, tool);
  const classified = classifyHttpCall({
    method,
    route: route.route,
    pattern: route.pattern,
    path,
    query,
    // A streamed body has no hash yet, and is a body all the same.
    bodyHash: withheld ? (bodyHash ?? "withheld") : bodyHash,
    ...(body === undefined || withheld ? {} : { body }),
  });
  const first = runGuards(guards, { ...base, ...classified, toolServer: HTTP_SERVER, http });
  if (!first.allow || tool === null) return first;
  const second = runGuards(guards, tool);
  return { ...second, evidence: [...first.evidence, ...second.evidence] };
}

type Described = Pick<GuardInput, "action" | "toolServer" | "toolName" | "arguments">;

function guardContext(call: Call, verified: VerifiedToken | null, ctx: DecideContext): Omit<GuardInput, keyof Described> {
  return {
    agentId: verified?.token.subject ?? call.agentKey ?? call.caller.subject,
    now: ctx.now,
    ...(call.sessionId === undefined ? {} : { sessionId: call.sessionId }),
    ...(verified === null ? {} : { capabilityId: verified.token.id }),
    ...(ctx.resolvePath === undefined ? {} : { resolvePath: ctx.resolvePath }),
  };
}

function toolAction(tool: NonNullable<Call["tool"]>): Described {
  const { serverId, toolName } = tool;
  return { action: classifyToolCall(toolName, tool.arguments), toolServer: serverId, toolName, arguments: tool.arguments };
}

function localAction(call: Call): Described {
  if (call.tool !== undefined) return toolAction(call.tool);
  if (call.resource !== undefined) {
    const { uri } = call.resource;
    return { action: resourceAction(uri), toolServer: "resources", toolName: "resources/read", arguments: { uri } };
  }
  const prompt = call.prompt!;
  const action: Action = { kind: "mcp_tool", tool: "prompts/get" };
  return { action, toolServer: "prompts", toolName: "prompts/get", arguments: { name: prompt.name, arguments: prompt.arguments } };
}

/** A resource is a file (also without a scheme), a host or, with any other scheme, whatever the tool rules say about `resources/read`. */
function resourceAction(uri: string): Action {
  // URL parsers drop these in front of the scheme and inside it, so that ` file:` is `file:` to the provider.
  if (/[\u0000-\u0020\u007f]/.test(uri)) return { kind: "malformed", reason: "the URI holds a space or a control character" };
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined) return { kind: "file_access", path: uri };
  if (scheme === "file") {
    const path = filePath(uri);
    return path === null ? { kind: "malformed", reason: "the file URI is not readable in one way" } : { kind: "file_access", path };
  }
  if (scheme === "http" || scheme === "https" || scheme === "ws" || scheme === "wss") {
    const target = hostAndPort(uri);
    return target === null
      ? { kind: "malformed", reason: "the URI does not name one host without doubt" }
      : { kind: "network_egress", ...target };
  }
  return { kind: "mcp_tool", tool: "resources/read" };
}

function filePath(uri: string): string | null {
  const path = /^file:(?:\/\/(?:localhost)?)?(\/[^?#]*)$/i.exec(uri)?.[1];
  if (path === undefined || /%(2f|5c|00)/i.test(path)) return null;
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}

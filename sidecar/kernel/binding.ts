import type { Json } from "../wire/json.ts";
import type { ConstraintSubject } from "./constraints/index.ts";
import type { Call } from "./types.ts";
import type { Refusal } from "./verify-token.ts";

/** A server and a tool, as grants name them. */
export interface Target {
  server: string;
  tool: string;
}

/** Server id under which HTTP routes are granted, with `<METHOD> <route pattern>` as tool. */
export const HTTP_SERVER = "http";
/** The other way to grant HTTP routes, all at once: upstream's name for "may make HTTP requests". */
export const HTTP_AUTHORITY: Target = { server: "chio_http_authority", tool: "authorize_http_request" };
/** Server ids that a tool must not have: a grant for a route would be a grant for the tool, and the other way round. */
export const RESERVED_SERVERS: ReadonlySet<string> = new Set([HTTP_SERVER, HTTP_AUTHORITY.server]);
export const TOOL_PATH_PREFIX = "/chio/tools/";

/** What a capability has to authorise for this call. */
export interface Binding {
  /** False: the call is allowed without a token. */
  tokenRequired: boolean;
  kind: "none" | "http" | "tool" | "resource" | "prompt";
  /** A grant for any one of them authorises the call; the first is the one that messages name. Empty for none, resource and prompt. */
  targets: readonly Target[];
}

const NO_TARGETS: readonly Target[] = [];

export function bindCall(call: Call): Binding | Refusal {
  const { http, tool } = call;
  if (http === undefined) return bindLocal(call);
  if (http.path.startsWith(TOOL_PATH_PREFIX)) {
    const named = parseToolPath(http.path);
    if (named === null) return { code: "tool_identity_invalid" };
    // The arguments come from whoever read the body; without them no constraint could be judged.
    if (tool === undefined || tool.serverId !== named.server || tool.toolName !== named.tool) {
      return { code: "tool_identity_invalid", detail: "the path does not name the tool of the call" };
    }
    return { tokenRequired: true, kind: "tool", targets: [named] };
  }
  if (http.route.policy !== "session_allow" || http.route.route?.approvalRequired === true) {
    return {
      tokenRequired: true,
      kind: "http",
      targets: [{ server: HTTP_SERVER, tool: `${http.method} ${http.route.pattern}` }, HTTP_AUTHORITY],
    };
  }
  if (tool === undefined) return { tokenRequired: false, kind: "none", targets: NO_TARGETS };
  if (RESERVED_SERVERS.has(tool.serverId)) return { code: "tool_identity_invalid", detail: "the server id is reserved" };
  return { tokenRequired: false, kind: "tool", targets: [{ server: tool.serverId, tool: tool.toolName }] };
}

function bindLocal(call: Call): Binding | Refusal {
  const { tool, resource, prompt } = call;
  if ([tool, resource, prompt].filter((target) => target !== undefined).length !== 1) {
    return { code: "tool_identity_invalid", detail: "a call names one tool, one resource or one prompt" };
  }
  if (resource !== undefined) return { tokenRequired: true, kind: "resource", targets: NO_TARGETS };
  if (prompt !== undefined) return { tokenRequired: true, kind: "prompt", targets: NO_TARGETS };
  if (RESERVED_SERVERS.has(tool!.serverId)) return { code: "tool_identity_invalid", detail: "the server id is reserved" };
  return { tokenRequired: true, kind: "tool", targets: [{ server: tool!.serverId, tool: tool!.toolName }] };
}

/**
 * Server and tool of a `/chio/tools/<server>/<tool>` path: exactly two segments, each percent-encoded UTF-8 and not empty. null when malformed, or
 * when the server id is a reserved one.
 */
export function parseToolPath(path: string): Target | null {
  if (!path.startsWith(TOOL_PATH_PREFIX)) return null;
  const parts = path.slice(TOOL_PATH_PREFIX.length).split("/");
  if (parts.length !== 2) return null;
  try {
    const [server, tool] = parts.map(decodeURIComponent) as [string, string];
    if (server === "" || tool === "" || RESERVED_SERVERS.has(server) || /[\u0000-\u001f\u007f]/.test(server + tool)) return null;
    return { server, tool };
  } catch {
    return null;
  }
}

/** What the constraints of a grant are evaluated against. `costUnits`: the declared cost. */
export function constraintSubject(
  call: Call,
  kind: Binding["kind"],
  costUnits: bigint | undefined,
  resolvePath: ConstraintSubject["resolvePath"],
): ConstraintSubject {
  const base = { costUnits, modelMetadata: call.modelMetadata, resolvePath };
  if (kind === "http" && call.http !== undefined) {
    const { path, query, body, bodyHash } = call.http;
    const bodyLength = streamsBody(call) ? undefined : bodyHash === null ? 0 : body?.length;
    return { ...base, kind: "http", arguments: query, path, bodyLength };
  }
  return { ...base, kind: "tool", arguments: call.tool?.arguments ?? null, path: undefined, bodyLength: 0 };
}

/** The body goes to the upstream as it arrives: nobody has seen it when the call is decided. */
export function streamsBody(call: Call): boolean {
  return call.http?.route.route?.streamBody === true;
}

/**
 * What a DPoP proof's `action_hash` covers: the arguments of a tool, or for an HTTP route `{method, path, query, body_hash}` with null for an
 * empty body, so that a proof fits one request only.
 */
export function proofArguments(call: Call, kind: Binding["kind"]): Json {
  if (kind !== "http" || call.http === undefined) return call.tool?.arguments ?? null;
  const { method, path, query, bodyHash } = call.http;
  return { method, path, query, body_hash: bodyHash };
}

import { classifyToolCall } from "../../../sidecar/guards/classify.ts";
import type { GuardInput } from "../../../sidecar/guards/types.ts";
import type { Json } from "../../../sidecar/wire/json.ts";

/** A tool call as the kernel hands it to the guards. */
export function toolCall(toolName: string, args: Json, extra: Partial<GuardInput> = {}): GuardInput {
  return {
    action: classifyToolCall(toolName, args),
    toolServer: "srv",
    toolName,
    arguments: args,
    agentId: "agent",
    now: 1_700_000_000_000,
    ...extra,
  };
}

/** A plain HTTP request with a body. */
export function httpRequest(body: string | Uint8Array, extra: Partial<GuardInput> = {}): GuardInput {
  return {
    action: { kind: "http_request" },
    toolServer: "http",
    toolName: "POST /notes",
    arguments: {},
    agentId: "agent",
    now: 1_700_000_000_000,
    http: { method: "POST", routePattern: "/notes", path: "/notes", query: {}, body: typeof body === "string" ? Buffer.from(body) : body },
    ...extra,
  };
}

import type { Json, JsonObject } from "../wire/json.ts";

/** What a call is about to do, derived once from tool name and arguments, or from an HTTP request. Source: chio guards, action classification. */
export type Action =
  | { kind: "network_egress"; host: string; port: number }
  | { kind: "file_access"; path: string }
  | { kind: "file_write"; path: string; content?: string }
  | { kind: "patch"; path: string; diff: string }
  | { kind: "shell_command"; command: string }
  | { kind: "code_execution"; language?: string; code: string }
  | { kind: "browser_action"; verb?: string; target?: string }
  | { kind: "database_query"; query: string; database?: string }
  | { kind: "memory_write"; store?: string; id?: string }
  | { kind: "memory_read"; store?: string; id?: string }
  | { kind: "external_api_call"; service: string; endpoint?: string }
  | { kind: "mcp_tool"; tool: string }
  | { kind: "http_request" }
  /** A recognised tool with a missing or mistyped argument. Every guard denies it. */
  | { kind: "malformed"; reason: string };

/** Input of a guard. Pure data: a guard never does I/O beyond the resolver it was given. */
export interface GuardInput {
  action: Action;
  toolServer: string;
  toolName: string;
  arguments: Json;
  /** Set for a proxied or evaluated HTTP request. */
  http?: {
    method: string;
    routePattern: string;
    path: string;
    query: JsonObject;
    body?: Uint8Array;
    /** The request has a body and will be forwarded, but the body was not kept: a guard that would read it denies. */
    bodyMissing?: boolean;
  };
  agentId: string;
  sessionId?: string;
  capabilityId?: string;
  /** Unix milliseconds. Handed in: guards read no clock. */
  now: number;
  /** Symlink resolution for path guards; absent where there is no file system to ask. Returns null when the path does not exist. */
  resolvePath?: (path: string) => string | null;
}

/** A guard only allows or denies; `details` goes into the receipt's evidence and never carries the matched secret. */
export interface GuardVerdict {
  allow: boolean;
  details?: string;
}

export interface Guard {
  /** Kebab-case, as in receipts: `forbidden-path`. */
  readonly name: string;
  check(input: GuardInput): GuardVerdict;
}

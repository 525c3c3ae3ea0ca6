/** Settings of each guard after HushSpec or Chio YAML was compiled. A block that is absent leaves its guard out of the pipeline. */
export interface GuardSettings {
  forbidden_path?: { patterns: string[]; exceptions: string[] };
  egress_allowlist?: { allow: string[]; block: string[]; default: "allow" | "block" };
  tool_access?: { allow: string[]; block: string[]; default: "allow" | "block"; max_args_size: number };
  /** `patterns` are the operator's own: the built-in ones always apply besides them. */
  secret_patterns?: { patterns: { name: string; pattern: string; severity: "critical" | "error" | "warn" }[]; skip_paths: string[] };
}

/** One policy, whatever it was written in. */
export interface CompiledPolicy {
  name: string;
  format: "hushspec" | "chio" | "builtin";
  /**
   * SHA-256 of the source text (of the canonical settings for `builtin`; with `extends`, over the hashes of all files). Goes into receipts
   * as `policy_hash` together with the routes' hash (see policyHash).
   */
  sourceHash: string;
  guards: GuardSettings;
  kernel: {
    max_capability_ttl: number;
    delegation_depth_limit: number;
    checkpoint_batch_size?: number;
    allow_sampling?: boolean;
    allow_sampling_tool_use?: boolean;
    allow_elicitation?: boolean;
  };
  /** Default grants for sessions (`capabilities.default`); used by MCP and the in-process library. */
  defaultGrants: {
    tools: { server: string; tool: string; operations: string[]; ttl: number }[];
    resources?: { uri: string; operations: string[]; ttl: number }[];
    prompts?: { prompt: string; operations: string[]; ttl: number }[];
  };
}

export type HttpMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE" | "HEAD" | "OPTIONS";
export type RoutePolicy = "session_allow" | "deny_by_default";

/** One operation of the OpenAPI document. */
export interface Route {
  method: HttpMethod;
  /** As written in the document, `/pets/{id}`. */
  pattern: string;
  operationId?: string;
  policy: RoutePolicy;
  approvalRequired: boolean;
  sensitivity: "public" | "internal" | "sensitive" | "restricted";
  budgetLimit?: number;
  publish: boolean;
  /**
   * Tool that guards see in this operation. `declared`: named by `x-chio-tool`; otherwise it is the operationId, which is only a hint.
   * Absent when the operation has neither, or says `x-chio-tool: false`.
   */
  tool?: { name: string; declared: boolean };
  /** `x-chio-websocket: true`: an Upgrade to websocket is allowed here and nowhere else. */
  websocket: boolean;
  /** `x-chio-stream-body: true`: the request body is forwarded as it arrives, so nothing that decides has seen it. Not together with a tool that guards look into. */
  streamBody?: boolean;
}

export interface RouteMatch {
  /** The route's pattern, or the raw path where no route matched. */
  pattern: string;
  policy: RoutePolicy;
  route: Route | null;
}

export interface RouteTable {
  readonly title: string;
  readonly version: string;
  readonly routes: readonly Route[];
  /** SHA-256 of the raw document text. */
  readonly sourceHash: string;
  /** Sentences worth a line in the log at start: things that are legal but may surprise. */
  readonly notices?: readonly string[];
  /** `path` is the raw, still percent-encoded path that was accepted by the parser and will be forwarded. First match in document order wins. */
  match(method: HttpMethod, path: string): RouteMatch;
}

import type { Guard } from "../../../sidecar/guards/types.ts";
import { MemoryBudgetStore, MemoryReplayStore, MemoryRevocationStore } from "../../../sidecar/kernel/memory-stores.ts";
import { createTokenCache } from "../../../sidecar/kernel/token-cache.ts";
import type { Call, DecideContext } from "../../../sidecar/kernel/types.ts";
import type { HttpMethod, Route, RoutePolicy } from "../../../sidecar/policy/types.ts";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { issueCapability } from "../../../sidecar/wire/capability.ts";
import type { Json, JsonObject } from "../../../sidecar/wire/json.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import type { CapabilityBody, CapabilityScope, CapabilityToken, Constraint, ToolGrant } from "../../../sidecar/wire/types.ts";

/** Seeds as the conformance vectors have them: one byte repeated. */
export const keyOf = (byte: number) => Keypair.fromSeed(new Uint8Array(32).fill(byte));
export const ISSUER = keyOf(0x0b);
export const SUBJECT = keyOf(0x0c);
export const DELEGATEE = keyOf(0x0d);
export const STRANGER = keyOf(0x0e);

/** Unix seconds at which tests decide, unless they say otherwise. */
export const NOW = 1_710_000_400;
export const POLICY_HASH = "ab".repeat(32);

let ids = 0;

export function issue(scope: CapabilityScope, overrides: Partial<CapabilityBody> = {}, issuer = ISSUER): CapabilityToken {
  return issueCapability(
    {
      id: `cap-${++ids}`,
      issuer: issuer.publicKeyHex,
      subject: SUBJECT.publicKeyHex,
      scope,
      issued_at: NOW - 200,
      expires_at: NOW + 400,
      ...overrides,
    },
    issuer,
  );
}

export const asText = (token: CapabilityToken) => canonicalize(token);

export function grant(server: string, tool: string, rest: Partial<ToolGrant> = {}): ToolGrant {
  return { server_id: server, tool_name: tool, operations: ["invoke"], ...rest };
}

/** A token for one tool, `srv`/`tool`, under these constraints. */
export function constrained(...constraints: Constraint[]): CapabilityToken {
  return issue({ grants: [grant("srv", "tool", { constraints })] });
}

export type TestContext = DecideContext & {
  revocations: MemoryRevocationStore;
  budgets: MemoryBudgetStore;
  replay: MemoryReplayStore;
  errors: unknown[];
};

export function context(overrides: Partial<DecideContext> = {}): TestContext {
  const errors: unknown[] = [];
  return {
    now: NOW * 1000,
    trustedIssuers: new Set([ISSUER.publicKeyHex]),
    maxDelegationDepth: 4,
    revocations: new MemoryRevocationStore(),
    budgets: new MemoryBudgetStore(),
    replay: new MemoryReplayStore(),
    guards: [],
    policyHash: POLICY_HASH,
    tokens: createTokenCache(),
    onError: (error) => errors.push(error),
    errors,
    ...overrides,
  } as TestContext;
}

const ANONYMOUS = { subject: "anonymous", auth_method: { method: "anonymous" }, verified: false } as const;

export function toolCall(token: CapabilityToken | string | undefined, args: Json = {}, overrides: Partial<Call> = {}): Call {
  return {
    requestId: "018f0000-0000-7000-8000-000000000001",
    tool: { serverId: "srv", toolName: "tool", arguments: args },
    caller: ANONYMOUS,
    ...(token === undefined ? {} : { capability: typeof token === "string" ? token : asText(token) }),
    ...overrides,
  };
}

export interface HttpOptions {
  method?: HttpMethod;
  pattern?: string;
  path?: string;
  query?: JsonObject;
  policy?: RoutePolicy;
  route?: Partial<Route> | null;
  body?: string;
}

export function httpCall(token: CapabilityToken | string | undefined, options: HttpOptions = {}, overrides: Partial<Call> = {}): Call {
  const { method = "POST", pattern = "/pets", policy = "deny_by_default" } = options;
  const base: Route = { method, pattern, policy, approvalRequired: false, sensitivity: "internal", publish: true, websocket: false };
  const body = options.body === undefined ? undefined : Buffer.from(options.body);
  return {
    requestId: "018f0000-0000-7000-8000-000000000001",
    http: {
      method,
      route: { pattern, policy, route: options.route === null ? null : { ...base, ...options.route } },
      path: options.path ?? pattern,
      query: options.query ?? {},
      bodyHash: body === undefined ? null : "cd".repeat(32),
      ...(body === undefined ? {} : { body }),
    },
    caller: ANONYMOUS,
    ...(token === undefined ? {} : { capability: typeof token === "string" ? token : asText(token) }),
    ...overrides,
  };
}

export const allowingGuard: Guard = { name: "allowing", check: () => ({ allow: true }) };
export const denyingGuard: Guard = { name: "denying", check: () => ({ allow: false, details: "no" }) };
export const throwingGuard: Guard = {
  name: "throwing",
  check: () => {
    throw new Error("secret-value");
  },
};

import type { Guard, GuardInput } from "../guards/types.ts";
import type { HttpMethod, RouteMatch } from "../policy/types.ts";
import type { Json, JsonObject } from "../wire/json.ts";
import type { CallerIdentity, CapabilityToken, GuardEvidence, Money, PublicKeyHex, Sha256Hex } from "../wire/types.ts";
import type { ReasonCode } from "./reasons.ts";
import type { TokenCache } from "./token-cache.ts";

/** What the caller wants: an HTTP request (maybe one that names a tool), or a tool, resource or prompt of the in-process library. */
export interface Call {
  requestId: string;
  http?: {
    method: HttpMethod;
    route: RouteMatch;
    path: string;
    query: JsonObject;
    /** SHA-256 hex of the raw body, null when empty. */
    bodyHash: Sha256Hex | null;
    body?: Uint8Array;
    /** A body is forwarded that nothing here can read: it is streamed, compressed, or in another encoding than UTF-8. Guards that would look deny. */
    bodyWithheld?: boolean;
  };
  /** Named tool: `/chio/tools/<server>/<tool>`, the tool_server/tool_name pair of an evaluate request, or an in-process call. */
  tool?: { serverId: string; toolName: string; arguments: Json };
  /** Resource of the in-process library. */
  resource?: { uri: string; operation: "read" | "subscribe" };
  /** Prompt of the in-process library. */
  prompt?: { name: string; arguments: Json };
  caller: CallerIdentity;
  /** Key that the caller has proven to hold (a session of the in-process library): must equal the token's subject. */
  agentKey?: PublicKeyHex;
  /**
   * What this call costs, in minor units. Absent: the route's `x-chio-budget-limit`; absent too: the grant's `max_cost_per_invocation`
   * (the worst case is charged before the call), and 0 where the grant has none; see `chargeGrant`. Without a currency the grant's own is meant.
   */
  cost?: { units: Money["units"]; currency?: string };
  sessionId?: string;
  tenantId?: string;
  /** Text of the token as presented, already decoded from whatever carried it. */
  capability?: string;
  /** `capability_id` of an evaluate request: must equal the presented token's id. */
  capabilityIdHint?: string;
  /** Text of a DPoP proof (JSON). */
  dpop?: string;
  modelMetadata?: JsonObject;
}

/** Revoked ids. A lookup that throws counts as revoked. */
export interface RevocationStore {
  isRevoked(capabilityId: string): boolean;
}

/** Counters of `max_invocations` and cost caps. Synchronous and in memory; durability rides on the ledger entry (see StateChange). */
export interface BudgetStore {
  /** Adds the charge when every cap still holds; false when one would be exceeded. */
  tryCharge(charge: BudgetCharge, caps: { maxInvocations?: number; maxTotalUnits?: bigint }): boolean;
  reverse(charge: BudgetCharge): void;
}

export interface BudgetCharge {
  capabilityId: string;
  grantIndex: number;
  invocations: number;
  units: bigint;
  currency?: string;
  /** Unix seconds of the charge. */
  at?: number;
  /** Unix seconds at which the token expires: some time after it the counter can be dropped. Absent: never. */
  expiresAt?: number;
}

/** DPoP replay keys (nonce, capability id). */
export interface ReplayStore {
  /** True when the key was not seen before; remembers it until `expiresAt` (unix seconds). */
  remember(nonce: string, capabilityId: string, expiresAt: number): boolean;
}

/** A change of shared state that must become durable in the same transaction as the receipt that caused it. */
export type StateChange =
  | { type: "budget"; charge: BudgetCharge }
  | { type: "replay"; nonce: string; capabilityId: string; expiresAt: number }
  | { type: "revoke"; capabilityId: string; at: number; reason?: string };

export interface DecideContext {
  /** Unix milliseconds. `decide` reads no clock. */
  now: number;
  trustedIssuers: ReadonlySet<string>;
  maxDelegationDepth: number;
  revocations: RevocationStore;
  budgets: BudgetStore;
  replay: ReplayStore;
  guards: readonly Guard[];
  policyHash: Sha256Hex;
  resolvePath?: GuardInput["resolvePath"];
  /** Verified tokens of earlier calls. Absent: every call verifies its token anew. */
  tokens?: TokenCache;
  /** Told what went wrong inside a decision that became `internal_error` or a failed look-up, for the log. Must not throw. */
  onError?: (error: unknown) => void;
}

/** Outcome of `decide`, before any signature. */
export interface Decision {
  allow: boolean;
  /** Stable code of the reasons catalogue, `missing_capability_token`; `allowed` when allowed. */
  reasonCode: ReasonCode | "allowed";
  /** Sentence for receipts and answers. */
  reason: string;
  /** Name of the guard that denied, `CapabilityGuard` for token checks. */
  guard: string;
  httpStatus: number;
  suggestion?: string;
  evidence: GuardEvidence[];
  capability?: CapabilityToken;
  capabilityId?: string;
  /** Index in `scope.grants` of the grant that authorised the call. */
  grantIndex?: number;
  /** What was charged to that grant. */
  cost?: { units: bigint; currency?: string };
  /** To be durable with the decision's receipt. Empty for a denial: its charges were reversed. */
  state: StateChange[];
  policyHash: Sha256Hex;
}

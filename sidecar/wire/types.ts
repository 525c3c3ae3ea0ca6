import type { Json, JsonObject } from "./json.ts";

/** 64 lower-case hex characters: an Ed25519 public key. */
export type PublicKeyHex = string;
/** 128 lower-case hex characters: an Ed25519 signature. */
export type SignatureHex = string;
/** 64 lower-case hex characters: a SHA-256 digest. */
export type Sha256Hex = string;

export type Operation = "invoke" | "read_result" | "read" | "subscribe" | "get" | "delegate";

export interface Money {
  units: number | bigint;
  currency: string;
}

/** Adjacent tagging: `{"type":…,"value"?:…}`. An unknown type refuses the whole token. */
export interface Constraint {
  type: string;
  value?: Json;
}

export interface ToolGrant {
  server_id: string;
  tool_name: string;
  operations: Operation[];
  constraints?: Constraint[];
  max_invocations?: number;
  max_cost_per_invocation?: Money;
  max_total_cost?: Money;
  dpop_required?: boolean;
}

export interface ResourceGrant {
  uri_pattern: string;
  operations: Operation[];
}

export interface PromptGrant {
  prompt_name: string;
  operations: Operation[];
}

export interface CapabilityScope {
  grants?: ToolGrant[];
  resource_grants?: ResourceGrant[];
  prompt_grants?: PromptGrant[];
}

export interface DelegationLink {
  capability_id: string;
  delegator: PublicKeyHex;
  delegatee: PublicKeyHex;
  attenuations?: JsonObject[];
  timestamp: number;
  scope_hash?: Sha256Hex;
  signature: SignatureHex;
}

export interface CapabilityBody {
  schema: "chio.capability.v1";
  id: string;
  issuer: PublicKeyHex;
  subject: PublicKeyHex;
  scope: CapabilityScope;
  /** Unix seconds. Valid iff `issued_at <= now < expires_at`. */
  issued_at: number;
  expires_at: number;
  delegation_chain?: DelegationLink[];
  caveats?: JsonObject[];
  scope_attenuations?: JsonObject[];
  attenuation_proof?: JsonObject;
  budget_share_bps?: number;
}

export interface CapabilityToken extends CapabilityBody {
  algorithm?: string;
  signature: SignatureHex;
}

export type AuthMethod =
  | { method: "bearer"; token_hash: Sha256Hex }
  | { method: "api_key"; key_name: string; key_hash: Sha256Hex }
  | { method: "cookie"; cookie_name: string; cookie_hash: Sha256Hex }
  | { method: "mtls_certificate"; subject_dn: string; fingerprint: string }
  | { method: "anonymous" };

export interface CallerIdentity {
  subject: string;
  auth_method: AuthMethod;
  verified: boolean;
  tenant?: string;
  agent_id?: string;
}

export interface GuardEvidence {
  guard_name: string;
  verdict: boolean;
  details?: string;
}

export type ReceiptKind = "mediated_decision" | "trace_observation" | "advisory_evaluation";
export type BoundaryClass = "prevent" | "detect_only" | "advisory_only" | "cannot_see";
export type ToolOrigin = "caller_executed" | "host_executed_provider_reported" | "host_executed_unmediated";
export type TrustLevel = "mediated" | "verified" | "advisory";

/** Decision of a tool receipt. Note `cancelled` here and `cancel` in {@link HttpVerdict}: both are upstream's words. */
export type ToolDecision =
  | { verdict: "allow" }
  | { verdict: "deny"; reason: string; guard: string }
  | { verdict: "cancelled"; reason: string }
  | { verdict: "incomplete"; reason: string };

export interface DenyDetails {
  tool_name?: string;
  tool_server?: string;
  requested_action?: string;
  required_scope?: string;
  granted_scope?: string;
  reason_code?: string;
  receipt_id?: string;
  hint?: string;
  docs_url?: string;
}

export type HttpVerdict =
  | { verdict: "allow" }
  | { verdict: "deny"; reason: string; guard: string; http_status: number; details?: DenyDetails }
  | { verdict: "cancel"; reason: string }
  | { verdict: "incomplete"; reason: string };

interface ReceiptSemantics {
  receipt_kind: ReceiptKind;
  boundary_class: BoundaryClass;
  observation_outcome?: "observed" | "evaluated" | "dropped";
  tool_origin: ToolOrigin;
  redaction_mode: "none" | "summary" | "redacted";
  actor_chain?: { actor_id: string; actor_kind?: string }[];
}

/** Everything of a tool receipt that its id hashes: no id, no signature. Signed over JCS({body, id}). */
export interface ChioReceiptBody extends ReceiptSemantics {
  timestamp: number;
  capability_id: string;
  tool_server: string;
  tool_name: string;
  action: { parameters: Json; parameter_hash: Sha256Hex };
  decision?: ToolDecision;
  content_hash: string;
  policy_hash: string;
  evidence?: GuardEvidence[];
  metadata?: JsonObject;
  trust_level: TrustLevel;
  tenant_id?: string;
  bbs_projection_version?: string;
  kernel_key: PublicKeyHex;
}

export interface ChioReceipt extends ChioReceiptBody {
  id: Sha256Hex;
  bbs_signature?: Json;
  algorithm?: string;
  signature: SignatureHex;
}

/** Everything of an HTTP receipt that its id hashes. Signed flat: over JCS(body with id). */
export interface HttpReceiptBody extends ReceiptSemantics {
  request_id: string;
  route_pattern: string;
  method: string;
  caller_identity_hash: Sha256Hex;
  session_id?: string;
  verdict: HttpVerdict;
  /** Never empty, so that readers that omit empty arrays and readers that require one agree on the signed bytes. */
  evidence: GuardEvidence[];
  response_status: number;
  timestamp: number;
  content_hash: Sha256Hex;
  policy_hash: Sha256Hex;
  trust_level: TrustLevel;
  capability_id?: string;
  metadata?: JsonObject;
  kernel_key: PublicKeyHex;
}

export interface HttpReceipt extends HttpReceiptBody {
  id: Sha256Hex;
  signature: SignatureHex;
}

export interface CheckpointBody {
  schema: "chio.checkpoint_statement.v1";
  checkpoint_seq: number;
  batch_start_seq: number;
  batch_end_seq: number;
  tree_size: number;
  /** `0x` and 64 hex. */
  merkle_root: string;
  issued_at: number;
  kernel_key: PublicKeyHex;
  /** SHA-256 of JCS(previous body), bare hex; absent on the first. */
  previous_checkpoint_sha256?: Sha256Hex;
}

export interface KernelCheckpoint {
  body: CheckpointBody;
  signature: SignatureHex;
}

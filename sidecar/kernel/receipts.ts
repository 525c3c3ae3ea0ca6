import { canonicalize } from "../wire/canonical.ts";
import { sha256Hex } from "../wire/hash.ts";
import { httpContentHash } from "../wire/identity.ts";
import type { Json, JsonObject } from "../wire/json.ts";
import type {
  ChioReceipt,
  ChioReceiptBody,
  DenyDetails,
  HttpReceipt,
  HttpReceiptBody,
  HttpVerdict,
  PublicKeyHex,
  Sha256Hex,
  ToolDecision,
} from "../wire/types.ts";
import type { Call, Decision } from "./types.ts";

/** Constant part of every receipt of this product: it decides before the call, and the caller executes. */
const SEMANTICS = {
  receipt_kind: "mediated_decision",
  boundary_class: "prevent",
  tool_origin: "caller_executed",
  redaction_mode: "none",
  trust_level: "mediated",
} as const;

/** What a receipt needs besides the call and its decision. */
export interface ReceiptFacts {
  /** `decision`: before the call is made. `final`: with its outcome; then the decision's receipt id is named, if there was one. */
  scope: "decision" | "final";
  /** Unix seconds. */
  timestamp: number;
  kernelKey: PublicKeyHex;
  /** Unique per receipt (a UUIDv7): equal calls in the same second get different ids by it. */
  nonce: string;
  decisionReceiptId?: Sha256Hex;
  /** Set when the call was allowed and did not end well: it was given up (`cancel`), or nobody knows how it ended (`incomplete`). */
  aborted?: { as: "cancel" | "incomplete"; reason: string };
  /** Further metadata; the kernel's own keys win. */
  metadata?: JsonObject;
}

export interface HttpReceiptFacts extends ReceiptFacts {
  /** Status of the answer. For scope `decision`: 200, or the status of the denial. */
  status: number;
  callerIdentityHash: Sha256Hex;
}

/** Body of an HTTP receipt. `call.http` must be set. */
export function httpReceiptBody(call: Call, decision: Decision, facts: HttpReceiptFacts): HttpReceiptBody {
  const { method, route, path, query, bodyHash } = call.http!;
  const body: HttpReceiptBody = {
    receipt_kind: SEMANTICS.receipt_kind,
    boundary_class: SEMANTICS.boundary_class,
    tool_origin: SEMANTICS.tool_origin,
    redaction_mode: SEMANTICS.redaction_mode,
    trust_level: SEMANTICS.trust_level,
    request_id: call.requestId,
    route_pattern: route.pattern,
    method,
    caller_identity_hash: facts.callerIdentityHash,
    verdict: httpVerdict(call, decision, facts),
    evidence: decision.evidence,
    response_status: facts.status,
    timestamp: facts.timestamp,
    content_hash: httpContentHash({ method, path, query, routePattern: route.pattern, bodyHash }),
    policy_hash: decision.policyHash,
    metadata: metadata(call, decision, facts),
    kernel_key: facts.kernelKey,
  };
  if (call.sessionId !== undefined) body.session_id = call.sessionId;
  if (decision.capabilityId !== undefined) body.capability_id = decision.capabilityId;
  return body;
}

export interface ToolReceiptFacts extends ReceiptFacts {
  /** Hash of the result: SHA-256 of its JCS. Absent while there is none: the hash of `null`. */
  contentHash?: Sha256Hex;
}

const HASH_OF_NULL = sha256Hex("null");

/** Body of a tool receipt: for a tool call, and for a resource (`resources`/uri) or prompt (`prompts`/name) of the in-process library. */
export function toolReceiptBody(call: Call, decision: Decision, facts: ToolReceiptFacts): ChioReceiptBody {
  const { server, tool, parameters } = target(call);
  const body: ChioReceiptBody = {
    ...SEMANTICS,
    timestamp: facts.timestamp,
    capability_id: decision.capabilityId ?? "",
    tool_server: server,
    tool_name: tool,
    action: { parameters, parameter_hash: sha256Hex(canonicalize(parameters)) },
    decision: toolDecision(decision, facts),
    content_hash: facts.contentHash ?? HASH_OF_NULL,
    policy_hash: decision.policyHash,
    evidence: decision.evidence,
    metadata: metadata(call, decision, facts),
    kernel_key: facts.kernelKey,
  };
  if (call.tenantId !== undefined) body.tenant_id = call.tenantId;
  return body;
}

function target(call: Call): { server: string; tool: string; parameters: Json } {
  if (call.tool !== undefined) return { server: call.tool.serverId, tool: call.tool.toolName, parameters: call.tool.arguments };
  if (call.resource !== undefined) return { server: "resources", tool: call.resource.uri, parameters: { ...call.resource } };
  if (call.prompt !== undefined) return { server: "prompts", tool: call.prompt.name, parameters: call.prompt.arguments };
  const { method, route } = call.http!;
  return { server: "http", tool: `${method} ${route.pattern}`, parameters: { method, route: route.pattern, request_id: call.requestId } };
}

function httpVerdict(call: Call, decision: Decision, facts: ReceiptFacts): HttpVerdict {
  if (!decision.allow) {
    const { reason, guard, httpStatus } = decision;
    return { details: denyDetails(call, decision), guard, http_status: httpStatus, reason, verdict: "deny" };
  }
  return facts.aborted === undefined ? { verdict: "allow" } : { reason: facts.aborted.reason, verdict: facts.aborted.as };
}

function toolDecision(decision: Decision, facts: ReceiptFacts): ToolDecision {
  if (!decision.allow) return { verdict: "deny", reason: decision.reason, guard: decision.guard };
  if (facts.aborted === undefined) return { verdict: "allow" };
  return { verdict: facts.aborted.as === "cancel" ? "cancelled" : "incomplete", reason: facts.aborted.reason };
}

function denyDetails(call: Call, decision: Decision): DenyDetails {
  return {
    ...(decision.suggestion === undefined ? {} : { hint: decision.suggestion }),
    reason_code: decision.reasonCode,
    ...(call.tool === undefined ? {} : { tool_name: call.tool.toolName, tool_server: call.tool.serverId }),
  };
}

function metadata(call: Call, decision: Decision, facts: ReceiptFacts): JsonObject {
  const data: JsonObject = facts.metadata === undefined ? {} : { ...facts.metadata };
  // Keys in order: a receipt is written faster then.
  if (decision.cost !== undefined) {
    const { units, currency } = decision.cost;
    data.chio_cost = { ...(currency === undefined ? {} : { currency }), units };
  }
  if (facts.decisionReceiptId !== undefined) data.chio_decision_receipt_id = facts.decisionReceiptId;
  data.chio_http_status_scope = facts.scope;
  if (!decision.allow) data.chio_reason_code = decision.reasonCode;
  data.chio_receipt_signing_nonce = facts.nonce;
  data.chio_request_id = call.requestId;
  if (call.sessionId !== undefined) data.chio_session_id = call.sessionId;
  if (decision.capability !== undefined) data.chio_subject = decision.capability.subject;
  return data;
}

/** What recovery adds to the receipt it makes; everything else is taken from the decision's receipt. */
interface RecoveryFacts {
  /** Unix seconds. */
  now: number;
  kernelKey: PublicKeyHex;
  nonce: string;
}

const LOST = "the sidecar stopped before the outcome was recorded";

/**
 * Body of the `incomplete` receipt for a decision that was written ahead and never got its final one. The call may or may not have been made;
 * response_status 500 is the wire's value for an outcome that nobody knows.
 */
export function incompleteReceiptFor(decision: HttpReceipt, facts: RecoveryFacts): HttpReceiptBody;
export function incompleteReceiptFor(decision: ChioReceipt, facts: RecoveryFacts): ChioReceiptBody;
export function incompleteReceiptFor(decision: HttpReceipt | ChioReceipt, facts: RecoveryFacts): HttpReceiptBody | ChioReceiptBody {
  const common = {
    timestamp: facts.now,
    kernel_key: facts.kernelKey,
    evidence: [...(decision.evidence ?? []), { guard_name: "Recovery", verdict: false, details: LOST }],
    metadata: {
      ...decision.metadata,
      chio_http_status_scope: "final",
      chio_receipt_signing_nonce: facts.nonce,
      chio_decision_receipt_id: decision.id,
    },
  };
  if ("verdict" in decision) {
    const { id: _id, signature: _signature, ...body } = decision;
    return { ...body, ...common, verdict: { verdict: "incomplete", reason: LOST }, response_status: 500 };
  }
  const { id: _id, signature: _signature, algorithm: _algorithm, bbs_signature: _bbs, ...body } = decision;
  return { ...body, ...common, decision: { verdict: "incomplete", reason: LOST } };
}

/** Columns by which a ledger finds receipts. */
export interface ReceiptIndexRow {
  /** Unix seconds. */
  timestamp: number;
  capabilityId?: string;
  toolServer: string;
  toolName: string;
  outcome: "allow" | "deny" | "cancelled" | "incomplete" | "none";
  tenantId?: string;
  subject?: string;
  costUnits?: bigint;
  costCurrency?: string;
}

/** Index row of a signed receipt of either kind. An HTTP receipt counts as server `http`, tool `<METHOD> <route pattern>`. */
export function receiptIndex(receipt: HttpReceiptBody | ChioReceiptBody): ReceiptIndexRow {
  const http = "verdict" in receipt;
  const row: ReceiptIndexRow = {
    timestamp: receipt.timestamp,
    toolServer: http ? "http" : receipt.tool_server,
    toolName: http ? `${receipt.method} ${receipt.route_pattern}` : receipt.tool_name,
    outcome: outcome(http ? receipt.verdict.verdict : receipt.decision?.verdict),
  };
  if (receipt.capability_id !== undefined && receipt.capability_id !== "") row.capabilityId = receipt.capability_id;
  if (!http && receipt.tenant_id !== undefined) row.tenantId = receipt.tenant_id;
  const { chio_subject: subject, chio_cost: cost } = receipt.metadata ?? {};
  if (typeof subject === "string") row.subject = subject;
  if (typeof cost === "object" && cost !== null && !Array.isArray(cost)) {
    const { units, currency } = cost;
    if (typeof units === "bigint" || (typeof units === "number" && Number.isSafeInteger(units))) row.costUnits = BigInt(units);
    if (typeof currency === "string") row.costCurrency = currency;
  }
  return row;
}

function outcome(verdict: HttpVerdict["verdict"] | ToolDecision["verdict"] | undefined): ReceiptIndexRow["outcome"] {
  if (verdict === undefined) return "none";
  return verdict === "cancel" ? "cancelled" : verdict;
}

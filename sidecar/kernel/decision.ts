import { sha256Hex } from "../wire/hash.ts";
import type { CapabilityToken, GuardEvidence } from "../wire/types.ts";
import { REASONS } from "./reasons.ts";
import type { Call, DecideContext, Decision, StateChange } from "./types.ts";
import type { Refusal } from "./verify-token.ts";

/** Receipts of a revoked capability carry this instead of the policy: the policy was not asked. */
export const REVOKED_POLICY_HASH = sha256Hex("chio_api_protect_revoked_capability");

const MAX_REASON_LENGTH = 300;
// Keys of what goes into receipts stand in order: they are written faster then.
const OPEN_ROUTE: GuardEvidence = { details: "safe method, session-scoped allow", guard_name: "DefaultPolicyGuard", verdict: true };
const VALID_TOKEN: GuardEvidence = { details: "valid capability token presented", guard_name: "CapabilityGuard", verdict: true };

/** A denial for one of the catalogue's reasons. `token` only when its signature was verified. Also for reasons that are found outside `decide`. */
export function denied(
  refusal: Refusal & { message?: string },
  call: Pick<Call, "http" | "tool" | "resource" | "prompt">,
  ctx: Pick<DecideContext, "policyHash">,
  token?: CapabilityToken,
  by?: { guard: string | undefined; evidence: readonly GuardEvidence[] },
): Decision {
  const entry = REASONS[refusal.code];
  const message = oneLine(refusal.message ?? sentence(refusal, call));
  const guard = by?.guard ?? entry.guard;
  const details = refusal.code === "missing_capability_token" ? "side-effect route requires a valid capability token" : message;
  return {
    allow: false,
    reasonCode: refusal.code,
    reason: message,
    guard,
    httpStatus: entry.httpStatus,
    suggestion: entry.suggestion,
    evidence:
      by !== undefined && by.evidence.length > 0 ? evidenceOf(token, by.evidence) : [{ details, guard_name: guard, verdict: false }],
    ...(token === undefined ? {} : { capability: token, capabilityId: token.id }),
    state: [],
    policyHash: refusal.code === "capability_revoked" && call.http !== undefined ? REVOKED_POLICY_HASH : ctx.policyHash,
  };
}

function evidenceOf(token: CapabilityToken | undefined, guards: readonly GuardEvidence[]): GuardEvidence[] {
  return token === undefined ? [...guards] : [VALID_TOKEN, ...guards];
}

/** `open`: a route that needs no token; `token`: a grant authorised the call. */
export function allowed(
  how: "open" | "token",
  token: CapabilityToken | undefined,
  grant: { grantIndex?: number; cost?: { units: bigint; currency?: string }; state?: StateChange[] },
  guards: readonly GuardEvidence[],
  ctx: Pick<DecideContext, "policyHash">,
): Decision {
  const first = how === "open" ? OPEN_ROUTE : VALID_TOKEN;
  return {
    allow: true,
    reasonCode: "allowed",
    reason: first.details!,
    guard: first.guard_name,
    httpStatus: 200,
    evidence: [first, ...guards],
    ...(token === undefined ? {} : { capability: token, capabilityId: token.id }),
    ...(grant.grantIndex === undefined ? {} : { grantIndex: grant.grantIndex }),
    ...(grant.cost === undefined ? {} : { cost: grant.cost }),
    state: grant.state ?? [],
    policyHash: ctx.policyHash,
  };
}

function sentence(refusal: Refusal, call: Pick<Call, "http" | "tool" | "resource" | "prompt">): string {
  const { code, detail } = refusal;
  const base =
    code === "scope_mismatch" || code === "constraint_violated" ? `capability does not authorize ${nameOf(call)}` : REASONS[code].message;
  return detail === undefined ? base : `${base}: ${detail}`;
}

function nameOf({ http, tool, resource, prompt }: Pick<Call, "http" | "tool" | "resource" | "prompt">): string {
  // On a closed route the request itself is what is authorised; a tool only where the path names it.
  const byTool =
    tool !== undefined && (http === undefined || http.route.policy === "session_allow" || http.path.startsWith("/chio/tools/"));
  if (byTool) return `tool ${tool.toolName} on server ${tool.serverId}`;
  if (http !== undefined) return `tool ${http.method} ${http.route.pattern} on server http`;
  if (resource !== undefined) return "this resource";
  return prompt === undefined ? "this call" : `prompt ${prompt.name}`;
}

/** Names come from callers: one short line that any receipt, header and log can carry. */
function oneLine(text: string): string {
  const line = text.toWellFormed().replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, "?");
  return line.length > MAX_REASON_LENGTH ? `${line.slice(0, MAX_REASON_LENGTH - 1).toWellFormed()}…` : line;
}

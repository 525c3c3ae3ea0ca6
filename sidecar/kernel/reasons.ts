/**
 * Every reason for which a call is denied: the stable code that answers, receipts and metrics carry, and what each says. The sentences are the
 * ones that upstream's readers know; where a reason has a detail (a server, a guard), `decide` adds it.
 */
export interface Reason {
  /** Sentence for receipts and answers. */
  message: string;
  /** Who denied, as receipts name it. */
  guard: string;
  /** 403, but for a fault of our own. */
  httpStatus: number;
  /** What the caller can do about it. */
  suggestion: string;
}

const CAPABILITY = "CapabilityGuard";
const FRESH = "request a fresh capability token before retrying";

function reason(message: string, suggestion: string, guard = CAPABILITY, httpStatus = 403): Reason {
  return { message, guard, httpStatus, suggestion };
}

export const REASONS = {
  missing_capability_token: reason(
    "side-effect route requires a capability token",
    "provide a valid capability token in the X-Chio-Capability header or chio_capability query parameter",
  ),
  capability_malformed: reason("invalid capability token", "send the complete token as the issuer printed it, as JSON on one line"),
  signature_invalid: reason("capability signature verification failed", "send the token unchanged; any edit breaks its signature"),
  capability_expired: reason("invalid capability token: capability has expired", FRESH),
  capability_not_yet_valid: reason(
    "invalid capability token: capability is not yet valid",
    "wait until issued_at, or compare the clocks of issuer and sidecar",
  ),
  capability_revoked: reason("capability token has been revoked", FRESH, "CapabilityRevocation"),
  issuer_untrusted: reason(
    "capability issuer is not trusted",
    "use a token of a trusted issuer, or add the issuer's key to CHIO_TRUSTED_ISSUER_KEYS",
  ),
  delegation_invalid: reason("capability delegation chain is invalid", "request the delegated token anew from its issuer"),
  delegation_too_deep: reason("capability delegation chain is too long", "delegate over fewer hops, or raise the maximum delegation depth"),
  chain_binding_unsupported: reason(
    "chain-binding requires a trust-root resolver on the HTTP authority path",
    "use a token without attenuation_proof: let the issuer sign the narrowed scope",
  ),
  budget_share_unsupported: reason(
    "capability budget_share_bps cannot be enforced here",
    "use a token without budget_share_bps: give the child its own max_invocations and max_total_cost",
  ),
  capability_id_mismatch: reason(
    "capability_id does not match the presented capability token",
    "send the id of the token that is presented, or none",
  ),
  subject_mismatch: reason("capability subject does not match the caller's key", "use a token that was issued to this agent's key"),
  caveat_violated: reason("capability caveat does not hold for this call", "use a token whose caveats allow this call"),
  scope_mismatch: reason("capability does not authorize this call", "use a token with a grant for this server, tool and operation"),
  constraint_violated: reason(
    "capability does not authorize this call: a constraint does not hold",
    "stay within the grant's constraints, or request a wider one",
  ),
  approval_required: reason(
    "request requires human approval before it can proceed",
    "this release has no approval store: take the approval requirement off the route or grant, or run the call by hand",
  ),
  dpop_required: reason("capability grant requires a DPoP proof", "send a DPoP proof signed with the token's subject key"),
  dpop_invalid: reason("DPoP proof verification failed", "sign a new proof over this very call with the token's subject key"),
  dpop_replayed: reason("DPoP proof was used before", "sign a new proof with a new nonce for every call"),
  invocations_exhausted: reason("capability max_invocations is exhausted", FRESH),
  budget_exceeded: reason("capability cost budget would be exceeded", "request a capability with a larger cost budget"),
  tool_identity_invalid: reason(
    "malformed /chio/tools path identity",
    "call /chio/tools/<server>/<tool>, each percent-encoded, with arguments as a JSON body",
  ),
  tool_identity_incomplete: reason(
    "tool-call evaluation requires both tool_server and tool_name",
    "send both tool_server and tool_name, or neither",
  ),
  target_not_registered: reason(
    "the target is not registered with this kernel",
    "register the server before the first session is opened",
    "KernelRegistry",
  ),
  guard_denied: reason("a guard denied the request", "change the request, or the policy that configures this guard", "GuardPipeline"),
  guard_error: reason("a guard failed (fail-closed)", "see the log for the guard's error; the request was not forwarded", "GuardPipeline"),
  internal_error: reason("the decision failed (fail-closed)", "see the log for the cause; the request was not forwarded", "Kernel", 500),
} as const satisfies Record<string, Reason>;

export type ReasonCode = keyof typeof REASONS;

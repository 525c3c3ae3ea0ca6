import { parseDpopProof, verifyDpopProof } from "../wire/dpop.ts";
import { ChioError } from "../wire/errors.ts";
import { type Binding, proofArguments, streamsBody } from "./binding.ts";
import type { Call, ReplayStore, StateChange } from "./types.ts";
import type { Refusal, VerifiedToken } from "./verify-token.ts";

/**
 * Checks the DPoP proof of a call: signed by the token's subject key, for one of the call's targets and exactly these arguments, fresh, and not
 * used before. `now`: unix seconds. The nonce is spent even when a later check denies the call.
 */
export function checkProof(
  call: Call,
  verified: VerifiedToken,
  binding: Binding,
  replay: ReplayStore,
  now: number,
): Extract<StateChange, { type: "replay" }> | Refusal {
  if (call.dpop === undefined) return { code: "dpop_required" };
  if (streamsBody(call)) return { code: "dpop_invalid", detail: "a proof cannot cover a body that is streamed" };
  let proof: ReturnType<typeof parseDpopProof>;
  try {
    proof = parseDpopProof(call.dpop);
  } catch (error) {
    if (error instanceof ChioError) return { code: "dpop_invalid", detail: error.message };
    throw error;
  }
  const target = binding.targets.find(
    (candidate) => candidate.server === proof.body.tool_server && candidate.tool === proof.body.tool_name,
  );
  if (target === undefined) return { code: "dpop_invalid", detail: "tool_mismatch" };
  const result = verifyDpopProof(proof, {
    capability: verified.token,
    toolServer: target.server,
    toolName: target.tool,
    arguments: proofArguments(call, binding.kind),
    now,
  });
  if (!result.ok) return { code: "dpop_invalid", detail: result.reason };
  const { nonce, expiresAt } = result;
  const capabilityId = verified.token.id;
  if (!replay.remember(nonce, capabilityId, expiresAt)) return { code: "dpop_replayed" };
  return { type: "replay", nonce, capabilityId, expiresAt };
}

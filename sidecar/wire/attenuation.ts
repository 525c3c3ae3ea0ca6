import { issueCapability, verifyCapabilitySignature } from "./capability.ts";
import { signDelegationLink, verifyDelegationChain } from "./delegation.ts";
import { WireError } from "./errors.ts";
import type { Json } from "./json.ts";
import type { Keypair } from "./keys.ts";
import { isScopeSubset, parseScope, scopeHash } from "./scope.ts";
import type { CapabilityScope, CapabilityToken, ToolGrant } from "./types.ts";

export interface AttenuationRequest {
  id: string;
  /** Who receives the child. */
  subject: string;
  /** Default: the parent's scope. */
  scope?: CapabilityScope;
  /** Unix seconds. */
  issued_at: number;
  /** Unix seconds, not later than the parent's. */
  expires_at: number;
}

/**
 * A grant for fewer tools or operations with every restriction of the parent grant that covers it: constraints, budgets, DPoP. Where none covers it, the
 * grant is returned as it is, and attenuation refuses it.
 */
export function narrowGrant(parent: CapabilityScope, wanted: Pick<ToolGrant, "server_id" | "tool_name" | "operations">): ToolGrant {
  for (const grant of parent.grants ?? []) {
    const narrowed: ToolGrant = { ...grant, ...wanted };
    if (isScopeSubset({ grants: [narrowed] }, { grants: [grant] })) return narrowed;
  }
  return { ...wanted };
}

/**
 * Makes a child token that allows no more, and lives no longer, than its parent. Signed by the parent's subject (the holder passes a part of it
 * on) or by the parent's issuer (the authority reissues). The child names the signer as issuer and carries one more delegation link, for the
 * child's scope. A verifier accepts it where that issuer is trusted. Throws WireError `attenuation_refused` when anything would widen.
 */
export function attenuateCapability(parent: CapabilityToken, request: AttenuationRequest, signer: Keypair): CapabilityToken {
  const refuse = (why: string, fix?: string) => new WireError("attenuation_refused", why, fix === undefined ? {} : { fix });
  const scope = request.scope === undefined ? parent.scope : parseScope(request.scope as unknown as Json);
  if (!verifyCapabilitySignature(parent)) throw refuse("the parent's signature does not verify");
  const chain = verifyDelegationChain(parent);
  if (!chain.valid) throw refuse(`the parent's delegation chain is broken: ${chain.reason}`);
  if (signer.publicKeyHex !== parent.subject && signer.publicKeyHex !== parent.issuer) {
    throw refuse("the signer is neither the parent's subject nor its issuer", "sign with the seed of the parent's subject");
  }
  if (request.issued_at >= parent.expires_at) {
    throw refuse(
      `the parent expired at ${parent.expires_at}; a child's end must be later than its beginning`,
      "take a parent that is still valid",
    );
  }
  if (request.expires_at > parent.expires_at) throw refuse("the child would outlive its parent", `expire it by ${parent.expires_at}`);
  if (request.issued_at < parent.issued_at) throw refuse("the child would be valid before its parent");
  if (!isScopeSubset(scope, parent.scope))
    throw refuse("the child's scope is not a subset of its parent's", "remove what the parent does not grant");
  if (parent.attenuation_proof) throw refuse("the parent carries an attenuation_proof, which cannot be passed on");
  const previous = parent.delegation_chain ?? [];
  const last = previous.at(-1);
  if (last !== undefined && last.delegatee !== signer.publicKeyHex)
    throw refuse("the parent's delegation chain does not end at the signer");
  if (last !== undefined && request.issued_at < last.timestamp) throw refuse("the child would be older than the last delegation");
  const link = signDelegationLink(
    {
      capability_id: parent.id,
      delegator: signer.publicKeyHex,
      delegatee: request.subject,
      timestamp: request.issued_at,
      scope_hash: scopeHash(scope),
    },
    signer,
  );
  return issueCapability(
    {
      id: request.id,
      issuer: signer.publicKeyHex,
      subject: request.subject,
      scope,
      issued_at: request.issued_at,
      expires_at: request.expires_at,
      delegation_chain: [...previous, link],
      // Restrictions of the parent stay on the child.
      ...(parent.caveats ? { caveats: parent.caveats } : {}),
      ...(parent.scope_attenuations ? { scope_attenuations: parent.scope_attenuations } : {}),
      ...(parent.budget_share_bps === undefined ? {} : { budget_share_bps: parent.budget_share_bps }),
    },
    signer,
  );
}

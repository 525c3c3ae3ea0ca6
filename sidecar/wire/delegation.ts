import { canonicalize } from "./canonical.ts";
import { WireError } from "./errors.ts";
import type { FieldReader } from "./fields.ts";
import { type Keypair, verifySignature } from "./keys.ts";
import { scopeHash } from "./scope.ts";
import type { CapabilityToken, DelegationLink } from "./types.ts";

const LINK_FIELDS: ReadonlySet<string> = new Set([
  "capability_id",
  "delegator",
  "delegatee",
  "attenuations",
  "timestamp",
  "scope_hash",
  "signature",
]);

export function parseDelegationLink(reader: FieldReader): DelegationLink {
  reader.only(LINK_FIELDS);
  const link: DelegationLink = {
    capability_id: reader.nonEmptyString("capability_id"),
    delegator: reader.publicKey("delegator"),
    delegatee: reader.publicKey("delegatee"),
    timestamp: reader.integer("timestamp"),
    signature: reader.signature("signature"),
  };
  const attenuations = reader.optionalObjects("attenuations");
  if (attenuations) link.attenuations = attenuations;
  if (reader.get("scope_hash") !== undefined) link.scope_hash = reader.hex("scope_hash", 64, "a SHA-256 digest");
  return link;
}

/** Signs a link as its delegator: over JCS(link without signature). */
export function signDelegationLink(link: Omit<DelegationLink, "signature">, delegator: Keypair): DelegationLink {
  if (link.delegator !== delegator.publicKeyHex) throw new WireError("wrong_signer", "a delegation link is signed by its delegator");
  return { ...link, signature: delegator.sign(canonicalize(link)) };
}

export interface DelegationReport {
  /** Shape and binding both hold. A token without a chain is valid. */
  valid: boolean;
  /** The chain in itself: length, every signature, delegatee = next delegator, times that never decrease. */
  shape_valid: boolean;
  /** First thing that is wrong. */
  reason?: string;
}

/**
 * Checks the delegation chain of a token against itself and against the token that carries it. `maxDepth` limits the number of links, checked
 * before any signature. Bound to the token means: its issuer stands at the root of the chain or at its last hop, and a `scope_hash` of the last
 * link is the hash of the token's scope. Whether the issuer is trusted is another question, and so is {@link delegatesToSubject}.
 */
export function verifyDelegationChain(token: CapabilityToken, maxDepth?: number): DelegationReport {
  const chain = token.delegation_chain ?? [];
  if (maxDepth !== undefined && chain.length > maxDepth) return broken(`${chain.length} links, the limit is ${maxDepth}`);
  for (let i = 0; i < chain.length; i++) {
    const link = chain[i]!;
    const previous = chain[i - 1];
    if (previous && previous.delegatee !== link.delegator) return broken(`link ${i} does not begin where link ${i - 1} ends`);
    if (previous && link.timestamp < previous.timestamp) return broken(`link ${i} is older than link ${i - 1}`);
    const { signature, ...body } = link;
    if (!verifySignature(link.delegator, canonicalize(body), signature)) return broken(`the signature of link ${i} does not verify`);
  }
  const first = chain[0];
  const last = chain[chain.length - 1];
  if (first && last && token.issuer !== first.delegator && token.issuer !== last.delegator) {
    return { valid: false, shape_valid: true, reason: "the issuer is neither the first nor the last delegator" };
  }
  if (last?.scope_hash !== undefined && last.scope_hash !== scopeHash(token.scope)) {
    return { valid: false, shape_valid: true, reason: "the last link was signed for another scope" };
  }
  return { valid: true, shape_valid: true };
}

/** True when the chain is empty or its last delegatee is the token's subject. Bindings vectors hold tokens where it is not. */
export function delegatesToSubject(token: CapabilityToken): boolean {
  const last = token.delegation_chain?.at(-1);
  return last === undefined || last.delegatee === token.subject;
}

/** Ids whose revocation revokes this token: its own, then those of its chain. */
export function lineageIds(token: CapabilityToken): string[] {
  return [...new Set([token.id, ...(token.delegation_chain ?? []).map((link) => link.capability_id)])];
}

function broken(reason: string): DelegationReport {
  return { valid: false, shape_valid: false, reason };
}

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AttenuationRequest, attenuateCapability } from "../../../sidecar/wire/attenuation.ts";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { inspectCapability, issueCapability, parseCapability, verifyCapabilitySignature } from "../../../sidecar/wire/capability.ts";
import { delegatesToSubject, lineageIds, signDelegationLink, verifyDelegationChain } from "../../../sidecar/wire/delegation.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import { isScopeSubset, scopeHash } from "../../../sidecar/wire/scope.ts";
import type { CapabilityToken, DelegationLink } from "../../../sidecar/wire/types.ts";
import { scopePair } from "./arbitraries.ts";
import { acceptedChanges } from "./tamper.ts";
import { body, delegatee, EXPIRES_AT, ISSUED_AT, issuer, stranger, subject, token } from "./tokens.ts";

const hop = (byte: number) => Keypair.fromSeed(Buffer.alloc(32, byte));

/** A chain over `pairs`, each delegating to the next. */
function links(pairs: readonly Keypair[], change: (i: number) => Partial<DelegationLink> = () => ({})): DelegationLink[] {
  return pairs.slice(1).map((next, i) =>
    signDelegationLink(
      {
        capability_id: `cap-${i}`,
        delegator: pairs[i]!.publicKeyHex,
        delegatee: next.publicKeyHex,
        timestamp: ISSUED_AT + i,
        ...change(i),
      },
      pairs[i]!,
    ),
  );
}

const withChain = (chain: DelegationLink[]): CapabilityToken => token({ delegation_chain: chain });

describe("a delegation chain", () => {
  const pairs = [issuer, hop(0x20), hop(0x21), hop(0x22), delegatee];

  test("holds when signed, continuous and in order", () => {
    expect(verifyDelegationChain(withChain(links(pairs)))).toEqual({ valid: true, shape_valid: true });
    expect(verifyDelegationChain(withChain(links(pairs, () => ({ timestamp: 5 }))))).toEqual({ valid: true, shape_valid: true });
    expect(verifyDelegationChain(token())).toEqual({ valid: true, shape_valid: true });
    expect(lineageIds(withChain(links(pairs)))).toEqual(["cap-1", "cap-0", "cap-2", "cap-3"]);
  });

  test("is limited in depth only when a limit is given, before any signature is checked", () => {
    const chain = withChain(links(pairs));
    expect(verifyDelegationChain(chain, 4).valid).toBe(true);
    expect(verifyDelegationChain(chain, 3)).toEqual({ valid: false, shape_valid: false, reason: "4 links, the limit is 3" });
    expect(verifyDelegationChain(token(), 0).valid).toBe(true);
    expect(verifyDelegationChain(chain, 0).valid).toBe(false);
  });

  test.each<[string, (chain: DelegationLink[]) => DelegationLink[], string]>([
    ["a removed middle link", (chain) => chain.toSpliced(1, 1), "link 1 does not begin where link 0 ends"],
    ["swapped links", (chain) => [chain[1]!, chain[0]!, ...chain.slice(2)], "does not begin where"],
    ["a changed id", (chain) => chain.with(1, { ...chain[1]!, capability_id: "x" }), "the signature of link 1 does not verify"],
    ["an added scope hash", (chain) => chain.with(3, { ...chain[3]!, scope_hash: scopeHash(body().scope) }), "the signature of link 3"],
    ["a changed time", (chain) => chain.with(3, { ...chain[3]!, timestamp: chain[3]!.timestamp + 1 }), "the signature of link 3"],
    ["a time that goes back", () => links(pairs, (i) => ({ timestamp: 100 - i })), "link 1 is older than link 0"],
  ])("breaks by %s", (_name, change, reason) => {
    const report = verifyDelegationChain(withChain(change(links(pairs))));
    expect(report).toMatchObject({ valid: false, shape_valid: false });
    expect(report.reason).toContain(reason);
  });

  test("that is sound but of another issuer, or for another scope, is not bound to the token", () => {
    expect(verifyDelegationChain(withChain(links([stranger, subject, delegatee])))).toMatchObject({ valid: false, shape_valid: true });
    const other = { scope_hash: scopeHash({ grants: [{ server_id: "*", tool_name: "*", operations: ["invoke"] }] }) };
    expect(verifyDelegationChain(withChain(links([issuer, subject], () => other)))).toMatchObject({
      valid: false,
      shape_valid: true,
      reason: "the last link was signed for another scope",
    });
    const same = { scope_hash: scopeHash(body().scope) };
    expect(verifyDelegationChain(withChain(links([issuer, subject], () => same))).valid).toBe(true);
    expect(inspectCapability(withChain(links([stranger, subject])), { at: ISSUED_AT })).toMatchObject({
      ok: false,
      signature_valid: true,
      delegation_chain_shape_valid: true,
      delegation_chain_bound: false,
    });
  });

  test("leads to the subject or not, which is told apart", () => {
    expect(delegatesToSubject(token())).toBe(true);
    expect(delegatesToSubject(withChain(links([issuer, subject])))).toBe(true);
    expect(delegatesToSubject(withChain(links([issuer, delegatee])))).toBe(false);
  });

  test("a link is signed by its delegator only", () => {
    expect(() => signDelegationLink({ ...links([issuer, subject])[0]! }, stranger)).toThrow("signed by its delegator");
  });
});

describe("attenuation", () => {
  const parent = token();
  const request = (change: Partial<AttenuationRequest> = {}): AttenuationRequest => ({
    id: "cap-child",
    subject: delegatee.publicKeyHex,
    issued_at: ISSUED_AT + 10,
    expires_at: EXPIRES_AT,
    ...change,
  });
  const grant = parent.scope.grants![0]!;

  test.each([
    ["its subject", subject],
    ["its issuer", issuer],
  ])("by %s makes a child that verifies and says where it comes from", (_name, signer) => {
    const narrower = { grants: [{ ...grant, operations: ["invoke" as const], max_invocations: 2 }] };
    const child = attenuateCapability(parent, request({ scope: narrower }), signer);
    expect(parseCapability(canonicalize(child))).toEqual(child);
    expect(verifyCapabilitySignature(child)).toBe(true);
    expect(verifyDelegationChain(child, 1)).toEqual({ valid: true, shape_valid: true });
    expect(delegatesToSubject(child)).toBe(true);
    expect(child.issuer).toBe(signer.publicKeyHex);
    expect(lineageIds(child)).toEqual(["cap-child", "cap-1"]);
  });

  test("goes on over several hops", () => {
    const child = attenuateCapability(parent, request(), subject);
    const grandchild = attenuateCapability(
      child,
      request({ id: "cap-3", subject: stranger.publicKeyHex, issued_at: ISSUED_AT + 20 }),
      delegatee,
    );
    expect(verifyDelegationChain(grandchild)).toEqual({ valid: true, shape_valid: true });
    expect(lineageIds(grandchild)).toEqual(["cap-3", "cap-1", "cap-child"]);
  });

  test.each<[string, Partial<AttenuationRequest>, Keypair, string]>([
    ["outlives its parent", { expires_at: EXPIRES_AT + 1 }, subject, "outlive"],
    ["begins before its parent", { issued_at: ISSUED_AT - 1 }, subject, "before its parent"],
    ["has more operations", { scope: { grants: [{ ...grant, operations: ["invoke", "delegate"] }] } }, subject, "not a subset"],
    ["drops a constraint", { scope: { grants: [{ ...grant, constraints: [] }] } }, subject, "not a subset"],
    [
      "has an unknown constraint",
      { scope: { grants: [{ ...grant, constraints: [{ type: "moon" }] }] } },
      subject,
      "not a known constraint",
    ],
    ["is signed by a stranger", {}, stranger, "neither the parent's subject nor its issuer"],
    ["would come from an expired parent", { issued_at: EXPIRES_AT + 9, expires_at: EXPIRES_AT + 10 }, subject, "the parent expired"],
    ["never lives", { issued_at: EXPIRES_AT, expires_at: EXPIRES_AT }, subject, "must be later"],
    ["has a malformed subject", { subject: "me" }, subject, "$.subject must be"],
  ])("is refused when the child %s", (_name, change, signer, message) => {
    expect(() => attenuateCapability(parent, request(change), signer)).toThrow(message);
  });

  test("is refused for a parent that does not verify or may not be passed on", () => {
    expect(() => attenuateCapability({ ...parent, expires_at: EXPIRES_AT + 99 }, request(), subject)).toThrow("signature does not verify");
    const broken = withChain([{ ...links([issuer, subject])[0]!, timestamp: 1 }]);
    expect(() => attenuateCapability(broken, request(), subject)).toThrow("delegation chain is broken");
    const proof = issueCapability(body({ attenuation_proof: { parentScopeHash: "x" } }), issuer);
    expect(() => attenuateCapability(proof, request(), subject)).toThrow("attenuation_proof");
    const chained = withChain(links([issuer, subject]));
    expect(() => attenuateCapability(chained, request(), issuer)).toThrow("does not end at the signer");
  });

  test("keeps the parent's caveats and budget share", () => {
    const caveats = [{ kind: "bind_session", predicate: "s-1" }];
    const child = attenuateCapability(token({ caveats, budget_share_bps: 100 }), request(), subject);
    expect(child.caveats).toEqual(caveats);
    expect(child.budget_share_bps).toBe(100);
  });

  test("never widens, whatever is asked for", () => {
    let made = 0;
    fc.assert(
      fc.property(scopePair, fc.integer({ min: -2, max: 2 }), ([parentScope, childScope], shift) => {
        const from = token({ scope: parentScope });
        const asked = request({ scope: childScope, expires_at: EXPIRES_AT + shift });
        let child: CapabilityToken;
        try {
          child = attenuateCapability(from, asked, subject);
        } catch {
          expect(shift > 0 || !isScopeSubset(childScope, parentScope)).toBe(true);
          return;
        }
        made++;
        expect(isScopeSubset(child.scope, from.scope)).toBe(true);
        expect(child.expires_at).toBeLessThanOrEqual(from.expires_at);
        expect(child.issued_at).toBeGreaterThanOrEqual(from.issued_at);
      }),
      { numRuns: 1200 },
    );
    // About a hundred are.
    expect(made).toBeGreaterThan(20);
  });

  test("no changed byte of a delegated token is accepted", () => {
    const text = canonicalize(attenuateCapability(parent, request(), subject));
    const accepts = (changed: Uint8Array | string) => inspectCapability(parseCapability(changed), { at: ISSUED_AT + 20 }).ok;
    expect(accepts(text)).toBe(true);
    expect(acceptedChanges(text, accepts)).toEqual([]);
  });
});

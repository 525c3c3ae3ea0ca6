import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { type DpopBody, parseDpopProof, signDpopProof, verifyDpopProof } from "../../../sidecar/wire/dpop.ts";
import type { Json } from "../../../sidecar/wire/json.ts";
import { json } from "./arbitraries.ts";
import { acceptedChanges } from "./tamper.ts";
import { ISSUED_AT, stranger, subject, token } from "./tokens.ts";

const capability = token();
const call = { toolServer: "srv-files", toolName: "file_read", arguments: { path: "/workspace/a" } as Json };
const proof = signDpopProof({ ...call, capabilityId: capability.id, nonce: "n-1", issuedAt: ISSUED_AT }, subject);
const at = (now: number, change: Partial<typeof call> = {}) => verifyDpopProof(proof, { ...call, ...change, capability, now });

test("a proof holds for its call, and survives its JSON", () => {
  expect(at(ISSUED_AT)).toEqual({ ok: true, nonce: "n-1", expiresAt: ISSUED_AT + 300 });
  expect(parseDpopProof(canonicalize(proof))).toEqual(proof);
});

test.each<[number, string]>([
  [ISSUED_AT - 31, "not_yet_valid"],
  [ISSUED_AT - 30, "ok"],
  [ISSUED_AT + 299, "ok"],
  [ISSUED_AT + 300, "expired"],
  [Number.NaN, "not_yet_valid"],
])("at %d: %s", (now, expected) => {
  const result = at(now);
  expect(result.ok ? "ok" : result.reason).toBe(expected);
});

describe("a proof of something else", () => {
  test("another call", () => {
    expect(at(ISSUED_AT, { toolName: "file_write" })).toEqual({ ok: false, reason: "tool_mismatch" });
    expect(at(ISSUED_AT, { toolServer: "x" })).toEqual({ ok: false, reason: "tool_mismatch" });
    expect(at(ISSUED_AT, { arguments: { path: "/workspace/b" } })).toEqual({ ok: false, reason: "action_hash_mismatch" });
  });

  test("another capability, another holder, another signer", () => {
    const now = ISSUED_AT;
    expect(verifyDpopProof(proof, { ...call, capability: token({ id: "cap-2" }), now })).toEqual({
      ok: false,
      reason: "capability_mismatch",
    });
    expect(verifyDpopProof(proof, { ...call, capability: token({ subject: stranger.publicKeyHex }), now })).toEqual({
      ok: false,
      reason: "agent_key_mismatch",
    });
    const forged = { body: proof.body, signature: stranger.sign(canonicalize(proof.body)) };
    expect(verifyDpopProof(forged, { ...call, capability, now })).toEqual({ ok: false, reason: "signature_invalid" });
    const moved: DpopBody = { ...proof.body, nonce: "n-2" };
    expect(verifyDpopProof({ ...proof, body: moved }, { ...call, capability, now })).toEqual({ ok: false, reason: "signature_invalid" });
  });
});

test.each<[Record<string, unknown>, string]>([
  [{ schema: "chio.dpop_proof.v2" }, "$.body.schema"],
  [{ nonce: "" }, "$.body.nonce is empty"],
  [{ nonce: "n".repeat(257) }, "longer than 256"],
  [{ action_hash: "x" }, "$.body.action_hash"],
  [{ agent_key: "p256:04" }, "P-256"],
  [{ issued_at: 1.5 }, "$.body.issued_at"],
  [{ htm: "GET" }, "unknown field"],
])("refuses a body with %j", (change, message) => {
  expect(() => parseDpopProof({ ...proof, body: { ...proof.body, ...change } } as unknown as Json)).toThrow(message);
});

test("refuses unknown fields around the body, and an empty nonce to sign", () => {
  expect(() => parseDpopProof({ ...proof, extra: 1 } as unknown as Json)).toThrow("unknown field");
  expect(() => signDpopProof({ ...call, capabilityId: "c", nonce: "", issuedAt: 1 }, subject)).toThrow("nonce is empty");
});

test("whatever the arguments are, their proof holds for them and for no others", () => {
  fc.assert(
    fc.property(json, json, (mine, others) => {
      const made = signDpopProof({ ...call, arguments: mine, capabilityId: capability.id, nonce: "n", issuedAt: ISSUED_AT }, subject);
      const check = (args: Json) => verifyDpopProof(made, { ...call, arguments: args, capability, now: ISSUED_AT }).ok;
      expect(check(mine)).toBe(true);
      expect(check(others)).toBe(canonicalize(mine) === canonicalize(others));
    }),
    { numRuns: 100 },
  );
});

test("no changed byte of a proof is accepted", () => {
  const accepts = (changed: Uint8Array | string) => verifyDpopProof(parseDpopProof(changed), { ...call, capability, now: ISSUED_AT }).ok;
  expect(acceptedChanges(canonicalize(proof), accepts)).toEqual([]);
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { sha256Hex } from "../../../sidecar/wire/hash.ts";
import type { Json } from "../../../sidecar/wire/json.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import { parseToolReceipt, receiptBody, signReceipt, signReceiptWithText, verifyReceipt } from "../../../sidecar/wire/receipt.ts";
import { parseReceipt } from "../../../sidecar/wire/receipt-parse.ts";
import type { ChioReceiptBody, ToolDecision } from "../../../sidecar/wire/types.ts";
import { json } from "./arbitraries.ts";
import { kernel, toolBody, trustedKeys } from "./receipts.ts";
import { acceptedChanges } from "./tamper.ts";

describe("signing", () => {
  test("id and signature are those of the format, and the text is the receipt's canonical JSON", () => {
    const { receipt, canonicalJson } = signReceiptWithText(toolBody(), kernel);
    const body = receiptBody(receipt);
    expect(receipt.id).toBe(sha256Hex(canonicalize(body)));
    expect(receipt.signature).toBe(kernel.sign(canonicalize({ body, id: receipt.id })));
    expect(canonicalJson).toBe(canonicalize(receipt));
    expect(parseReceipt(canonicalJson)).toEqual({ kind: "tool", receipt });
  });

  test("another key than the one that the body names is refused", () => {
    expect(() => signReceipt(toolBody(), Keypair.generate())).toThrow("kernel_key");
  });

  const kinds = ["mediated_decision", "trace_observation", "advisory_evaluation"] as const;
  const boundaries = ["prevent", "detect_only", "advisory_only", "cannot_see"] as const;
  const levels = ["mediated", "verified", "advisory"] as const;
  const coherent = new Set([
    "mediated_decision prevent undefined true mediated",
    "trace_observation detect_only observed false verified",
    "advisory_evaluation advisory_only observed false advisory",
  ]);

  test("only the three coherent rows are signable, and only they verify", () => {
    let rows = 0;
    for (const receipt_kind of kinds)
      for (const boundary_class of boundaries)
        for (const observation_outcome of [undefined, "observed"] as const)
          for (const decided of [true, false])
            for (const trust_level of levels) {
              rows++;
              const { decision: _decision, ...rest } = toolBody({ receipt_kind, boundary_class, trust_level });
              const body: ChioReceiptBody = {
                ...rest,
                ...(observation_outcome === undefined ? {} : { observation_outcome }),
                ...(decided ? { decision: { verdict: "allow" } } : {}),
              };
              const id = sha256Hex(canonicalize(body));
              const forced = { ...body, id, signature: kernel.sign(canonicalize({ body, id })) };
              const report = verifyReceipt(forced, { trustedKeys });
              expect(report.receipt_id_valid).toBe(true);
              if (coherent.has(`${receipt_kind} ${boundary_class} ${observation_outcome} ${decided} ${trust_level}`)) {
                expect(signReceipt(body, kernel)).toEqual(forced);
                expect(report.signature_valid).toBe(true);
                expect(report.ok).toBe(receipt_kind === "mediated_decision");
              } else {
                expect(() => signReceipt(body, kernel)).toThrow("has no meaning");
                expect(report).toMatchObject({ signature_valid: false, ok: false, authorized: false });
              }
            }
    expect(rows).toBe(3 * 4 * 2 * 2 * 3);
  });
});

describe("the report", () => {
  test.each<[ToolDecision, string]>([
    [{ verdict: "allow" }, "Authorized"],
    [{ verdict: "deny", reason: "no", guard: "CapabilityGuard" }, "Denied"],
    [{ verdict: "cancelled", reason: "client left" }, "Cancelled"],
    [{ verdict: "incomplete", reason: "crash" }, "Incomplete"],
  ])("of %j", (decision, result) => {
    const report = verifyReceipt(signReceipt(toolBody({ decision }), kernel), { trustedKeys });
    expect(report).toEqual({
      signature_valid: true,
      signer_trusted: true,
      receipt_id_valid: true,
      parameter_hash_valid: true,
      receipt_kind: "mediated_decision",
      boundary_class: "prevent",
      trust_level: "mediated",
      result,
      decision: decision.verdict,
      authorized: decision.verdict === "allow",
      signer_key_hex: kernel.publicKeyHex,
      ok: true,
    });
  });

  test("trust is what the caller says: none, another key, a set", () => {
    const receipt = signReceipt(toolBody(), kernel);
    expect(verifyReceipt(receipt)).toMatchObject({ signature_valid: true, signer_trusted: false, ok: false, authorized: false });
    expect(verifyReceipt(receipt, { trustedKeys: [] }).ok).toBe(false);
    expect(verifyReceipt(receipt, { trustedKeys: [Keypair.generate().publicKeyHex] }).ok).toBe(false);
    expect(verifyReceipt(receipt, { trustedKeys: new Set(trustedKeys) }).ok).toBe(true);
  });

  test("hashes that are no digests matter only where digests are asked for", () => {
    const receipt = signReceipt(toolBody({ policy_hash: "policy-v1" }), kernel);
    expect(verifyReceipt(receipt, { trustedKeys }).ok).toBe(true);
    expect(verifyReceipt(receipt, { trustedKeys, requireDigests: true })).toMatchObject({ ok: false, signature_valid: true });
    expect(verifyReceipt(signReceipt(toolBody(), kernel), { trustedKeys, requireDigests: true }).ok).toBe(true);
  });

  test("a wrong parameter hash, and another algorithm, are not ok", () => {
    const action = { parameters: {}, parameter_hash: "00".repeat(32) };
    expect(verifyReceipt(signReceipt(toolBody({ action }), kernel), { trustedKeys })).toMatchObject({
      signature_valid: true,
      parameter_hash_valid: false,
      ok: false,
    });
    expect(verifyReceipt({ ...signReceipt(toolBody(), kernel), algorithm: "p256" }, { trustedKeys }).ok).toBe(false);
    expect(verifyReceipt({ ...signReceipt(toolBody(), kernel), algorithm: "ed25519" }, { trustedKeys }).ok).toBe(true);
  });

  test("a BBS signature is part of what is signed when it is there", () => {
    const body = toolBody({ bbs_projection_version: "1" });
    const id = sha256Hex(canonicalize(body));
    const bbs_signature = { proof: "x" };
    const receipt = { ...body, id, bbs_signature, signature: kernel.sign(canonicalize({ bbs_signature, body, id })) };
    expect(verifyReceipt(receipt, { trustedKeys }).ok).toBe(true);
    expect(verifyReceipt({ ...receipt, bbs_signature: { proof: "y" } }, { trustedKeys }).ok).toBe(false);
    const { bbs_signature: _bbs, ...without } = receipt;
    expect(verifyReceipt(without, { trustedKeys }).ok).toBe(false);
  });
});

describe("reading", () => {
  const plain = () =>
    JSON.parse(canonicalize(signReceipt(toolBody({ action: { parameters: null, parameter_hash: sha256Hex("null") } }), kernel)));

  test("parameters may be null, absent optionals may be null, nothing else changes", () => {
    const receipt = parseToolReceipt({ ...plain(), tenant_id: null, bbs_signature: null } as Json);
    expect(verifyReceipt(receipt, { trustedKeys }).ok).toBe(true);
  });

  test("a field that the signer did not write makes the id wrong", () => {
    expect(verifyReceipt(parseToolReceipt({ ...plain(), note: "x" } as Json), { trustedKeys })).toMatchObject({
      receipt_id_valid: false,
      ok: false,
    });
  });

  test.each<[Record<string, unknown>, string]>([
    [{ id: "x" }, "$.id"],
    [{ signature: "x" }, "$.signature"],
    [{ kernel_key: "p384:04" }, "P-384"],
    [{ timestamp: "1" }, "$.timestamp"],
    [{ receipt_kind: "other" }, "$.receipt_kind"],
    [{ boundary_class: null }, "$.boundary_class is missing"],
    [{ decision: { verdict: "cancel" } }, "$.decision.verdict"],
    [{ decision: { verdict: "deny", reason: "x" } }, "$.decision.guard is missing"],
    [{ action: {} }, "$.action.parameter_hash"],
    [{ action: { parameter_hash: "x" } }, "$.action.parameters is missing"],
    [{ evidence: [{ guard_name: "g" }] }, "$.evidence[0].verdict"],
    [{ actor_chain: [1] }, "$.actor_chain[0] must be an object"],
    [{ algorithm: "p256" }, "not supported"],
  ])("refuses %j", (change, message) => {
    expect(() => parseToolReceipt({ ...plain(), ...change } as Json)).toThrow(message);
  });

  test("refuses what is no object", () => {
    for (const text of ["[]", "1", "null", '"x"']) expect(() => parseReceipt(text)).toThrow("$ must be an object");
  });
});

describe("properties", () => {
  test("no changed byte of a signed receipt is accepted", () => {
    const { canonicalJson } = signReceiptWithText(toolBody(), kernel);
    const accepts = (changed: Uint8Array | string) => verifyReceipt(parseToolReceipt(changed), { trustedKeys }).signature_valid;
    expect(accepts(canonicalJson)).toBe(true);
    expect(acceptedChanges(canonicalJson, accepts)).toEqual([]);
  });

  test("whatever the parameters are, the receipt comes back and verifies", () => {
    fc.assert(
      fc.property(json, fc.string(), (parameters, reason) => {
        const body = toolBody({
          action: { parameters, parameter_hash: sha256Hex(canonicalize(parameters)) },
          decision: { verdict: "deny", reason, guard: "g" },
        });
        const { receipt, canonicalJson } = signReceiptWithText(body, kernel);
        expect(canonicalJson).toBe(canonicalize(receipt));
        expect(verifyReceipt(parseToolReceipt(canonicalJson), { trustedKeys }).ok).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { sha256Hex } from "../../../sidecar/wire/hash.ts";
import {
  parseHttpReceipt,
  projectToToolReceipt,
  signHttpReceipt,
  signHttpReceiptWithText,
  verifyHttpReceipt,
} from "../../../sidecar/wire/http-receipt.ts";
import type { Json } from "../../../sidecar/wire/json.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import { verifyReceipt } from "../../../sidecar/wire/receipt.ts";
import { parseReceipt } from "../../../sidecar/wire/receipt-parse.ts";
import type { HttpReceiptBody, HttpVerdict } from "../../../sidecar/wire/types.ts";
import { anyText } from "../any-text.ts";
import { json } from "./arbitraries.ts";
import { httpBody, kernel, trustedKeys } from "./receipts.ts";
import { acceptedChanges } from "./tamper.ts";

const VERDICTS: [HttpVerdict, string][] = [
  [{ verdict: "allow" }, "allow"],
  [
    { verdict: "deny", reason: "no", guard: "CapabilityGuard", http_status: 403, details: { reason_code: "missing_capability_token" } },
    "deny",
  ],
  [{ verdict: "cancel", reason: "client left" }, "cancelled"],
  [{ verdict: "incomplete", reason: "crash" }, "incomplete"],
];

describe("signing", () => {
  test("the id hashes the body, the signature covers the flat body with its id", () => {
    const { receipt, canonicalJson } = signHttpReceiptWithText(httpBody(), kernel);
    expect(receipt.id).toBe(sha256Hex(canonicalize(httpBody())));
    expect(receipt.signature).toBe(kernel.sign(canonicalize({ ...httpBody(), id: receipt.id })));
    expect(canonicalJson).toBe(canonicalize(receipt));
    expect(parseReceipt(canonicalJson)).toEqual({ kind: "http", receipt });
  });

  test.each<[string, Partial<HttpReceiptBody>, string]>([
    ["an empty evidence list", { evidence: [] }, "at least one piece of evidence"],
    ["an observation", { observation_outcome: "observed" }, "mediated decision"],
    ["another kind", { receipt_kind: "trace_observation", boundary_class: "detect_only", trust_level: "verified" }, "mediated decision"],
    ["another trust", { trust_level: "verified" }, "mediated decision"],
    ["another key", { kernel_key: "ab".repeat(32) }, "kernel_key"],
  ])("%s is refused", (_name, change, message) => {
    expect(() => signHttpReceipt(httpBody(change), kernel)).toThrow(message);
  });
});

describe("the report", () => {
  test.each(VERDICTS)("of %j", (verdict, label) => {
    const receipt = signHttpReceipt(httpBody({ verdict }), kernel);
    expect(verifyHttpReceipt(receipt, { trustedKeys, requireDigests: true })).toEqual({
      signature_valid: true,
      signer_trusted: true,
      receipt_id_valid: true,
      parameter_hash_valid: true,
      receipt_kind: "mediated_decision",
      boundary_class: "prevent",
      trust_level: "mediated",
      result: label,
      decision: label,
      authorized: label === "allow",
      signer_key_hex: kernel.publicKeyHex,
      ok: true,
    });
    expect(verifyHttpReceipt(receipt)).toMatchObject({ signer_trusted: false, ok: false, authorized: false });
  });

  test("a content hash that is no digest, and a policy hash where it is asked for", () => {
    expect(verifyHttpReceipt(signHttpReceipt(httpBody({ content_hash: "x" }), kernel), { trustedKeys })).toMatchObject({
      parameter_hash_valid: false,
      ok: false,
    });
    const loose = signHttpReceipt(httpBody({ policy_hash: "policy-v1" }), kernel);
    expect(verifyHttpReceipt(loose, { trustedKeys }).ok).toBe(true);
    expect(verifyHttpReceipt(loose, { trustedKeys, requireDigests: true }).ok).toBe(false);
  });

  test("a signature in the other shape, over {body, id}, does not verify", () => {
    const body = httpBody();
    const id = sha256Hex(canonicalize(body));
    expect(verifyHttpReceipt({ ...body, id, signature: kernel.sign(canonicalize({ body, id })) }, { trustedKeys }).signature_valid).toBe(
      false,
    );
  });

  test("incoherent semantics do not verify even when the signature does", () => {
    const body = httpBody({ trust_level: "verified" });
    const id = sha256Hex(canonicalize(body));
    const forced = { ...body, id, signature: kernel.sign(canonicalize({ ...body, id })) };
    expect(verifyHttpReceipt(forced, { trustedKeys })).toMatchObject({ receipt_id_valid: true, signature_valid: false, ok: false });
  });
});

describe("projection to a tool receipt", () => {
  test.each(VERDICTS)("of %j", (verdict, label) => {
    const http = signHttpReceipt(httpBody({ verdict, capability_id: "cap-1" }), kernel);
    const tool = projectToToolReceipt(http, kernel);
    expect(tool).toMatchObject({
      tool_server: "http",
      tool_name: "GET /pets/{petId}",
      capability_id: "cap-1",
      action: { parameters: { method: "GET", route: "/pets/{petId}", request_id: http.request_id } },
      metadata: http.metadata,
    });
    expect(tool.id).not.toBe(http.id);
    expect(verifyReceipt(tool, { trustedKeys, requireDigests: true })).toMatchObject({ ok: true, decision: label });
  });

  test("needs the key that signed the HTTP receipt", () => {
    expect(() => projectToToolReceipt(signHttpReceipt(httpBody(), kernel), Keypair.generate())).toThrow("kernel_key");
  });
});

describe("reading", () => {
  const plain = () => JSON.parse(canonicalize(signHttpReceipt(httpBody(), kernel)));
  test.each<[Record<string, unknown>, string]>([
    [{ verdict: "allow" }, "$.verdict must be an object"],
    [{ verdict: { verdict: "cancelled", reason: "x" } }, "$.verdict.verdict"],
    [{ verdict: { verdict: "deny", reason: "x" } }, "$.verdict.guard"],
    [{ verdict: { verdict: "deny", reason: "x", guard: "g", http_status: "403" } }, "$.verdict.http_status"],
    [{ response_status: 1000 }, "$.response_status"],
    [{ method: null }, "$.method is missing"],
    [{ caller_identity_hash: 1 }, "$.caller_identity_hash"],
  ])("refuses %j", (change, message) => {
    expect(() => parseHttpReceipt({ ...plain(), ...change } as Json)).toThrow(message);
  });
});

describe("properties", () => {
  test("no changed byte of a signed receipt is accepted", () => {
    const { canonicalJson } = signHttpReceiptWithText(httpBody({ session_id: "s", capability_id: "cap-1" }), kernel);
    const accepts = (changed: Uint8Array | string) => verifyHttpReceipt(parseHttpReceipt(changed), { trustedKeys }).signature_valid;
    expect(accepts(canonicalJson)).toBe(true);
    expect(acceptedChanges(canonicalJson, accepts)).toEqual([]);
  });

  test("the written-out text of a body is its canonical form, with and without the members that may be absent", () => {
    const value = fc.oneof(anyText(), fc.string()).filter((text) => text.isWellFormed());
    const present = fc.record(
      {
        capability_id: value,
        session_id: value,
        metadata: fc.dictionary(value, json, { maxKeys: 4 }),
        actor_chain: fc.constant([{ actor_id: "a" }]),
      },
      { requiredKeys: [] },
    );
    const evidence = fc.array(
      fc.record({ guard_name: value, verdict: fc.boolean(), details: value }, { requiredKeys: ["guard_name", "verdict"] }),
      {
        minLength: 1,
        maxLength: 3,
      },
    );
    const changes = fc.record({
      request_id: value,
      route_pattern: value,
      content_hash: value,
      response_status: fc.nat(),
      evidence,
      verdict: fc.constantFrom(...VERDICTS.map(([verdict]) => verdict)),
    });
    fc.assert(
      fc.property(present, changes, (optional, change) => {
        const body = httpBody({ ...change, ...optional } as unknown as Partial<HttpReceiptBody>);
        const signed = signHttpReceiptWithText(body, kernel);
        expect(signed.receipt.id).toBe(sha256Hex(canonicalize(body)));
        expect(signed.canonicalJson).toBe(canonicalize(signed.receipt));
        expect(signed.receipt.signature).toBe(kernel.sign(canonicalize({ ...body, id: signed.receipt.id })));
        expect([signed.evidenceJson, signed.verdictJson]).toEqual([canonicalize(body.evidence), canonicalize(body.verdict)]);
      }),
      { numRuns: 200 },
    );
  });

  test("a receipt is not signed whose body lacks a member", () => {
    const { method: _method, ...body } = httpBody();
    expect(() => signHttpReceiptWithText(body as HttpReceiptBody, kernel)).toThrow("undefined");
  });

  test("whatever a caller puts into path and reason, the receipt comes back and verifies", () => {
    fc.assert(
      fc.property(anyText(), fc.string(), (route_pattern, reason) => {
        fc.pre(route_pattern.isWellFormed() && reason.isWellFormed());
        const verdict: HttpVerdict = { verdict: "deny", reason, guard: "g", http_status: 403 };
        const { canonicalJson } = signHttpReceiptWithText(httpBody({ route_pattern, verdict }), kernel);
        expect(verifyHttpReceipt(parseHttpReceipt(canonicalJson), { trustedKeys }).ok).toBe(true);
      }),
      { numRuns: 60 },
    );
  });
});

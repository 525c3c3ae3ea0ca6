import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { sha256Hex } from "../../../sidecar/wire/hash.ts";
import {
  parseHttpReceipt,
  projectToToolReceipt,
  signHttpReceipt,
  signHttpReceiptWithText,
  unsignedHttpReceipt,
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
        const { evidence, verdict } = unsignedHttpReceipt(body, kernel.publicKeyHex);
        expect([evidence, verdict]).toEqual([canonicalize(body.evidence), canonicalize(body.verdict)]);
      }),
      { numRuns: 200 },
    );
  });

  test.each<[string, Partial<HttpReceiptBody>]>([
    ["DEL and the controls behind it", { request_id: "a\u007fb\u0085c\u009f" }],
    ["controls, quotes and backslashes", { request_id: '\u0000\u001f\b\t\n\f\r"\\/\u2028' }],
    ["text that looks like an escape", { request_id: "\\ud800 \\u007f" }],
    ["letters and signs beyond ASCII", { route_pattern: "/é/日本/😀" }],
    ["keys out of order", { metadata: { b: 1, a: { z: null, "": [{ y: 1, x: 2 }] } } }],
    ["keys that look like numbers", { metadata: { "10": 1, "9": 2, "-1": 3 } }],
    ["integers of 64 bits", { metadata: { a: 2n ** 64n - 1n, b: -(2n ** 63n) } }],
    ["numbers", { metadata: { a: -0, b: 1e21, c: 1e-7, d: 0.1, e: 5e-324 } }],
    ["members left undefined", { session_id: undefined, evidence: [{ guard_name: "g", verdict: true, details: undefined }] } as never],
  ])("the text of a body with %s is its canonical form", (_name, change) => {
    const body = httpBody(change);
    expect(`{${unsignedHttpReceipt(body, kernel.publicKeyHex).members}}`).toBe(canonicalize(body));
  });

  test.each<[string, Partial<HttpReceiptBody>, string]>([
    ["a lone surrogate", { request_id: "\ud800" }, "lone surrogate"],
    ["no number", { response_status: Number.NaN }, "NaN"],
    ["an infinity", { metadata: { a: Number.POSITIVE_INFINITY } }, "Infinity"],
    ["a date", { metadata: { a: new Date(0) as never } }, "Date"],
    ["a hole in a list", { metadata: { a: [undefined as never] } }, "undefined"],
    ["an integer over 64 bits", { metadata: { a: 2n ** 64n } }, "64 bits"],
  ])("a body with %s is not signed", (_name, change, message) => {
    expect(() => signHttpReceiptWithText(httpBody(change), kernel)).toThrow(message);
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

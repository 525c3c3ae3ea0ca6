import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import {
  capabilityTimeStatus,
  inspectCapability,
  issueCapability,
  parseCapability,
  verifyCapabilitySignature,
} from "../../../sidecar/wire/capability.ts";
import { WireError } from "../../../sidecar/wire/errors.ts";
import type { Json } from "../../../sidecar/wire/json.ts";
import { scope } from "./arbitraries.ts";
import { acceptedChanges } from "./tamper.ts";
import { body, delegatee, EXPIRES_AT, ISSUED_AT, issuer, plain, stranger, subject, token } from "./tokens.ts";

function refusal(change: Record<string, unknown>): string {
  try {
    parseCapability({ ...plain(token()), ...change } as unknown as Json);
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
  return "accepted";
}

describe("issue, read, verify", () => {
  test("a token survives its JSON, with and without schema and algorithm on the wire", () => {
    const made = token();
    expect(parseCapability(canonicalize(made))).toEqual(made);
    expect(verifyCapabilitySignature(made)).toBe(true);
    const { schema: _schema, ...bare } = made;
    expect(parseCapability(JSON.stringify(bare))).toEqual(made);
    const named = parseCapability(JSON.stringify({ ...made, algorithm: "ed25519" }));
    expect(verifyCapabilitySignature(named)).toBe(true);
  });

  test("empty lists and null optionals on the wire mean absent, and do not break the signature", () => {
    const made = token();
    const grant = { ...made.scope.grants?.[0], max_total_cost: null, dpop_required: null };
    const padded = parseCapability({
      ...made,
      scope: { grants: [grant], resource_grants: [], prompt_grants: [] },
      delegation_chain: [],
      caveats: [],
      budget_share_bps: null,
    } as unknown as Json);
    expect(padded).toEqual(made);
    expect(verifyCapabilitySignature(padded)).toBe(true);
  });

  test("a signature over the body without its schema does not verify", () => {
    const { schema: _schema, ...bare } = body();
    expect(verifyCapabilitySignature({ ...body(), signature: issuer.sign(canonicalize(bare)) })).toBe(false);
  });

  test("64-bit amounts survive", () => {
    const grants = [
      { server_id: "s", tool_name: "t", operations: ["invoke" as const], max_total_cost: { units: 2n ** 64n - 1n, currency: "USD" } },
    ];
    const text = canonicalize(token({ scope: { grants } }));
    expect(text).toContain("18446744073709551615");
    expect(verifyCapabilitySignature(parseCapability(text))).toBe(true);
    expect(verifyCapabilitySignature(parseCapability(text.replace("18446744073709551615", "18446744073709551614")))).toBe(false);
  });

  test("what is issued is checked first", () => {
    expect(() => issueCapability(body({ issuer: stranger.publicKeyHex }), issuer)).toThrow("names as issuer");
    expect(() => issueCapability(body({ expires_at: ISSUED_AT }), issuer)).toThrow("must be later");
    expect(() => issueCapability(body({ id: "" }), issuer)).toThrow("$.id is empty");
    const grants = [{ server_id: "s", tool_name: "t", operations: ["invoke" as const], constraints: [{ type: "moon_phase" }] }];
    expect(() => issueCapability(body({ scope: { grants } }), issuer)).toThrow("not a known constraint type");
    expect(() => issueCapability({ ...body(), extra: 1 } as never, issuer)).toThrow("unknown field");
  });
});

describe("refuses", () => {
  const grant = (change: Record<string, unknown>) => ({
    scope: { grants: [{ server_id: "s", tool_name: "t", operations: ["invoke"], ...change }] },
  });
  test.each<[string, Record<string, unknown>, string]>([
    ["an unknown field", { note: "x" }, "invalid_capability"],
    ["an own __proto__", JSON.parse('{"__proto__":{}}'), "invalid_capability"],
    ["another schema", { schema: "chio.capability.v2" }, "invalid_capability"],
    ["a missing id", { id: null }, "invalid_capability"],
    ["an empty id", { id: "" }, "invalid_capability"],
    ["an upper-case key", { issuer: issuer.publicKeyHex.toUpperCase() }, "invalid_capability"],
    ["a P-256 issuer", { issuer: `p256:04${"a".repeat(128)}` }, "unsupported_algorithm"],
    ["a hybrid signature", { signature: "hybrid:aa:bb:ed25519+mldsa65" }, "unsupported_algorithm"],
    ["another algorithm", { algorithm: "p256" }, "unsupported_algorithm"],
    ["a short signature", { signature: "00" }, "invalid_capability"],
    ["a fractional time", { issued_at: 1.5 }, "invalid_capability"],
    ["a negative time", { issued_at: -1 }, "invalid_capability"],
    ["a time as text", { expires_at: "1" }, "invalid_capability"],
    ["a time past a double", { expires_at: 2n ** 63n }, "invalid_capability"],
    ["no scope", { scope: null }, "invalid_scope"],
    ["a scope that is a list", { scope: [] }, "invalid_scope"],
    ["an unknown field in the scope", { scope: { grant: [] } }, "invalid_scope"],
    ["an unknown field in a grant", grant({ max_calls: 3 }), "invalid_scope"],
    ["no operation", grant({ operations: [] }), "invalid_scope"],
    ["an unknown operation", grant({ operations: ["admin"] }), "invalid_scope"],
    ["an empty tool name", grant({ tool_name: "" }), "invalid_scope"],
    ["invocations over 32 bits", grant({ max_invocations: 2 ** 32 }), "invalid_scope"],
    ["a cost without currency", grant({ max_total_cost: { units: 1 } }), "invalid_scope"],
    ["a negative cost", grant({ max_total_cost: { units: -1, currency: "USD" } }), "invalid_scope"],
    ["dpop as text", grant({ dpop_required: "yes" }), "invalid_scope"],
    ["an unknown constraint", grant({ constraints: [{ type: "moon_phase" }] }), "unknown_constraint"],
    ["a constraint named like a prototype field", grant({ constraints: [{ type: "constructor" }] }), "unknown_constraint"],
    ["a constraint without type", grant({ constraints: [{ value: 1 }] }), "invalid_constraint"],
    ["a constraint with more fields", grant({ constraints: [{ type: "max_length", value: 1, mode: "soft" }] }), "invalid_constraint"],
    ["budget share over 10000", { budget_share_bps: 10_001 }, "invalid_capability"],
    ["an unknown caveat", { caveats: [{ kind: "x", predicate: {} }] }, "invalid_capability"],
    ["a caveat without predicate", { caveats: [{ kind: "bind_session" }] }, "invalid_capability"],
    ["a link with more fields", { delegation_chain: [{ extra: 1 }] }, "invalid_capability"],
    ["a chain that is an object", { delegation_chain: {} }, "invalid_capability"],
    ["an attenuation proof that is text", { attenuation_proof: "x" }, "invalid_capability"],
  ])("%s", (_name, change, code) => {
    expect(refusal(change)).toBe(code);
  });

  test("what is not an object, and JSON that is not strict", () => {
    for (const text of ["null", "[]", '"x"', "1"]) expect(() => parseCapability(text)).toThrow("$ must be an object");
    expect(() => parseCapability('{"id":"a","id":"b"}')).toThrow("duplicate key");
    expect(() => parseCapability(`{"id":"${"a".repeat(300 * 1024)}"}`)).toThrow("limit");
    expect(() => parseCapability('{"__proto__":{"id":"x"}}')).toThrow("unknown field");
  });
});

describe("time", () => {
  test.each([
    [ISSUED_AT - 1, "not_yet_valid"],
    [ISSUED_AT, "valid"],
    [EXPIRES_AT - 1, "valid"],
    [EXPIRES_AT, "expired"],
    [Number.NaN, "expired"],
  ])("at %d: %s", (at, status) => {
    expect(capabilityTimeStatus(token(), at)).toBe(status);
  });
});

describe("inspection", () => {
  test("ok needs signature, chain, time, and the issuer when a list is given", () => {
    const good = { at: ISSUED_AT + 1 };
    expect(inspectCapability(token(), good)).toMatchObject({ ok: true, signature_valid: true, time_status: "valid", delegation_depth: 0 });
    expect(inspectCapability(token(), good)).not.toHaveProperty("issuer_trusted");
    expect(inspectCapability(token(), { ...good, trustedIssuers: [issuer.publicKeyHex] })).toMatchObject({
      ok: true,
      issuer_trusted: true,
    });
    expect(inspectCapability(token(), { ...good, trustedIssuers: [stranger.publicKeyHex] })).toMatchObject({
      ok: false,
      issuer_trusted: false,
    });
    expect(inspectCapability(token(), { ...good, trustedIssuers: [] }).ok).toBe(false);
    expect(inspectCapability(token(), { at: EXPIRES_AT }).ok).toBe(false);
    expect(inspectCapability({ ...token(), id: "cap-2" }, good)).toMatchObject({ ok: false, signature_valid: false });
  });
});

describe("properties", () => {
  test("whatever scope is issued comes back and verifies", () => {
    fc.assert(
      fc.property(scope, (granted) => {
        const made = token({ scope: granted });
        const read = parseCapability(canonicalize(made));
        expect(read).toEqual(made);
        expect(verifyCapabilitySignature(read)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test("no changed byte of a signed token is accepted", () => {
    const text = canonicalize(token({ delegation_chain: [], subject: delegatee.publicKeyHex }));
    expect(inspectCapability(parseCapability(text), { at: ISSUED_AT }).ok).toBe(true);
    expect(acceptedChanges(text, (changed) => inspectCapability(parseCapability(changed), { at: ISSUED_AT }).signature_valid)).toEqual([]);
  });

  test("no removed, added or exchanged field of a signed token is accepted", () => {
    const full = token({ budget_share_bps: 5000, caveats: [{ kind: "bind_session", predicate: "s-1" }] });
    for (const key of Object.keys(full)) {
      if (key === "schema") continue;
      const { [key as keyof typeof full]: _removed, ...rest } = full;
      expect(() => {
        if (!verifyCapabilitySignature(parseCapability(rest as unknown as Json))) throw new WireError("invalid_capability", "refused");
      }).toThrow(WireError);
    }
    expect(verifyCapabilitySignature({ ...full, issuer: full.subject, subject: full.issuer })).toBe(false);
    expect(verifyCapabilitySignature({ ...token(), caveats: [{ kind: "bind_session", predicate: "s-1" }] })).toBe(false);
    expect(subject.publicKeyHex).toBe(full.subject);
  });
});

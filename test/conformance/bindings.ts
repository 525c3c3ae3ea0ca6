import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { canonicalize } from "../../sidecar/wire/canonical.ts";
import { capabilitySigningJson, inspectCapability, issueCapability, parseCapability } from "../../sidecar/wire/capability.ts";
import { sha256Hex } from "../../sidecar/wire/hash.ts";
import type { Json, JsonObject } from "../../sidecar/wire/json.ts";
import { Keypair, verifySignature } from "../../sidecar/wire/keys.ts";
import { parseManifest, verifyManifest } from "../../sidecar/wire/manifest.ts";
import { parseJson } from "../../sidecar/wire/parse.ts";
import { parseToolReceipt, receiptBody, signReceipt, verifyReceipt } from "../../sidecar/wire/receipt.ts";
import { type Check, checksOf, readVectors } from "./load.ts";

function canonical(): Check[] {
  const file = readVectors<{ cases: { id: string; input_json: string; canonical_json: string }[] }>("canonical-v1.json");
  return checksOf("canonical-v1.json", file.cases, 15, (entry) => {
    strictEqual(canonicalize(parseJson(entry.input_json)), entry.canonical_json);
    // The canonical form is a fixed point.
    strictEqual(canonicalize(parseJson(entry.canonical_json)), entry.canonical_json);
  });
}

function hashing(): Check[] {
  const file = readVectors<{ cases: { id: string; input_utf8: string; sha256_hex: string }[] }>("hashing-v1.json");
  return checksOf("hashing-v1.json", file.cases, 3, (entry) => strictEqual(sha256Hex(entry.input_utf8), entry.sha256_hex));
}

interface SigningCase {
  id: string;
  public_key_hex: string;
  signature_hex: string;
  expected_verify: boolean;
  signing_key_seed_hex?: string;
}

function signing(): Check[] {
  const file = readVectors<{
    signing_key_seed_hex: string;
    json_cases: (SigningCase & { input_json: string; canonical_json: string })[];
    utf8_cases: (SigningCase & { input_utf8: string })[];
  }>("signing-v1.json");
  const judge = (entry: SigningCase, message: string) => {
    strictEqual(verifySignature(entry.public_key_hex, message, entry.signature_hex), entry.expected_verify);
    const pair = Keypair.fromSeedHex(entry.signing_key_seed_hex ?? file.signing_key_seed_hex);
    // Ed25519 is deterministic: a case that verifies and was made by a known seed is made again, bit for bit.
    if (entry.expected_verify && pair.publicKeyHex === entry.public_key_hex) strictEqual(pair.sign(message), entry.signature_hex);
  };
  return [
    ...checksOf("signing-v1.json", file.json_cases, 5, (entry) => {
      const text = canonicalize(parseJson(entry.input_json));
      strictEqual(text, entry.canonical_json);
      judge(entry, text);
    }),
    ...checksOf("signing-v1.json", file.utf8_cases, 11, (entry) => judge(entry, entry.input_utf8)),
  ];
}

function capability(): Check[] {
  const file = readVectors<{
    issuer_seed_hex: string;
    cases: {
      id: string;
      capability: JsonObject;
      capability_body_canonical_json: string;
      verify_at: number;
      expected: JsonObject;
      max_delegation_depth?: number;
      expected_with_max_delegation_depth?: JsonObject;
    }[];
  }>("capability-v1.json");
  const issuer = Keypair.fromSeedHex(file.issuer_seed_hex);
  const judge = (value: Json, at: number, maxDelegationDepth?: number) => {
    const report = inspectCapability(parseCapability(value), { at, maxDelegationDepth });
    return {
      delegation_chain_shape_valid: report.delegation_chain_shape_valid,
      signature_valid: report.signature_valid,
      time_status: report.time_status,
      time_valid: report.time_valid,
    };
  };
  return checksOf("capability-v1.json", file.cases, 13, (entry) => {
    deepStrictEqual(judge(entry.capability, entry.verify_at), { ...entry.expected });
    if (entry.expected_with_max_delegation_depth) {
      deepStrictEqual(judge(entry.capability, entry.verify_at, entry.max_delegation_depth), {
        ...entry.expected_with_max_delegation_depth,
      });
    }
    const token = parseCapability(canonicalize(entry.capability));
    // What the file prints is the body without its schema; what is signed has it.
    const { schema: _schema, ...printed } = parseJson(capabilitySigningJson(token)) as JsonObject;
    strictEqual(canonicalize(printed), entry.capability_body_canonical_json);
    if (entry.expected.signature_valid === true) {
      const { signature: _signature, ...body } = token;
      strictEqual(issueCapability(body, issuer).signature, token.signature);
    }
  });
}

function receipt(): Check[] {
  const file = readVectors<{
    signing_key_seed_hex: string;
    cases: { id: string; receipt: JsonObject; receipt_body_canonical_json: string; expected: JsonObject }[];
  }>("receipt-v1.json");
  const kernel = Keypair.fromSeedHex(file.signing_key_seed_hex);
  return checksOf("receipt-v1.json", file.cases, 9, (entry) => {
    const parsed = parseToolReceipt(canonicalize(entry.receipt));
    const report = verifyReceipt(parsed);
    deepStrictEqual({ ...report }, { ...entry.expected });
    const { signature: _signature, ...signed } = entry.receipt;
    strictEqual(canonicalize(signed), entry.receipt_body_canonical_json);
    if (report.signature_valid) deepStrictEqual({ ...signReceipt(receiptBody(parsed), kernel) }, { ...parsed });
    // With its signer trusted, exactly the sound mediated decisions are ok.
    const trusted = verifyReceipt(parsed, { trustedKeys: [kernel.publicKeyHex] });
    strictEqual(trusted.ok, report.signature_valid && report.parameter_hash_valid && report.receipt_kind === "mediated_decision");
    strictEqual(trusted.authorized, trusted.ok && report.decision === "allow");
  });
}

function manifest(): Check[] {
  const file = readVectors<{
    cases: { id: string; signed_manifest: JsonObject; manifest_body_canonical_json: string; expected: JsonObject }[];
  }>("manifest-v1.json");
  return checksOf("manifest-v1.json", file.cases, 3, (entry) => {
    const signed = parseManifest(entry.signed_manifest);
    deepStrictEqual({ ...verifyManifest(signed) }, { ...entry.expected });
    ok(entry.manifest_body_canonical_json.length > 0);
    strictEqual(canonicalize(signed.manifest), entry.manifest_body_canonical_json);
  });
}

export const bindingsChecks: Check[] = [...canonical(), ...hashing(), ...signing(), ...capability(), ...receipt(), ...manifest()];

import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { canonicalize } from "../../sidecar/wire/canonical.ts";
import { capabilitySigningJson, issueCapability, parseCapability, verifyCapabilitySignature } from "../../sidecar/wire/capability.ts";
import {
  checkpointBodyHash,
  parseCheckpoint,
  signCheckpoint,
  verifyCheckpoint,
  verifyCheckpointChain,
} from "../../sidecar/wire/checkpoint.ts";
import { parseDpopProof, signDpopProof, verifyDpopProof } from "../../sidecar/wire/dpop.ts";
import { sha256Hex } from "../../sidecar/wire/hash.ts";
import {
  parseHttpReceipt,
  projectToToolReceipt,
  signHttpReceipt,
  signHttpReceiptWithText,
  verifyHttpReceipt,
} from "../../sidecar/wire/http-receipt.ts";
import { callerIdentityHash, extractCaller, httpContentHash } from "../../sidecar/wire/identity.ts";
import type { Json, JsonObject } from "../../sidecar/wire/json.ts";
import { Keypair } from "../../sidecar/wire/keys.ts";
import { type InclusionProof, inclusionProof, leafHash, merkleRoot, toMerkleHex, verifyInclusion } from "../../sidecar/wire/merkle.ts";
import { verifyReceipt } from "../../sidecar/wire/receipt.ts";
import type { CallerIdentity, CapabilityToken, HttpReceipt, KernelCheckpoint } from "../../sidecar/wire/types.ts";
import { type Check, checksOf, readVectors } from "./load.ts";

function capabilityGrant(): Check[] {
  const name = "derived-capability-http-grant.json";
  const file = readVectors<{ capability: JsonObject; issuer_seed_hex: string; signing_canonical_json: string }>(name);
  return checksOf(name, [{ id: "http_grant", ...file }], 1, (entry) => {
    const token = parseCapability(entry.capability);
    strictEqual(capabilitySigningJson(token), entry.signing_canonical_json);
    strictEqual(verifyCapabilitySignature(token), true);
    const { signature: _signature, ...body } = token;
    deepStrictEqual(issueCapability(body, Keypair.fromSeedHex(entry.issuer_seed_hex)), token);
  });
}

function checkpointChain(): Check[] {
  const name = "derived-checkpoint-chain.json";
  const file = readVectors<{
    signing_key_seed_hex: string;
    checkpoints: { body_canonical_json: string; body_sha256: string; checkpoint: JsonObject }[];
  }>(name);
  const kernel = Keypair.fromSeedHex(file.signing_key_seed_hex);
  const chain: KernelCheckpoint[] = file.checkpoints.map((entry) => parseCheckpoint(entry.checkpoint));
  return [
    ...checksOf(
      name,
      file.checkpoints.map((entry, i) => ({ ...entry, id: `checkpoint_${i + 1}`, parsed: chain[i]! })),
      2,
      (entry) => {
        strictEqual(canonicalize(entry.parsed.body), entry.body_canonical_json);
        strictEqual(checkpointBodyHash(entry.parsed.body), entry.body_sha256);
        strictEqual(verifyCheckpoint(entry.parsed), true);
        deepStrictEqual(signCheckpoint(entry.parsed.body, kernel), entry.parsed);
      },
    ),
    ...checksOf(name, [{ id: "chain" }], 1, () => {
      deepStrictEqual(verifyCheckpointChain(chain, { trustedKeys: [kernel.publicKeyHex] }), { ok: true, errors: [] });
      strictEqual(verifyCheckpointChain([...chain].reverse()).ok, false);
    }),
  ];
}

function dpop(): Check[] {
  const name = "derived-dpop-proof.json";
  const file = readVectors<{ agent_seed_hex: string; arguments: Json; body_canonical_json: string; proof: JsonObject }>(name);
  return checksOf(name, [{ id: "proof", ...file }], 1, (entry) => {
    const agent = Keypair.fromSeedHex(entry.agent_seed_hex);
    const proof = parseDpopProof(entry.proof);
    strictEqual(canonicalize(proof.body), entry.body_canonical_json);
    const call = { toolServer: "srv-files", toolName: "file_read", arguments: entry.arguments };
    const capability = { id: "cap-http-1", subject: agent.publicKeyHex } as CapabilityToken;
    deepStrictEqual(verifyDpopProof(proof, { ...call, capability, now: 1700000000 }), {
      ok: true,
      nonce: "test-nonce",
      expiresAt: 1700000300,
    });
    deepStrictEqual(signDpopProof({ ...call, capabilityId: "cap-http-1", nonce: "test-nonce", issuedAt: 1700000000 }, agent), proof);
  });
}

function identity(): Check[] {
  const name = "derived-http-identity-and-content-hash.json";
  const file = readVectors<{
    content_hashes: {
      id: string;
      binding: { body_hash: string | null; method: string; path: string; query: { [name: string]: string }; route_pattern: string };
      body_utf8: string;
      content_hash: string;
    }[];
    identities: { id: string; identity: CallerIdentity; canonical_json: string; identity_hash: string }[];
  }>(name);
  return [
    ...checksOf(name, file.content_hashes, 3, ({ binding, body_utf8, content_hash }) => {
      strictEqual(body_utf8 === "" ? null : sha256Hex(body_utf8), binding.body_hash);
      const { method, path, query } = binding;
      strictEqual(httpContentHash({ method, path, query, routePattern: binding.route_pattern, bodyHash: binding.body_hash }), content_hash);
    }),
    ...checksOf(name, file.identities, 3, (entry) => {
      strictEqual(canonicalize(entry.identity), entry.canonical_json);
      strictEqual(callerIdentityHash(entry.identity), entry.identity_hash);
      if (entry.id === "anonymous") deepStrictEqual(extractCaller(undefined, undefined), { ...entry.identity });
      if (entry.id === "bearer_mytoken123") deepStrictEqual(extractCaller("Bearer mytoken123", "other"), { ...entry.identity });
    }),
  ];
}

function httpReceipts(): Check[] {
  const name = "derived-http-receipts.json";
  const file = readVectors<{
    signing_key_seed_hex: string;
    cases: { id: string; receipt: JsonObject; id_preimage_canonical_json: string; signing_canonical_json: string }[];
  }>(name);
  const kernel = Keypair.fromSeedHex(file.signing_key_seed_hex);
  return checksOf(name, file.cases, 3, (entry) => {
    const receipt: HttpReceipt = parseHttpReceipt(canonicalize(entry.receipt));
    const { signature: _signature, ...withId } = receipt;
    const { id: _id, ...body } = withId;
    strictEqual(canonicalize(body), entry.id_preimage_canonical_json);
    strictEqual(canonicalize(withId), entry.signing_canonical_json);
    deepStrictEqual({ ...signHttpReceipt(body, kernel) }, { ...receipt });
    strictEqual(signHttpReceiptWithText(body, kernel).canonicalJson, canonicalize(entry.receipt));
    const report = verifyHttpReceipt(receipt, { trustedKeys: [kernel.publicKeyHex], requireDigests: true });
    strictEqual(report.ok, true);
    strictEqual(report.authorized, receipt.verdict.verdict === "allow");
    strictEqual(verifyHttpReceipt(receipt).ok, false);
    const tool = projectToToolReceipt(receipt, kernel);
    strictEqual(tool.tool_name, `${receipt.method} ${receipt.route_pattern}`);
    strictEqual(verifyReceipt(tool, { trustedKeys: [kernel.publicKeyHex] }).ok, true);
  });
}

function merkle(): Check[] {
  const name = "derived-merkle.json";
  const file = readVectors<{ cases: { leaves_utf8: string[]; proofs: InclusionProof[]; root: string; tree_size: number }[] }>(name);
  const trees = file.cases.map((entry) => ({ ...entry, id: `tree_of_${entry.tree_size}` }));
  return checksOf(name, trees, 6, (entry) => {
    const leaves = entry.leaves_utf8.map((leaf) => leafHash(leaf));
    strictEqual(leaves.length, entry.tree_size);
    strictEqual(toMerkleHex(merkleRoot(leaves)), entry.root);
    strictEqual(entry.proofs.length, entry.tree_size);
    for (const proof of entry.proofs) {
      deepStrictEqual({ ...inclusionProof(leaves, proof.leaf_index) }, { ...proof });
      for (const [i, leaf] of leaves.entries()) strictEqual(verifyInclusion(leaf, proof, entry.root), i === proof.leaf_index);
    }
  });
}

export const derivedChecks: Check[] = [
  ...capabilityGrant(),
  ...checkpointChain(),
  ...dpop(),
  ...identity(),
  ...httpReceipts(),
  ...merkle(),
];

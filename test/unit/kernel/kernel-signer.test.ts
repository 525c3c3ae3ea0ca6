import { describe, expect, it } from "vitest";
import { kernelSigner } from "../../../sidecar/kernel/signer.ts";
import { verifyCheckpoint } from "../../../sidecar/wire/checkpoint.ts";
import { sha256Hex } from "../../../sidecar/wire/hash.ts";
import { parseHttpReceipt, signHttpReceiptWithText, verifyHttpReceipt } from "../../../sidecar/wire/http-receipt.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import { parseToolReceipt, signReceiptWithText, verifyReceipt } from "../../../sidecar/wire/receipt.ts";

const keypair = Keypair.fromSeedHex("07".repeat(32));
const signer = kernelSigner(keypair);
const semantics = {
  receipt_kind: "mediated_decision",
  boundary_class: "prevent",
  tool_origin: "caller_executed",
  redaction_mode: "none",
  trust_level: "mediated",
  kernel_key: keypair.publicKeyHex,
  policy_hash: "11".repeat(32),
  content_hash: "22".repeat(32),
  timestamp: 1_700_000_000,
  evidence: [{ guard_name: "CapabilityGuard", verdict: true }],
} as const;
const NOW = 1_800_000_000_999;

describe("the kernel's key, as a store uses it", () => {
  it("signs checkpoints with the kernel's key", () => {
    const body = {
      schema: "chio.checkpoint_statement.v1",
      checkpoint_seq: 1,
      batch_start_seq: 1,
      batch_end_seq: 2,
      tree_size: 2,
      merkle_root: `0x${"33".repeat(32)}`,
      issued_at: 1_700_000_000,
      kernel_key: keypair.publicKeyHex,
    } as const;
    expect(verifyCheckpoint({ body, signature: signer.signCheckpoint(body) })).toBe(true);
    expect(signer.publicKeyHex).toBe(keypair.publicKeyHex);
  });

  it("completes an open HTTP decision with a signed incomplete receipt that names it", () => {
    const decision = signHttpReceiptWithText(
      {
        ...semantics,
        evidence: [...semantics.evidence],
        request_id: "r-1",
        route_pattern: "/pets/{id}",
        method: "DELETE",
        caller_identity_hash: "44".repeat(32),
        verdict: { verdict: "allow" },
        response_status: 200,
        metadata: { chio_http_status_scope: "decision" },
      },
      keypair,
    );
    const entry = signer.completeOpenDecision(decision.canonicalJson, "http", NOW);
    const receipt = parseHttpReceipt(entry.canonicalJson);
    expect(verifyHttpReceipt(receipt, { trustedKeys: [keypair.publicKeyHex] })).toMatchObject({
      ok: true,
      result: "incomplete",
      authorized: false,
    });
    expect(receipt).toMatchObject({
      id: entry.receiptId,
      timestamp: 1_800_000_000,
      metadata: { chio_http_status_scope: "final", chio_decision_receipt_id: decision.receipt.id },
    });
    expect(entry).toMatchObject({
      kind: "http",
      closes: decision.receipt.id,
      index: { outcome: "incomplete", toolServer: "http", toolName: "DELETE /pets/{id}" },
    });
  });

  it("completes an open tool decision in its own shape", () => {
    const decision = signReceiptWithText(
      {
        ...semantics,
        evidence: [...semantics.evidence],
        capability_id: "cap-1",
        tool_server: "files",
        tool_name: "write",
        action: { parameters: {}, parameter_hash: sha256Hex("{}") },
        decision: { verdict: "allow" },
      },
      keypair,
    );
    const entry = signer.completeOpenDecision(decision.canonicalJson, "tool", NOW);
    const receipt = parseToolReceipt(entry.canonicalJson);
    expect(verifyReceipt(receipt, { trustedKeys: [keypair.publicKeyHex] })).toMatchObject({ ok: true, authorized: false });
    expect(receipt.decision?.verdict).toBe("incomplete");
    expect(entry).toMatchObject({
      kind: "tool",
      closes: decision.receipt.id,
      index: { outcome: "incomplete", toolServer: "files", toolName: "write" },
    });
  });
});

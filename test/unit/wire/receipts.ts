import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { sha256Hex } from "../../../sidecar/wire/hash.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import type { ChioReceiptBody, HttpReceiptBody } from "../../../sidecar/wire/types.ts";

export const kernel = Keypair.fromSeed(Buffer.alloc(32, 7));
export const trustedKeys = [kernel.publicKeyHex];

export function toolBody(change: Partial<ChioReceiptBody> = {}): ChioReceiptBody {
  const parameters = { path: "/workspace/a.md", limit: 2n ** 63n };
  return {
    timestamp: 1_710_000_200,
    capability_id: "cap-1",
    tool_server: "srv-files",
    tool_name: "file_read",
    action: { parameters, parameter_hash: sha256Hex(canonicalize(parameters)) },
    decision: { verdict: "allow" },
    receipt_kind: "mediated_decision",
    boundary_class: "prevent",
    tool_origin: "caller_executed",
    redaction_mode: "none",
    content_hash: "ab".repeat(32),
    policy_hash: "cd".repeat(32),
    evidence: [{ guard_name: "forbidden-path", verdict: true }],
    metadata: { chio_receipt_signing_nonce: "018f0000-0000-7000-8000-000000000001" },
    trust_level: "mediated",
    kernel_key: kernel.publicKeyHex,
    ...change,
  };
}

export function httpBody(change: Partial<HttpReceiptBody> = {}): HttpReceiptBody {
  return {
    request_id: "018f0000-0000-7000-8000-000000000001",
    route_pattern: "/pets/{petId}",
    method: "GET",
    caller_identity_hash: "5a".repeat(32),
    verdict: { verdict: "allow" },
    receipt_kind: "mediated_decision",
    boundary_class: "prevent",
    tool_origin: "caller_executed",
    redaction_mode: "none",
    evidence: [{ guard_name: "CapabilityGuard", verdict: true, details: "valid capability token presented" }],
    response_status: 200,
    timestamp: 1_710_000_200,
    content_hash: "ab".repeat(32),
    policy_hash: "cd".repeat(32),
    trust_level: "mediated",
    metadata: { chio_http_status_scope: "final" },
    kernel_key: kernel.publicKeyHex,
    ...change,
  };
}

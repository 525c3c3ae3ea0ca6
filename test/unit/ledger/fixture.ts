import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLedger } from "../../../sidecar/ledger/ledger.ts";
import type { Ledger, LedgerEntry, LedgerOptions, LedgerSigner, UnsignedReceipt } from "../../../sidecar/ledger/types.ts";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { sha256Hex } from "../../../sidecar/wire/hash.ts";
import { signHttpReceiptWithText, unsignedHttpReceipt } from "../../../sidecar/wire/http-receipt.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import { signReceiptWithText } from "../../../sidecar/wire/receipt.ts";
import type { HttpReceipt, HttpReceiptBody, HttpVerdict } from "../../../sidecar/wire/types.ts";

export interface HttpOptions {
  requestId?: string;
  timestamp?: number;
  verdict?: HttpVerdict;
  capabilityId?: string;
  closes?: string;
  opens?: boolean;
  filler?: number;
  tenantId?: string;
  state?: LedgerEntry["state"];
  costUnits?: bigint;
}

/** What a kernel does for the ledger: signs receipts and checkpoints with one key. */
export class TestKernel implements LedgerSigner {
  readonly keypair: Keypair;
  readonly publicKeyHex: string;
  completions = 0;

  constructor(seedByte = 7) {
    this.keypair = Keypair.fromSeedHex(seedByte.toString(16).padStart(2, "0").repeat(32));
    this.publicKeyHex = this.keypair.publicKeyHex;
  }

  signCheckpoint(body: object): string {
    return this.keypair.sign(canonicalize(body));
  }

  completeOpenDecision(decisionCanonicalJson: string, _kind: LedgerEntry["kind"], now: number): LedgerEntry {
    this.completions++;
    const decision = JSON.parse(decisionCanonicalJson) as HttpReceipt;
    return this.http({
      requestId: decision.request_id,
      timestamp: Math.floor(now / 1000),
      verdict: { verdict: "incomplete", reason: "the sidecar ended before the answer" },
      closes: decision.id,
    });
  }

  /** A signed receipt. */
  http(options: HttpOptions = {}): LedgerEntry {
    const { body, ...about } = this.#about(options);
    const { receipt, canonicalJson } = signHttpReceiptWithText(body, this.keypair);
    return { receiptId: receipt.id, kind: "http", canonicalJson, ...about };
  }

  /** The same, to be signed by the ledger. */
  unsigned(options: HttpOptions = {}): UnsignedReceipt {
    const { body, ...about } = this.#about(options);
    return { text: unsignedHttpReceipt(body, this.publicKeyHex), ...about };
  }

  tool(
    options: { toolServer?: string; toolName?: string; capabilityId?: string; tenantId?: string; timestamp?: number } = {},
  ): LedgerEntry {
    const parameters = { path: "/tmp/x", nonce: randomUUID() };
    const { receipt, canonicalJson } = signReceiptWithText(
      {
        timestamp: options.timestamp ?? 1_764_000_000,
        capability_id: options.capabilityId ?? "",
        tool_server: options.toolServer ?? "files",
        tool_name: options.toolName ?? "read",
        action: { parameters, parameter_hash: sha256Hex(canonicalize(parameters)) },
        decision: { verdict: "allow" },
        receipt_kind: "mediated_decision",
        boundary_class: "prevent",
        tool_origin: "caller_executed",
        redaction_mode: "none",
        content_hash: sha256Hex("content"),
        policy_hash: sha256Hex("policy"),
        trust_level: "mediated",
        ...(options.tenantId ? { tenant_id: options.tenantId } : {}),
        kernel_key: this.publicKeyHex,
      },
      this.keypair,
    );
    return {
      receiptId: receipt.id,
      kind: "tool",
      canonicalJson,
      index: {
        timestamp: receipt.timestamp,
        toolServer: receipt.tool_server,
        toolName: receipt.tool_name,
        outcome: "allow",
        ...(options.capabilityId ? { capabilityId: options.capabilityId } : {}),
        ...(options.tenantId ? { tenantId: options.tenantId } : {}),
      },
    };
  }

  #about(options: HttpOptions): Pick<LedgerEntry, "index" | "opens" | "closes" | "state"> & { body: HttpReceiptBody } {
    const verdict = options.verdict ?? { verdict: "allow" };
    const body: HttpReceiptBody = {
      request_id: options.requestId ?? randomUUID(),
      route_pattern: "/orders/{id}",
      method: "POST",
      caller_identity_hash: sha256Hex("caller"),
      verdict,
      receipt_kind: "mediated_decision",
      boundary_class: "prevent",
      tool_origin: "caller_executed",
      redaction_mode: "none",
      evidence: [{ guard_name: "CapabilityGuard", verdict: verdict.verdict === "allow" }],
      response_status: 200,
      timestamp: options.timestamp ?? 1_764_000_000,
      content_hash: sha256Hex("content"),
      policy_hash: sha256Hex("policy"),
      trust_level: "mediated",
      metadata: {
        chio_http_status_scope: "final",
        ...(options.costUnits === undefined ? {} : { chio_cost: { units: options.costUnits, currency: "USD" } }),
        ...(options.filler ? { filler: "x".repeat(options.filler) } : {}),
      },
      ...(options.capabilityId ? { capability_id: options.capabilityId } : {}),
      kernel_key: this.publicKeyHex,
    };
    return {
      body,
      index: {
        timestamp: body.timestamp,
        toolServer: "http",
        toolName: "POST /orders/{id}",
        outcome: verdict.verdict === "cancel" ? "cancelled" : verdict.verdict,
        ...(options.capabilityId ? { capabilityId: options.capabilityId } : {}),
        ...(options.tenantId ? { tenantId: options.tenantId } : {}),
        ...(options.costUnits === undefined ? {} : { costUnits: options.costUnits, costCurrency: "USD" }),
      },
      ...(options.opens ? { opens: true } : {}),
      ...(options.closes ? { closes: options.closes } : {}),
      ...(options.state ? { state: options.state } : {}),
    };
  }
}

/** A directory that is removed at the end of the `using` block. */
export function scratch(parent = tmpdir()): { path: string; store: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(parent, "chio-ledger-"));
  return { path, store: join(path, "receipts.sqlite"), [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

export function openTestLedger(path: string | null, options: Partial<LedgerOptions> = {}): Promise<Ledger> {
  const kernel = new TestKernel();
  return openLedger({
    path,
    signer: kernel,
    // Where a test brings a signer of its own, it says whether the ledger signs for it.
    ...(options.signer === undefined ? { keypair: kernel.keypair } : {}),
    sinks: [],
    acknowledge: "ledger",
    queueLimit: 4096,
    checkpoint: { batchSize: 100, intervalMs: 60_000 },
    retention: { maxAgeDays: 90, maxBytes: 10 * 2 ** 30 },
    now: () => Date.now(),
    ...options,
  });
}

/** Waits until `condition` holds; rejects with what was waited for. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 25_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`timed out waiting until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

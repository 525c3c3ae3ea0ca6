import { receiptIndex } from "../kernel/receipts.ts";
import { canonicalize } from "../wire/canonical.ts";
import { verifyHttpReceipt } from "../wire/http-receipt.ts";
import type { Json, JsonObject } from "../wire/json.ts";
import { verifySignature } from "../wire/keys.ts";
import { leafHash } from "../wire/merkle.ts";
import { parseJson } from "../wire/parse.ts";
import { verifyReceipt } from "../wire/receipt.ts";
import { MAX_RECEIPT_DEPTH, parseHttpReceipt, parseToolReceipt } from "../wire/receipt-parse.ts";
import type { ChioReceipt, HttpReceipt } from "../wire/types.ts";
import { LedgerError } from "./errors.ts";
import { indexedCost } from "./packing.ts";
import type { LedgerEntry, ReceiptIndex } from "./types.ts";

/** A row as the store has it. `leafHash` and `index` are checked where they are given. */
export interface StoredReceipt {
  seq: number;
  receiptId: string;
  kind: LedgerEntry["kind"];
  canonicalJson: string;
  leafHash?: Uint8Array;
  index?: StoredIndex;
}

export type StoredIndex = Record<Exclude<keyof ReceiptIndex, "costUnits">, string | number | null> & { costUnits: bigint | null };

export type VerifiedReceipt = ChioReceipt | HttpReceipt | JsonObject;

/**
 * The receipt of a row, with its id recomputed and its signature verified. Throws LedgerError `receipt_tampered` that names seq and id when
 * anything of the row is not what was signed and stored. Whether the signer is trusted is the caller's question: see `kernel_key`.
 */
export function verifyStoredReceipt(row: StoredReceipt): VerifiedReceipt {
  const { canonicalJson, leafHash: leaf } = row;
  if (leaf !== undefined && Buffer.compare(leaf, leafHash(canonicalJson)) !== 0)
    throw tampered(row, "its text does not have the stored hash");
  let receipt: VerifiedReceipt;
  let problem: string | null;
  try {
    const value = parseJson(canonicalJson, { maxBytes: Number.MAX_SAFE_INTEGER, maxDepth: MAX_RECEIPT_DEPTH });
    if (canonicalize(value as object) !== canonicalJson) throw new Error("its text is not canonical");
    receipt = read(row.kind, value);
    problem = examine(row.kind, receipt);
  } catch (error) {
    throw tampered(row, error instanceof Error ? error.message : String(error));
  }
  if (problem !== null) throw tampered(row, problem);
  if (receipt.id !== row.receiptId) throw tampered(row, `it is the receipt ${receipt.id}`);
  const column = row.index === undefined ? null : wrongColumn(row.kind, receipt, row.index);
  if (column !== null) throw tampered(row, `its column ${column} does not say what the receipt says`);
  return receipt;
}

function read(kind: LedgerEntry["kind"], value: Json): VerifiedReceipt {
  if (kind === "http") return parseHttpReceipt(value);
  if (kind === "tool") return parseToolReceipt(value);
  if (kind === "child") return childReceipt(value);
  throw new Error(`its kind ${kind} is unknown`);
}

/** An HTTP receipt is signed in the same way: without a look at its members, it would pass for one, and no column of it would be compared. */
function childReceipt(value: Json): JsonObject {
  const receipt = value as JsonObject;
  for (const name of ["parent_request_id", "operation_kind", "terminal_state", "outcome_hash"])
    if (typeof receipt[name] !== "string") throw new Error(`it is no receipt of a child request: ${name} is no text`);
  return receipt;
}

function examine(kind: LedgerEntry["kind"], receipt: VerifiedReceipt): string | null {
  if (kind === "child") {
    const { signature, algorithm: _, ...body } = receipt as JsonObject;
    const valid = verifySignature(String(body.kernel_key), canonicalize(body), String(signature));
    return valid ? null : "its signature does not verify";
  }
  const report = kind === "http" ? verifyHttpReceipt(receipt as HttpReceipt) : verifyReceipt(receipt as ChioReceipt);
  if (!report.receipt_id_valid) return "its id is not the hash of its body";
  if (!report.signature_valid) return "its signature does not verify";
  return report.parameter_hash_valid ? null : "its parameter hash is wrong";
}

/**
 * Columns are what filters look at: a changed one would hide a receipt or show it as something else. They follow from the receipt, but for the tenant
 * of an HTTP receipt, which no field of it names.
 */
function wrongColumn(kind: LedgerEntry["kind"], receipt: VerifiedReceipt, columns: StoredIndex): string | null {
  if (kind === "child") return columns.timestamp === (receipt as JsonObject).timestamp ? null : "timestamp";
  const signed = receiptIndex(receipt as ChioReceipt | HttpReceipt);
  const expected: StoredIndex = {
    timestamp: signed.timestamp,
    capabilityId: signed.capabilityId ?? null,
    toolServer: signed.toolServer,
    toolName: signed.toolName,
    outcome: signed.outcome,
    tenantId: signed.tenantId ?? (kind === "http" ? columns.tenantId : null),
    subject: signed.subject ?? null,
    costUnits: indexedCost(signed.costUnits),
    costCurrency: signed.costCurrency ?? null,
  };
  for (const name of Object.keys(expected) as (keyof StoredIndex)[]) if (columns[name] !== expected[name]) return name;
  return null;
}

function tampered({ seq, receiptId }: StoredReceipt, problem: string): LedgerError {
  return new LedgerError("receipt_tampered", `receipt seq ${seq} (${receiptId}) was tampered with: ${problem}`, {
    fix: "`chio checkpoint verify` shows what else does not match; the sinks and copies of the store have the original",
  });
}

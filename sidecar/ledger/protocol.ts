import type { BudgetCharge, StateChange } from "../kernel/types.ts";
import type { LedgerErrorCode } from "./errors.ts";
import type { LedgerEntry, LedgerFault, ReceiptIndex } from "./types.ts";

// Messages between the main thread (signs, answers) and the store's thread (SQLite). Entries travel as one flat array of primitives per
// event-loop turn: cloning that costs about half of what cloning objects does.

/** Place of each field of one packed entry. */
export const FIELD = {
  receiptId: 0,
  kind: 1,
  canonicalJson: 2,
  opens: 3,
  closes: 4,
  timestamp: 5,
  capabilityId: 6,
  toolServer: 7,
  toolName: 8,
  outcome: 9,
  tenantId: 10,
  subject: 11,
  costUnits: 12,
  costCurrency: 13,
  state: 14,
} as const;
export const FIELDS = 15;

export type PackedField = string | number | bigint | null | readonly StateChange[];
export type Packed = PackedField[];

const MAX_INDEXED_COST = 2n ** 63n - 1n;

/** SQLite's integers end at 2^63 - 1; a larger cost is indexed as that. The receipt itself keeps the exact value. */
export function indexedCost(units: bigint | undefined): bigint | null {
  if (units === undefined) return null;
  return units > MAX_INDEXED_COST ? MAX_INDEXED_COST : units;
}

export function packEntry(entry: LedgerEntry, out: Packed): void {
  const { index } = entry;
  out.push(
    entry.receiptId,
    entry.kind,
    entry.canonicalJson,
    entry.opens === true ? 1 : 0,
    entry.closes ?? null,
    index.timestamp,
    index.capabilityId || null,
    index.toolServer,
    index.toolName,
    index.outcome,
    index.tenantId ?? null,
    index.subject ?? null,
    indexedCost(index.costUnits),
    index.costCurrency ?? null,
    entry.state && entry.state.length > 0 ? entry.state : null,
  );
}

/** An entry without a receipt: state that becomes durable on its own. */
export function packState(state: readonly StateChange[], out: Packed): void {
  out.push(null, "", "", 0, null, 0, null, "", "", "", null, null, null, null, state);
}

/** What the thread is started with. */
export interface WorkerOptions {
  role: "store";
  path: string | null;
  batchSize: number;
  intervalMs: number;
  retention: { maxAgeDays: number; maxBytes: number; archiveDir: string | null };
  sinks: readonly string[];
  /** Unix milliseconds. */
  now: number;
  /** Module that the maintenance thread is started from. */
  workerUrl: string;
}

export interface Cursor {
  receiptSeq: number;
  checkpointSeq: number;
}

export interface OpenDecision {
  seq: number;
  receiptId: string;
  kind: LedgerEntry["kind"];
  canonicalJson: string;
}

/** Where the chain of checkpoints ends. */
export interface ChainHead {
  checkpointSeq: number;
  bodySha256: string;
  issuedAt: number;
  batchEndSeq: number;
}

export interface Counts {
  receipts: number;
  open: number;
  uncheckpointed: number;
}

export interface Snapshot extends Counts {
  lastSeq: number;
  head: ChainHead | null;
  budgets: BudgetCharge[];
  replayKeys: { nonce: string; capabilityId: string; expiresAt: number }[];
  revoked: string[];
  cursors: Record<string, Cursor>;
  openDecisions: OpenDecision[];
}

export interface ReceiptRow {
  seq: number;
  outcome: ReceiptIndex["outcome"];
  canonicalJson: string;
}

export interface CheckpointRow {
  checkpointSeq: number;
  batchEndSeq: number;
  canonicalJson: string;
}

export interface SignedCheckpoint extends CheckpointRow {
  batchStartSeq: number;
  issuedAt: number;
  bodySha256: string;
}

export type ToWorker =
  | { type: "append"; entries: Packed }
  /** Answer to `draft`. */
  | { type: "checkpoint"; checkpoint: SignedCheckpoint }
  /** The draft cannot be signed, and none after it. */
  | { type: "abandon" }
  | { type: "cursor"; sink: string; cursor: Cursor }
  | { type: "read"; id: number; after: Cursor; limit: number }
  | { type: "probe"; id: number }
  | { type: "maintain"; now: number }
  /** Cut the last batch now, whatever its size; answered when its checkpoint is stored, or cannot be. */
  | { type: "finish"; id: number }
  | { type: "close"; id: number };

export type FromWorker =
  | { type: "opened"; snapshot: Snapshot }
  | { type: "refused"; code: LedgerErrorCode; message: string; fix: string | null; fault: LedgerFault | null }
  /** The oldest `entries` entries are durable; receipts among them are numbered from `firstSeq` on. */
  | { type: "committed"; entries: number; firstSeq: number; counts: Counts; seconds: number }
  /** The oldest `entries` entries were not stored. */
  | { type: "failed"; entries: number; fault: LedgerFault; message: string }
  | { type: "draft"; batchStartSeq: number; batchEndSeq: number; merkleRoot: string }
  | { type: "checkpointed"; checkpoint: CheckpointRow; counts: Counts }
  | { type: "fault"; fault: LedgerFault; message: string }
  | { type: "recovered"; counts: Counts }
  | { type: "revoked"; capabilityIds: string[] }
  | { type: "archived"; counts: Counts }
  | { type: "archive_failed"; message: string }
  | { type: "rows"; id: number; receipts: ReceiptRow[]; checkpoints: CheckpointRow[]; error: string | null }
  | { type: "probed"; id: number; ok: boolean }
  | { type: "finished"; id: number }
  | { type: "closed"; id: number };

import type { BudgetCharge } from "../kernel/types.ts";
import type { LedgerErrorCode } from "./errors.ts";
import type { PackedEntries } from "./packing.ts";
import type { LedgerEntry, LedgerFault, ReceiptIndex } from "./types.ts";

// Messages between the main thread (decides, answers) and the store's thread (signs, SQLite).

/** What the thread opens its store with. */
export interface WorkerOptions {
  path: string | null;
  batchSize: number;
  intervalMs: number;
  retention: { maxAgeDays: number; maxBytes: number; archiveDir: string | null };
  sinks: readonly string[];
  /** Unix milliseconds. */
  now: number;
  /** Module that the maintenance thread is started from. */
  workerUrl: string;
  /** Seed of the key that signs what comes unsigned. The thread wipes it once it has read it. */
  seed: Uint8Array | null;
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
  /** Unix seconds. */
  budgetsPrunedUntil: number;
  /** Unix seconds: keys that expired at or before this are not among those that follow. */
  replayPrunedUntil: number;
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
  /** The first message. */
  | { type: "open"; options: WorkerOptions }
  | ({ type: "append" } & PackedEntries)
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
  /** The oldest `entries` entries are durable; receipts among them are numbered from `firstSeq` on. `proofs`: see sign-entries.ts. */
  | { type: "committed"; entries: number; firstSeq: number; proofs: string; counts: Counts; seconds: number }
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

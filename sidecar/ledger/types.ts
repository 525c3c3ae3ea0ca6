import type { KernelSigner, StoredReceipt } from "../kernel/receipt-store.ts";
import type { ReceiptIndexRow } from "../kernel/receipts.ts";
import type { BudgetCharge } from "../kernel/types.ts";
import type { HttpReceiptText } from "../wire/http-receipt-text.ts";
import type { Keypair } from "../wire/keys.ts";
import type { Sha256Hex, SignatureHex } from "../wire/types.ts";
import type { LedgerThread } from "./thread.ts";

/** A receipt as a kernel hands it over. */
export type LedgerEntry = StoredReceipt;

/** An HTTP receipt as `unsignedHttpReceipt` wrote it, for {@link Ledger.signAndAppend}. */
export interface UnsignedReceipt extends Pick<LedgerEntry, "opens" | "closes" | "index" | "state"> {
  text: HttpReceiptText;
}

/** What makes a receipt of an unsigned one. */
export interface ReceiptProof {
  receiptId: Sha256Hex;
  signature: SignatureHex;
}

/** Columns that `chio receipt list` filters by. What the receipt says too (time, capability, outcome; a tool receipt's tool) must be the same here: it is compared on read. */
export type ReceiptIndex = ReceiptIndexRow;

/** Why the ledger takes nothing at the moment. All but `closed` end by themselves when their cause is gone; see `LedgerOptions.onLost`. */
export type LedgerFault = "disk_full" | "read_only" | "locked" | "corrupt" | "io_error" | "queue_full" | "sink_unreachable" | "closed";

export interface SinkStatus {
  name: string;
  reachable: boolean;
  /** Why it is not reachable. */
  message?: string;
  /** Receipts in the store that the sink has not taken yet. */
  behind: number;
}

export interface LedgerStatus {
  writable: boolean;
  /** The same but for the sinks: false through the store's own fault alone. */
  storeWritable: boolean;
  fault?: LedgerFault;
  message?: string;
  /** Entries waiting for their commit. */
  queued: number;
  /** Receipts in the store. */
  receipts: number;
  /** Decisions written ahead that have no final receipt yet. */
  open: number;
  checkpointSeq: number;
  /** Unix seconds of the last checkpoint; 0 before the first. */
  checkpointAt: number;
  /** Receipts that no checkpoint covers yet. */
  uncheckpointed: number;
  sinks: readonly SinkStatus[];
  /** Why old receipts could not be moved to the archive. New ones are taken all the same. */
  retentionProblem?: string;
}

/** Signs checkpoints, and receipts that a crash left owing, in the main thread: `kernelSigner(keypair)`. */
export type LedgerSigner = KernelSigner;

/** A second place that each durable group is handed to, in order: stdout, later the remote engines. */
export interface ReceiptSink {
  readonly name: string;
  /**
   * Called with each group after it is durable locally, one call at a time, in the order of the log. Rejecting marks the sink unreachable; the
   * group is offered again. Delivery is at least once: after a crash the last groups come a second time.
   */
  write(group: readonly SinkRecord[]): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface SinkRecord {
  type: "receipt" | "checkpoint";
  /** Place in the log: `seq` of a receipt, `checkpoint_seq` of a checkpoint. */
  seq: number;
  canonicalJson: string;
  outcome?: ReceiptIndex["outcome"];
}

/** Durable receipts. Every method that fails throws `LedgerError` with a `fault`. */
export interface Ledger {
  /** Resolves when the entry is acknowledged as configured (`receipts.acknowledge`). Rejects at once with `queue_full` when the bound is reached. */
  append(entry: LedgerEntry): Promise<void>;
  /**
   * As `append`, for a receipt that the store's thread signs with `LedgerOptions.keypair` in the same turn in which it stores it: the thread that
   * answers requests has a sixth of its time left over for it. Resolves with what was signed.
   */
  signAndAppend(receipt: UnsignedReceipt): Promise<ReceiptProof>;
  /** In force at once; resolves when it is durable. `at`: Unix seconds. */
  revoke(capabilityId: string, at: number, reason?: string): Promise<void>;
  /** Also true for what another process wrote into the store (`chio capability revoke`), within 250 ms. */
  isRevoked(capabilityId: string): boolean;
  /** Budget counters as they were durable at open. */
  initialBudgets(): readonly BudgetCharge[];
  /** Counters of tokens that expired at or before this were dropped before open; Unix seconds, 0 when none was. */
  budgetsPrunedUntil(): number;
  /** Unexpired DPoP replay keys as they were durable at open. */
  initialReplayKeys(): readonly { nonce: string; capabilityId: string; expiresAt: number }[];
  /** Replay keys that expired at or before this were dropped before open; Unix seconds. */
  replayPrunedUntil(): number;
  status(): LedgerStatus;
  /** Tries a write that is rolled back; false sets `status().fault`. */
  probe(): Promise<boolean>;
  /** Everything accepted so far is durable and with the sinks. */
  flush(): Promise<void>;
  /** Final checkpoint, then flush and close. Returns what could not be handed over in time. */
  close(options?: { deadlineMs?: number }): Promise<{ undelivered: number }>;
}

export interface LedgerOptions {
  /** File of the SQLite store; null keeps receipts in memory (only with --allow-ephemeral-receipts). */
  path: string | null;
  signer: LedgerSigner;
  /** The signer's key, for `signAndAppend`. The store's thread gets a copy of the seed and wipes it when the ledger is closed. */
  keypair?: Keypair;
  sinks: readonly ReceiptSink[];
  acknowledge: "ledger" | "sink";
  /** Entries; past it `append` rejects with `queue_full`. */
  queueLimit: number;
  checkpoint: { batchSize: number; intervalMs: number };
  retention: { maxAgeDays: number; maxBytes: number; archiveDir?: string };
  /** Unix milliseconds. */
  now: () => number;
  onFault?: (fault: LedgerFault, message: string) => void;
  onRecovered?: () => void;
  /** The store's thread ended by itself. This ledger takes nothing any more, and does not heal: end the process. */
  onLost?: (error: Error) => void;
  /** After each group that is durable: its receipts and the seconds of its commit, for the metrics. */
  onCommit?: (receipts: number, seconds: number) => void;
  /** How long one write to a sink may take before the sink counts as unreachable. Default 10,000. */
  sinkTimeoutMs?: number;
  /** How often retention is looked at. Default 60,000. */
  maintenanceIntervalMs?: number;
  /** What `startLedgerThread` returned. Default: a thread is started. */
  thread?: LedgerThread;
  /** Module of the store's thread, for programs that were bundled into one file. Default: found beside this module. */
  workerUrl?: URL;
}

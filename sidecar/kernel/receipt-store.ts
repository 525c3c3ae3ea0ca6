import type { CheckpointBody, SignatureHex } from "../wire/types.ts";
import type { ReceiptIndexRow } from "./receipts.ts";
import type { BudgetCharge, StateChange } from "./types.ts";

/** A signed receipt on its way into a store, with what has to become durable together with it. */
export interface StoredReceipt {
  receiptId: string;
  kind: "http" | "tool" | "child";
  /** JCS text of the complete signed receipt: what is stored, and the Merkle leaf. */
  canonicalJson: string;
  /** Written ahead of a side effect. Until a receipt closes it, recovery owes it an `incomplete` one. */
  opens?: boolean;
  /** Id of the decision that this receipt completes. */
  closes?: string;
  index: ReceiptIndexRow;
  state?: readonly StateChange[];
}

/** Where a kernel keeps receipts and the state that must survive with them. */
export interface ReceiptStore {
  /** Resolves when all are durable, in this order. Rejects when one is not; then the calls that they are about get no result. */
  append(receipts: readonly StoredReceipt[]): Promise<void>;
  /** In force at once; resolves when durable. `at`: unix seconds. */
  revoke(capabilityId: string, at: number, reason?: string): Promise<void>;
  isRevoked(capabilityId: string): boolean;
  /** Budget counters and unexpired nonces as they were durable when the store was opened. */
  initialBudgets(): readonly BudgetCharge[];
  /** Unix seconds: counters of tokens that expired at or before this are no longer among them. Absent: all are. */
  budgetsPrunedUntil?(): number;
  initialReplayKeys(): readonly { nonce: string; capabilityId: string; expiresAt: number }[];
  /** The same mark for them. */
  replayPrunedUntil?(): number;
  /** Everything appended so far is where it has to go. */
  flush(): Promise<void>;
  /** Last checkpoint, then close. Resolves with the number of receipts that could not be handed over. */
  close(options?: { deadlineMs?: number }): Promise<{ undelivered: number }>;
}

/** What a store may ask of the kernel's key. It never sees the seed. `kernelSigner` makes one. */
export interface KernelSigner {
  publicKeyHex: string;
  signCheckpoint(body: CheckpointBody): SignatureHex;
  /** The signed `incomplete` receipt for a decision that was left open; its `closes` is that decision's id. `now`: unix milliseconds. */
  completeOpenDecision(decisionCanonicalJson: string, kind: StoredReceipt["kind"], now: number): StoredReceipt;
}

/** The kernel's configuration, as far as it concerns a store. */
export interface StoreSettings {
  checkpointBatchSize: number;
  retention: { maxAgeDays: number; maxBytes: number };
  /** Unix milliseconds. */
  now: () => number;
}

/** Opens a store. Called once, with the first session: a kernel is built without any I/O. */
export interface ReceiptStoreSource {
  open(signer: KernelSigner, settings: StoreSettings): ReceiptStore | Promise<ReceiptStore>;
}

/** The part of the SQLite ledger (`chio-kit/ledger`) that a kernel needs. */
export interface LedgerLike {
  append(entry: StoredReceipt): Promise<void>;
  revoke(capabilityId: string, at: number, reason?: string): Promise<void>;
  isRevoked(capabilityId: string): boolean;
  initialBudgets(): readonly BudgetCharge[];
  budgetsPrunedUntil?(): number;
  initialReplayKeys(): readonly { nonce: string; capabilityId: string; expiresAt: number }[];
  /** The same mark for them. */
  replayPrunedUntil?(): number;
  flush(): Promise<void>;
  close(options?: { deadlineMs?: number }): Promise<{ undelivered: number }>;
}

/**
 * A ledger as the kernel's store:
 * `ledgerStore((signer, settings) => openLedger({ path, signer, checkpoint: { batchSize: settings.checkpointBatchSize, intervalMs }, … }))`.
 */
export function ledgerStore(openLedger: (signer: KernelSigner, settings: StoreSettings) => Promise<LedgerLike>): ReceiptStoreSource {
  return {
    async open(signer, settings) {
      const ledger = await openLedger(signer, settings);
      return {
        // One commit takes them all: the ledger groups what arrives in the same turn.
        append: async (receipts) => {
          const results = await Promise.allSettled(receipts.map((receipt) => ledger.append(receipt)));
          for (const result of results) if (result.status === "rejected") throw result.reason;
        },
        revoke: (capabilityId, at, reason) => ledger.revoke(capabilityId, at, reason),
        isRevoked: (capabilityId) => ledger.isRevoked(capabilityId),
        initialBudgets: () => ledger.initialBudgets(),
        budgetsPrunedUntil: () => ledger.budgetsPrunedUntil?.() ?? 0,
        initialReplayKeys: () => ledger.initialReplayKeys(),
        replayPrunedUntil: () => ledger.replayPrunedUntil?.() ?? 0,
        flush: () => ledger.flush(),
        close: (options) => ledger.close(options),
      };
    },
  };
}

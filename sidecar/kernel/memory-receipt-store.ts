import { CHECKPOINT_SCHEMA, checkpointBodyHash } from "../wire/checkpoint.ts";
import { leafHash, merkleRoot, toMerkleHex } from "../wire/merkle.ts";
import { parseToolReceipt } from "../wire/receipt-parse.ts";
import type { ChioReceipt, KernelCheckpoint } from "../wire/types.ts";
import { KernelError } from "./errors.ts";
import { MemoryRevocationStore } from "./memory-stores.ts";
import type { KernelSigner, ReceiptStore, ReceiptStoreSource, StoredReceipt, StoreSettings } from "./receipt-store.ts";
import type { BudgetCharge } from "./types.ts";

interface Kept {
  seq: number;
  entry: StoredReceipt;
}

const MEMORY_MAX_BYTES = 64 * 1024 * 1024;
const MEMORY_MAX_RECEIPTS = 100_000;
const SECONDS_PER_DAY = 86_400;

/**
 * Receipts in memory, with checkpoints: for tests, and for hosts that hand receipts on themselves. Nothing survives the process. The oldest go
 * first when the kernel's retention or the store's own bounds are passed; with checkpoints on, only those that a checkpoint covers.
 */
export class MemoryReceiptStore implements ReceiptStore, ReceiptStoreSource {
  readonly #maxReceipts: number;
  readonly #maxBytes: number;
  readonly #revocations = new MemoryRevocationStore();
  readonly #kept: Kept[] = [];
  readonly #checkpoints: KernelCheckpoint[] = [];
  /** Leaf hashes of receipts after the last checkpoint. */
  #pending: Uint8Array[] = [];
  #bytes = 0;
  #seq = 0;
  #opened: { signer: KernelSigner; settings: StoreSettings } | null = null;
  #closed = false;

  constructor(options: { maxReceipts?: number; maxBytes?: number } = {}) {
    this.#maxReceipts = options.maxReceipts ?? MEMORY_MAX_RECEIPTS;
    this.#maxBytes = options.maxBytes ?? MEMORY_MAX_BYTES;
  }

  open(signer: KernelSigner, settings: StoreSettings): this {
    if (this.#opened !== null) {
      throw new KernelError("kernel_option_invalid", "the receipt store already belongs to a kernel", {
        fix: "give each kernel a store of its own",
      });
    }
    this.#opened = { signer, settings };
    return this;
  }

  /** Signed receipts that are still kept, oldest first. */
  receipts(): ChioReceipt[] {
    return this.#kept.map(({ entry }) => parseToolReceipt(entry.canonicalJson));
  }

  /** The same as they are stored. */
  entries(): readonly StoredReceipt[] {
    return this.#kept.map(({ entry }) => entry);
  }

  checkpoints(): readonly KernelCheckpoint[] {
    return this.#checkpoints;
  }

  async append(receipts: readonly StoredReceipt[]): Promise<void> {
    const { settings } = this.#serving();
    for (const entry of receipts) {
      this.#kept.push({ seq: ++this.#seq, entry });
      this.#bytes += entry.canonicalJson.length;
      if (settings.checkpointBatchSize === 0) continue;
      this.#pending.push(leafHash(entry.canonicalJson));
      if (this.#pending.length >= settings.checkpointBatchSize) this.#checkpoint();
    }
    this.#retain();
  }

  async revoke(capabilityId: string): Promise<void> {
    this.#serving();
    this.#revocations.revoke(capabilityId);
  }

  isRevoked(capabilityId: string): boolean {
    return this.#revocations.isRevoked(capabilityId);
  }

  initialBudgets(): readonly BudgetCharge[] {
    return [];
  }

  initialReplayKeys(): readonly { nonce: string; capabilityId: string; expiresAt: number }[] {
    return [];
  }

  async flush(): Promise<void> {}

  async close(): Promise<{ undelivered: number }> {
    if (!this.#closed && this.#opened !== null) this.#checkpoint();
    this.#closed = true;
    return { undelivered: 0 };
  }

  #serving(): { signer: KernelSigner; settings: StoreSettings } {
    if (this.#opened === null || this.#closed) throw new KernelError("kernel_closed", "the receipt store is not open");
    return this.#opened;
  }

  #checkpoint(): void {
    if (this.#pending.length === 0) return;
    const { signer, settings } = this.#opened!;
    const previous = this.#checkpoints.at(-1)?.body;
    const body = {
      schema: CHECKPOINT_SCHEMA,
      checkpoint_seq: (previous?.checkpoint_seq ?? 0) + 1,
      batch_start_seq: (previous?.batch_end_seq ?? 0) + 1,
      batch_end_seq: (previous?.batch_end_seq ?? 0) + this.#pending.length,
      tree_size: this.#pending.length,
      merkle_root: toMerkleHex(merkleRoot(this.#pending)),
      // A clock that steps back must not make the chain look wrong.
      issued_at: Math.max(previous?.issued_at ?? 0, Math.floor(settings.now() / 1000)),
      kernel_key: signer.publicKeyHex,
      ...(previous === undefined ? {} : { previous_checkpoint_sha256: checkpointBodyHash(previous) }),
    } as const;
    this.#checkpoints.push({ body, signature: signer.signCheckpoint(body) });
    this.#pending = [];
  }

  #retain(): void {
    const { settings } = this.#opened!;
    const { maxAgeDays, maxBytes } = settings.retention;
    const oldest = Math.floor(settings.now() / 1000) - maxAgeDays * SECONDS_PER_DAY;
    const covered = settings.checkpointBatchSize === 0 ? this.#seq : (this.#checkpoints.at(-1)?.body.batch_end_seq ?? 0);
    let drop = 0;
    for (const { seq, entry } of this.#kept) {
      const over = this.#kept.length - drop > this.#maxReceipts || this.#bytes > Math.min(this.#maxBytes, maxBytes);
      if (seq > covered || (!over && entry.index.timestamp >= oldest)) break;
      this.#bytes -= entry.canonicalJson.length;
      drop++;
    }
    if (drop > 0) this.#kept.splice(0, drop);
  }
}

import { merkleRoot, toMerkleHex } from "../wire/merkle.ts";

/** A stretch of receipts that a checkpoint is to cover. */
export interface Draft {
  batchStartSeq: number;
  batchEndSeq: number;
  /** `0x` and 64 hex. */
  merkleRoot: string;
}

/** Cuts the log into the batches that checkpoints cover: exactly `size` receipts each, fewer only when time or the end of the run asks for it. */
export class Batches {
  readonly size: number;
  /** Hashes of durable receipts that no draft covers yet. Commits append to it. */
  leaves: Uint8Array[];
  /** Last receipt that a draft covers. Drafts are made of durable receipts only, so this never goes back. */
  draftedSeq: number;

  constructor(size: number, draftedSeq: number, leaves: Uint8Array[]) {
    this.size = size;
    this.draftedSeq = draftedSeq;
    this.leaves = leaves;
  }

  /** All full batches, and with `rest` the incomplete last one too. */
  cut(rest: boolean): Draft[] {
    const drafts: Draft[] = [];
    let at = 0;
    while (this.leaves.length - at >= this.size) {
      drafts.push(this.#draft(this.leaves.slice(at, at + this.size)));
      at += this.size;
    }
    if (rest && at < this.leaves.length) {
      drafts.push(this.#draft(this.leaves.slice(at)));
      at = this.leaves.length;
    }
    if (at > 0) this.leaves = this.leaves.slice(at);
    return drafts;
  }

  #draft(leaves: Uint8Array[]): Draft {
    const batchStartSeq = this.draftedSeq + 1;
    this.draftedSeq += leaves.length;
    return { batchStartSeq, batchEndSeq: this.draftedSeq, merkleRoot: toMerkleHex(merkleRoot(leaves)) };
  }
}

import { withIdAndSignature } from "../wire/http-receipt-text.ts";
import { Fifo } from "./fifo.ts";
import type { FromWorker } from "./protocol.ts";
import { proofAt } from "./sign-entries.ts";
import type { LedgerEntry, ReceiptIndex, ReceiptProof, UnsignedReceipt } from "./types.ts";

interface Rejectable {
  reject(error: Error): void;
}

/** Waits for an acknowledgement. */
export interface Waiter extends Rejectable {
  resolve(): void;
}

/** An entry at the store's thread: a signed receipt, one that is signed there, or state without a receipt. */
type Pending = Rejectable & { chars: number } & (
    | { kind: "signed"; canonicalJson: string; outcome: ReceiptIndex["outcome"]; resolve(): void }
    | { kind: "unsigned"; receipt: UnsignedReceipt; resolve(proof: ReceiptProof): void }
    | { kind: "state"; resolve(): void }
  );

/** A receipt that is on disk, and whoever waits for it. */
export interface DurableReceipt extends Waiter {
  seq: number;
  outcome: ReceiptIndex["outcome"];
  canonicalJson(): string;
}

/** Entries handed to the store's thread and not answered yet, in order. */
export class PendingEntries {
  readonly #entries = new Fifo<Pending>();
  #chars = 0;

  get length(): number {
    return this.#entries.length;
  }

  /** Of the receipts' texts. */
  get chars(): number {
    return this.#chars;
  }

  signed({ canonicalJson, index }: LedgerEntry): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#push({ kind: "signed", canonicalJson, outcome: index.outcome, chars: canonicalJson.length, resolve, reject });
    });
  }

  unsigned(receipt: UnsignedReceipt): Promise<ReceiptProof> {
    return new Promise((resolve, reject) => {
      this.#push({ kind: "unsigned", receipt, chars: receipt.text.members.length, resolve, reject });
    });
  }

  state(): Promise<void> {
    return new Promise((resolve, reject) => this.#push({ kind: "state", chars: 0, resolve, reject }));
  }

  /** The oldest entries are durable: state is acknowledged, each receipt handed to `durable`. Returns the number of receipts. */
  committed({ entries, firstSeq, proofs }: Extract<FromWorker, { type: "committed" }>, durable: (receipt: DurableReceipt) => void): number {
    let seq = firstSeq;
    let signed = 0;
    for (let i = 0; i < entries; i++) {
      const entry = this.#take();
      const { reject } = entry;
      switch (entry.kind) {
        case "state":
          entry.resolve();
          break;
        case "signed":
          durable({ seq: seq++, outcome: entry.outcome, canonicalJson: () => entry.canonicalJson, resolve: entry.resolve, reject });
          break;
        case "unsigned": {
          const proof = proofAt(proofs, signed++);
          const { text, index } = entry.receipt;
          const canonicalJson = () => withIdAndSignature(text, proof.receiptId, proof.signature);
          durable({ seq: seq++, outcome: index.outcome, canonicalJson, resolve: () => entry.resolve(proof), reject });
          break;
        }
      }
    }
    return seq - firstSeq;
  }

  /** The oldest entries were not stored. */
  fail(entries: number, error: () => Error): void {
    for (let i = 0; i < entries; i++) this.#take().reject(error());
  }

  #push(entry: Pending): void {
    this.#entries.push(entry);
    this.#chars += entry.chars;
  }

  #take(): Pending {
    const entry = this.#entries.shift()!;
    this.#chars -= entry.chars;
    return entry;
  }
}

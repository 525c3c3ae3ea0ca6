import type { StateChange } from "../kernel/types.ts";
import { type PackedEntries, Packer } from "./packing.ts";
import type { LedgerEntry, UnsignedReceipt } from "./types.ts";

/**
 * Messages at the store's thread: one in its commit, one for the next. What comes meanwhile goes with the third, since it could not be committed
 * sooner; a message for every turn of the event loop would only wake the thread.
 */
const MAX_MESSAGES = 2;
/**
 * So many do not wait for the rest of their turn: the thread signs and stores them while this one goes on. Without it, calls that once came
 * together stay together, and the two threads take turns: a tenth fewer calls a second at 64 connections.
 */
const ENOUGH_ENTRIES = 16;

/** Entries on their way to the store's thread: collected, sent, answered in order. */
export class Outbox {
  readonly #post: (packed: PackedEntries) => void;
  readonly #packer = new Packer();
  /** For each message at the thread, how many entries are answered when it is. */
  readonly #messages: number[] = [];
  #scheduled = false;
  #accepted = 0;
  #answered = 0;
  #waiting: { resolve: () => void; after: number }[] = [];

  constructor(post: (packed: PackedEntries) => void) {
    this.#post = post;
  }

  entry(entry: LedgerEntry): void {
    this.#packer.entry(entry);
    this.#accept();
  }

  unsigned(receipt: UnsignedReceipt): void {
    this.#packer.unsigned(receipt);
    this.#accept();
  }

  state(changes: readonly StateChange[]): void {
    this.#packer.state(changes);
    this.#accept();
  }

  /** The oldest `entries` entries were answered, one way or the other. */
  answered(entries: number): void {
    this.#answered += entries;
    while (this.#messages.length > 0 && this.#messages[0]! <= this.#answered) this.#messages.shift();
    if (!this.#scheduled) this.#send();
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter(({ after, resolve }) => {
      if (this.#answered < after) return true;
      resolve();
      return false;
    });
  }

  /** Resolves when everything that was accepted so far is answered. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#answered >= this.#accepted) resolve();
      else this.#waiting.push({ resolve, after: this.#accepted });
    });
  }

  #accept(): void {
    this.#accepted++;
    if (this.#packer.entries >= ENOUGH_ENTRIES) this.#send();
    if (this.#scheduled || this.#packer.entries === 0 || this.#messages.length >= MAX_MESSAGES) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#send();
    });
  }

  #send(): void {
    if (this.#packer.entries === 0 || this.#messages.length >= MAX_MESSAGES) return;
    this.#messages.push(this.#accepted);
    this.#post(this.#packer.take());
  }
}

import type { CheckpointRow, Cursor, ReceiptRow } from "./protocol.ts";
import type { ReceiptSink, SinkRecord, SinkStatus } from "./types.ts";

const GROUP_RECORDS = 256;
/** Records kept in memory for a sink. What comes while it is full is read back from the store later. */
const WINDOW_RECORDS = 1_024;
const WINDOW_CHARS = 4 * 1024 * 1024;
const RETRY_FIRST_MS = 100;
const RETRY_MOST_MS = 5_000;
const SAVE_DELAY_MS = 200;

interface DeliveryHost {
  read(after: Cursor, limit: number): Promise<{ receipts: ReceiptRow[]; checkpoints: CheckpointRow[] }>;
  save(cursor: Cursor): void;
  /** The sink has taken more, or its reachability changed. */
  changed(): void;
}

/**
 * Hands the log to one sink, in order, at least once. The cursor is what the sink has confirmed; it is kept in the store, so a restart goes on
 * from there. A slow sink costs bounded memory: it is served from the store until it has caught up.
 */
export class Delivery {
  readonly sink: ReceiptSink;
  readonly #host: DeliveryHost;
  readonly #timeoutMs: number;
  readonly #confirmed: Cursor;
  /** Ends of what is confirmed, under way or in the window. */
  readonly #tail: Cursor;
  /** Ends of the log. */
  readonly #last: Cursor;
  #window: SinkRecord[] = [];
  #windowChars = 0;
  #running = false;
  /** What comes during a read of the store is in the store: the next read finds it. */
  #reading = false;
  #stopped = false;
  #message: string | null = null;
  #wake: (() => void) | null = null;
  #saveTimer: NodeJS.Timeout | null = null;
  #waiting: { until: Cursor; patient: boolean; resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(sink: ReceiptSink, cursor: Cursor, last: Cursor, timeoutMs: number, host: DeliveryHost) {
    this.sink = sink;
    this.#host = host;
    this.#timeoutMs = timeoutMs;
    this.#confirmed = { ...cursor };
    this.#tail = { ...cursor };
    this.#last = { ...last };
  }

  get reachable(): boolean {
    return this.#message === null;
  }

  get confirmedSeq(): number {
    return this.#confirmed.receiptSeq;
  }

  status(): SinkStatus {
    const behind = Math.max(0, this.#last.receiptSeq - this.#confirmed.receiptSeq);
    return { name: this.sink.name, reachable: this.reachable, behind, ...(this.#message === null ? {} : { message: this.#message }) };
  }

  receipt(record: SinkRecord): void {
    this.#last.receiptSeq = record.seq;
    if (record.seq === this.#tail.receiptSeq + 1 && this.#hasRoom()) {
      this.#tail.receiptSeq = record.seq;
      this.#keep(record);
    }
    this.run();
  }

  /** `batchEndSeq`: last receipt that the checkpoint covers; it is handed over after that one. */
  checkpoint(record: SinkRecord, batchEndSeq: number): void {
    this.#last.checkpointSeq = record.seq;
    if (record.seq === this.#tail.checkpointSeq + 1 && batchEndSeq <= this.#tail.receiptSeq && this.#hasRoom()) {
      this.#tail.checkpointSeq = record.seq;
      this.#keep(record);
    }
    this.run();
  }

  run(): void {
    if (this.#running || this.#stopped || !this.#pending()) return;
    this.#running = true;
    void this.#loop();
  }

  /** Resolves when the sink has confirmed all that is in the log now. Rejects when it is unreachable, unless `patient`. */
  caughtUp(patient: boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ until: { ...this.#last }, patient, resolve, reject });
      this.#settle();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#save();
    this.#wake?.();
    for (const waiter of this.#waiting.splice(0)) waiter.reject(new Error("the ledger was closed"));
  }

  async #loop(): Promise<void> {
    let delay = RETRY_FIRST_MS;
    let group: SinkRecord[] = [];
    while (!this.#stopped) {
      try {
        if (group.length === 0) group = await this.#next();
        if (group.length === 0) break;
        await this.#write(group);
        this.#confirm(group);
        group = [];
        delay = RETRY_FIRST_MS;
      } catch (error) {
        this.#setMessage(error instanceof Error ? error.message : String(error));
        await this.#sleep(delay);
        delay = Math.min(delay * 2, RETRY_MOST_MS);
      }
    }
    this.#running = false;
    // Something may have come between the last look and here.
    this.run();
  }

  async #next(): Promise<SinkRecord[]> {
    if (this.#window.length > 0) {
      const group = this.#window.splice(0, GROUP_RECORDS);
      for (const record of group) this.#windowChars -= record.canonicalJson.length;
      return group;
    }
    if (!this.#pending()) return [];
    this.#reading = true;
    const { receipts, checkpoints } = await this.#host.read({ ...this.#tail }, GROUP_RECORDS).finally(() => {
      this.#reading = false;
    });
    const group: SinkRecord[] = receipts.map(({ seq, canonicalJson, outcome }) => ({ type: "receipt", seq, canonicalJson, outcome }));
    for (const { checkpointSeq, canonicalJson } of checkpoints) group.push({ type: "checkpoint", seq: checkpointSeq, canonicalJson });
    if (group.length === 0) throw new Error(`waits for receipt ${this.#tail.receiptSeq + 1}, which is not in the store`);
    this.#advance(this.#tail, group);
    return group;
  }

  async #write(group: readonly SinkRecord[]): Promise<void> {
    // A write that hangs is not repeated beside itself: the sink counts as unreachable until it comes back.
    const timer = setTimeout(() => this.#setMessage(`has not taken a group for ${this.#timeoutMs} ms`), this.#timeoutMs);
    try {
      await this.sink.write(group);
    } finally {
      clearTimeout(timer);
    }
  }

  #confirm(group: readonly SinkRecord[]): void {
    this.#advance(this.#confirmed, group);
    this.#message = null;
    this.#saveTimer ??= setTimeout(() => this.#save(), SAVE_DELAY_MS);
    this.#host.changed();
    this.#settle();
  }

  #save(): void {
    if (this.#saveTimer === null) return;
    clearTimeout(this.#saveTimer);
    this.#saveTimer = null;
    this.#host.save({ ...this.#confirmed });
  }

  #settle(): void {
    this.#waiting = this.#waiting.filter(({ until, patient, resolve, reject }) => {
      if (this.#confirmed.receiptSeq >= until.receiptSeq && this.#confirmed.checkpointSeq >= until.checkpointSeq) {
        this.#save();
        resolve();
        return false;
      }
      if (patient || this.#message === null) return true;
      reject(new Error(`${this.sink.name} ${this.#message}`));
      return false;
    });
  }

  #setMessage(message: string): void {
    this.#message = message;
    this.#host.changed();
    this.#settle();
  }

  #pending(): boolean {
    return this.#window.length > 0 || this.#tail.receiptSeq < this.#last.receiptSeq || this.#tail.checkpointSeq < this.#last.checkpointSeq;
  }

  #hasRoom(): boolean {
    return !this.#reading && this.#window.length < WINDOW_RECORDS && this.#windowChars < WINDOW_CHARS;
  }

  #keep(record: SinkRecord): void {
    this.#window.push(record);
    this.#windowChars += record.canonicalJson.length;
  }

  #advance(cursor: Cursor, group: readonly SinkRecord[]): void {
    for (const { type, seq } of group) {
      if (type === "receipt") cursor.receiptSeq = seq;
      else cursor.checkpointSeq = seq;
    }
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

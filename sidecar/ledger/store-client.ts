import { Worker } from "node:worker_threads";
import { LedgerError } from "./errors.ts";
import type { CheckpointRow, Cursor, FromWorker, ReceiptRow, Snapshot, ToWorker, WorkerOptions } from "./protocol.ts";

type Rows = { receipts: ReceiptRow[]; checkpoints: CheckpointRow[] };
/** Messages that answer no question. */
export type StoreEvent = Exclude<FromWorker, { type: "opened" | "refused" | "rows" | "probed" | "finished" | "closed" }>;

interface Question {
  resolve(answer: FromWorker): void;
  reject(error: Error): void;
}

/** The main thread's end of the store's thread: starts it, has it open a store, pairs questions with answers, passes events on. */
export class StoreClient {
  readonly #worker: Worker;
  readonly #questions = new Map<number, Question>();
  #opening: { resolve(snapshot: Snapshot): void; reject(error: Error): void } | null = null;
  #nextId = 1;
  #ended: Error | null = null;
  /** The thread was told to close: it ends by itself then, maybe before its answer was looked at. */
  #closing = false;
  /** Set before the first event can come: events follow `opened`, which `start` waits for. */
  onEvent: (event: StoreEvent) => void = () => {};
  /** The thread ended by itself. */
  onEnd: (error: Error) => void = () => {};

  private constructor(worker: Worker) {
    this.#worker = worker;
    worker.on("message", (message: FromWorker) => this.#receive(message));
    worker.on("error", (error) => this.#end(threadError(`failed: ${error instanceof Error ? error.message : String(error)}`)));
    worker.on("exit", () => this.#end(threadError("ended")));
  }

  /** A thread that has nothing open yet. It keeps no process alive until it has. */
  static start(url: URL): StoreClient {
    // An empty environment: the thread is given what it needs, and the rest is none of its business.
    const worker = new Worker(url, { workerData: { role: "store" }, env: {}, name: "chio-ledger" });
    const client = new StoreClient(worker);
    // After its listeners: the first one for messages would undo it.
    worker.unref();
    return client;
  }

  /** Resolves with the store's state once it is open. Rejects with LedgerError when it cannot be opened; the thread is ended then. */
  open(options: WorkerOptions): Promise<Snapshot> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== null) {
        options.seed?.fill(0);
        return reject(this.#ended);
      }
      this.#opening = { resolve, reject };
      this.#worker.ref();
      // The seed moves over: no copy of it stays here.
      const message: ToWorker = { type: "open", options };
      this.#worker.postMessage(message, options.seed === null ? [] : [options.seed.buffer as ArrayBuffer]);
    });
  }

  get ended(): boolean {
    return this.#ended !== null;
  }

  post(message: ToWorker): void {
    if (this.#ended === null) this.#worker.postMessage(message);
  }

  async read(after: Cursor, limit: number): Promise<Rows> {
    const answer = await this.#ask((id) => ({ type: "read", id, after, limit }));
    if (answer.type !== "rows") throw new Error("unexpected answer");
    if (answer.error !== null) throw new Error(answer.error);
    return answer;
  }

  async probe(): Promise<boolean> {
    const answer = await this.#ask((id) => ({ type: "probe", id }));
    return answer.type === "probed" && answer.ok;
  }

  /** Resolves when the last batch has its checkpoint, or cannot get it. */
  async finish(): Promise<void> {
    await this.#ask((id) => ({ type: "finish", id }));
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#ask((id) => ({ type: "close", id }));
    await this.terminate();
  }

  async terminate(): Promise<void> {
    this.#ended ??= new LedgerError("ledger_closed", "the ledger was closed", { fault: "closed" });
    await this.#worker.terminate();
  }

  #ask(question: (id: number) => ToWorker): Promise<FromWorker> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== null) return reject(this.#ended);
      const id = this.#nextId++;
      this.#questions.set(id, { resolve, reject });
      this.#worker.postMessage(question(id));
    });
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case "opened":
        this.#opening?.resolve(message.snapshot);
        this.#opening = null;
        break;
      case "refused": {
        const { code, fix, fault } = message;
        this.#opening?.reject(
          new LedgerError(code, message.message, { ...(fix === null ? {} : { fix }), ...(fault === null ? {} : { fault }) }),
        );
        this.#opening = null;
        void this.terminate();
        break;
      }
      case "rows":
      case "probed":
      case "finished":
      case "closed":
        this.#questions.get(message.id)?.resolve(message);
        this.#questions.delete(message.id);
        break;
      default:
        this.onEvent(message);
    }
  }

  #end(error: Error): void {
    const expected = this.#ended !== null || this.#closing;
    this.#ended ??= error;
    this.#opening?.reject(this.#ended);
    this.#opening = null;
    for (const question of this.#questions.values()) question.reject(this.#ended);
    this.#questions.clear();
    if (!expected) this.onEnd(error);
  }
}

function threadError(what: string): LedgerError {
  return new LedgerError("ledger_io_error", `the ledger's thread ${what}`, { fault: "io_error" });
}

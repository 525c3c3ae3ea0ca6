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

/** The main thread's end of the store's thread: starts it, pairs questions with answers, passes events on. */
export class StoreClient {
  readonly #worker: Worker;
  readonly #questions = new Map<number, Question>();
  #nextId = 1;
  #ended: Error | null = null;
  /** Set before the first event can come: events follow `opened`, which `start` waits for. */
  onEvent: (event: StoreEvent) => void = () => {};
  /** The thread ended by itself. */
  onEnd: (error: Error) => void = () => {};

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  /** Resolves with the store's state once it is open. Rejects with LedgerError when it cannot be opened. */
  static start(url: URL, options: WorkerOptions): Promise<{ client: StoreClient; snapshot: Snapshot }> {
    // An empty environment: the thread is given what it needs, and the rest is none of its business. The seed moves over, it is not copied.
    const transferList = options.seed === null ? [] : [options.seed.buffer as ArrayBuffer];
    const worker = new Worker(url, { workerData: options, transferList, env: {}, name: "chio-ledger" });
    const client = new StoreClient(worker);
    return new Promise((resolve, reject) => {
      worker.on("message", (message: FromWorker) => {
        if (message.type === "opened") resolve({ client, snapshot: message.snapshot });
        else if (message.type === "refused") {
          const { code, fix, fault } = message;
          void client.terminate();
          reject(new LedgerError(code, message.message, { ...(fix === null ? {} : { fix }), ...(fault === null ? {} : { fault }) }));
        } else client.#receive(message);
      });
      const end = (error: Error) => {
        reject(error);
        client.#end(error);
      };
      worker.on("error", (error) =>
        end(
          new LedgerError("ledger_io_error", `the ledger's thread failed: ${error instanceof Error ? error.message : String(error)}`, {
            fault: "io_error",
          }),
        ),
      );
      worker.on("exit", () => end(new LedgerError("ledger_io_error", "the ledger's thread ended", { fault: "io_error" })));
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

  #receive(message: Exclude<FromWorker, { type: "opened" | "refused" }>): void {
    if (message.type === "rows" || message.type === "probed" || message.type === "finished" || message.type === "closed") {
      this.#questions.get(message.id)?.resolve(message);
      this.#questions.delete(message.id);
    } else {
      this.onEvent(message);
    }
  }

  #end(error: Error): void {
    const expected = this.#ended !== null;
    this.#ended ??= error;
    for (const question of this.#questions.values()) question.reject(this.#ended);
    this.#questions.clear();
    if (!expected) this.onEnd(error);
  }
}

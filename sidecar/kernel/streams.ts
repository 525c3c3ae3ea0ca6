import { createHash } from "node:crypto";
import { canonicalize } from "../wire/canonical.ts";
import type { Json } from "../wire/json.ts";
import { parseJson } from "../wire/parse.ts";
import { KernelError } from "./errors.ts";
import type { System } from "./system.ts";

/** How a stream ended. */
export interface StreamEnd {
  outcome: "complete" | "cancelled" | "incomplete";
  reason?: string;
  /** SHA-256 of the JCS of all chunks as one array. */
  contentHash: string;
  chunks: number;
  bytes: number;
}

export interface StreamLimits {
  maxDurationSecs: number;
  maxTotalBytes: number;
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<Json> {
  return typeof value === "object" && value !== null && typeof (value as AsyncIterable<Json>)[Symbol.asyncIterator] === "function";
}

/** Passes `value` on as plain JSON that nobody else holds; throws KernelError `result_not_json`. */
export function toJson(value: unknown, what: string): { value: Json; text: string } {
  try {
    const text = canonicalize(value as Json);
    return { value: parseJson(text, { maxBytes: Number.MAX_SAFE_INTEGER }), text };
  } catch (cause) {
    throw new KernelError("result_not_json", `${what} has no JSON form`, {
      fix: "return null, booleans, finite numbers, strings, arrays and plain objects",
      cause,
    });
  }
}

/**
 * A tool's result stream under limits. Chunks pass through as they are read; the end is settled once, whatever comes first: the source's end, a
 * limit, the reader's or the caller's giving up, or a failure of the source. `settle` makes the receipt durable; the reader learns of
 * the end only after it.
 */
export class GuardedStream implements AsyncIterableIterator<Json> {
  readonly #source: AsyncIterator<Json>;
  readonly #limits: StreamLimits;
  readonly #settle: (end: StreamEnd) => Promise<void>;
  readonly #abort: AbortController;
  readonly #hash = createHash("sha256").update("[");
  readonly #cancelTimer: () => void;
  #chunks = 0;
  #bytes = 0;
  #ended: { done: Promise<void>; failure: KernelError | null } | null = null;

  constructor(
    source: AsyncIterable<Json>,
    limits: StreamLimits,
    abort: AbortController,
    system: System,
    settle: (end: StreamEnd) => Promise<void>,
  ) {
    this.#source = source[Symbol.asyncIterator]();
    this.#limits = limits;
    this.#settle = settle;
    this.#abort = abort;
    this.#cancelTimer = system.after(limits.maxDurationSecs * 1000, () => {
      void this.#end("incomplete", this.#limitError(`the stream took longer than ${limits.maxDurationSecs} s`));
    });
    const onAbort = () => void this.#end("cancelled", null, "the call was cancelled");
    if (abort.signal.aborted) onAbort();
    else abort.signal.addEventListener("abort", onAbort, { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Json>> {
    if (this.#ended === null) {
      try {
        const result = await this.#read();
        if (result !== null && this.#ended === null) {
          if (result.done === true) await this.#end("complete", null);
          else return { done: false, value: this.#accept(result.value) };
        }
      } catch (error) {
        if (this.#ended === null) {
          const failure = error instanceof KernelError ? error : null;
          await this.#end("incomplete", failure, failure?.message ?? "the tool's stream failed");
          if (failure === null) throw error;
        }
      }
    }
    return this.#afterEnd();
  }

  /** The reader gives up. */
  async return(): Promise<IteratorResult<Json>> {
    if (this.#ended === null) await this.#end("cancelled", null, "the reader gave up");
    else await this.#ended.done;
    return { done: true, value: undefined };
  }

  /** Next result of the source, or null when the stream ends first. */
  async #read(): Promise<IteratorResult<Json> | null> {
    const signal = this.#abort.signal;
    return new Promise((resolve, reject) => {
      const onAbort = () => resolve(null);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#source
        .next()
        .then(resolve, reject)
        .finally(() => signal.removeEventListener("abort", onAbort));
    });
  }

  #accept(chunk: Json): Json {
    const { value, text } = toJson(chunk, "a chunk of the stream");
    const bytes = this.#bytes + Buffer.byteLength(text);
    if (bytes > this.#limits.maxTotalBytes) throw this.#limitError(`the stream carried more than ${this.#limits.maxTotalBytes} bytes`);
    this.#hash.update(this.#chunks === 0 ? text : `,${text}`);
    this.#bytes = bytes;
    this.#chunks++;
    return value;
  }

  #end(outcome: StreamEnd["outcome"], failure: KernelError | null, reason = failure?.message): Promise<void> {
    if (this.#ended !== null) return this.#ended.done;
    this.#cancelTimer();
    const contentHash = this.#hash.update("]").digest("hex");
    const end = { outcome, contentHash, chunks: this.#chunks, bytes: this.#bytes, ...(reason === undefined ? {} : { reason }) };
    const done = this.#settle(end);
    this.#ended = { done, failure };
    // The failure of a receipt belongs to whoever reads on or waits for the receipt.
    done.catch(() => {});
    if (outcome !== "complete") {
      this.#abort.abort();
      // A source that never answers must not hold anybody up.
      void Promise.resolve(this.#source.return?.()).catch(() => {});
    }
    return done;
  }

  async #afterEnd(): Promise<IteratorResult<Json>> {
    const { done, failure } = this.#ended!;
    await done;
    if (failure !== null) throw failure;
    return { done: true, value: undefined };
  }

  #limitError(message: string): KernelError {
    return new KernelError("stream_limit_exceeded", message, {
      fix: "return less at once, or raise maxStreamDurationSecs or maxStreamTotalBytes",
    });
  }
}

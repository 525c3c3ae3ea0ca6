import type { Deadline, Deadlines } from "./deadlines.ts";
import { HttpRefusal } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { isForbiddenTrailer } from "./headers.ts";

const EMPTY: Uint8Array = new Uint8Array(0);
/** Slower than this on the whole is an attack on memory, not a slow line: bytes a millisecond, so about 1 KiB/s. */
const SLOWEST_BYTES_PER_MS = 1;

/** Memory that the bodies of all requests together may take, so that many large ones cannot end the process. */
export class BodyMemory {
  #used = 0;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  take(bytes: number): boolean {
    if (this.#used + bytes > this.#limit) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}

export interface BodyLimits {
  maxBytes: number;
  /** Between two pieces. */
  timeoutMs: number;
}

/**
 * The whole body, asked for where the client waits for that, or a {@link HttpRefusal}: over the limit, stalled, or with a trailer that decides about the request. The memory it took is given back
 * when the answer is done. A body that is refused is not read to its end; the connection is closed behind the answer.
 */
export function readBody(exchange: Exchange, limits: BodyLimits, memory: BodyMemory, deadlines: Deadlines): Promise<Uint8Array> {
  const { req, request } = exchange;
  if (!request.hasBody) return Promise.resolve(EMPTY);
  const { contentLength } = request.headers;
  if (contentLength > limits.maxBytes) return Promise.reject(tooLarge(limits.maxBytes));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const start = performance.now();
    let received = 0;
    let reserved = 0;
    const deadline: Deadline = {
      at: start + limits.timeoutMs,
      expire: () => fail(new HttpRefusal(408, "body_timeout", "the body stopped arriving")),
    };
    const reserve = (bytes: number): boolean => {
      if (!memory.take(bytes)) return false;
      reserved += bytes;
      return true;
    };
    const settle = () => {
      exchange.connection.readingBody = false;
      deadlines.delete(deadline);
      req.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onClose);
    };
    const fail = (refusal: HttpRefusal) => {
      settle();
      memory.give(reserved);
      req.pause();
      reject(refusal);
    };
    const onData = (chunk: Buffer) => {
      received += chunk.length;
      if (received > limits.maxBytes) return fail(tooLarge(limits.maxBytes));
      if (received > reserved && !reserve(received - reserved)) return fail(memoryFull());
      chunks.push(chunk);
      const now = performance.now();
      deadline.at = Math.min(now + limits.timeoutMs, start + limits.timeoutMs + received / SLOWEST_BYTES_PER_MS);
    };
    const onEnd = () => {
      settle();
      const trailer = forbiddenTrailer(req.rawTrailers);
      if (trailer !== null) {
        memory.give(reserved);
        reject(trailer);
        return;
      }
      exchange.onFinished(() => memory.give(reserved));
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, received));
    };
    const onClose = () => fail(new HttpRefusal(400, "client_gone", "the client closed the connection before its request was complete"));
    if (contentLength > 0 && !reserve(contentLength)) return reject(memoryFull());
    exchange.connection.readingBody = true;
    deadlines.add(deadline);
    exchange.sendContinue();
    req.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
  });
}

/** Trailers are dropped; one that would have decided about the request is refused instead, since a reader behind us might have merged it. */
export function forbiddenTrailer(rawTrailers: readonly string[]): HttpRefusal | null {
  for (let i = 0; i < rawTrailers.length; i += 2) {
    if (isForbiddenTrailer(rawTrailers[i]!)) {
      return new HttpRefusal(400, "forbidden_trailer", `${JSON.stringify(rawTrailers[i]!.slice(0, 64))} may not come as a trailer`, {
        fix: "send it as a header",
      });
    }
  }
  return null;
}

export function tooLarge(maxBytes: number): HttpRefusal {
  return new HttpRefusal(413, "body_too_large", `the body is longer than ${maxBytes} bytes`, {
    fix: "send less, or raise limits.max_body_bytes",
  });
}

function memoryFull(): HttpRefusal {
  return new HttpRefusal(503, "body_memory", "the bodies at work take all the memory they may have", { headers: ["Retry-After", "1"] });
}

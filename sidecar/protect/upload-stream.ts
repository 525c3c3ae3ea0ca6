import { createHash } from "node:crypto";
import { forbiddenTrailer } from "../http/body.ts";
import type { Deadline, Deadlines } from "../http/deadlines.ts";
import type { Exchange } from "../http/exchange.ts";
import { UpstreamError } from "./errors.ts";
import type { Forwarding } from "./forwarding.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

/**
 * Sends a request body on as it arrives, hashes what was sent, and has the final receipt say so. The framing is ours: chunked, or the declared length,
 * counted. A body that breaks off or comes with a deciding trailer cuts the connection to the upstream, which then knows it has no whole request.
 */
export class UploadStream implements Deadline {
  /** {@link Deadline}. */
  at: number;
  readonly #exchange: Exchange;
  readonly #connection: UpstreamConnection;
  readonly #forwarding: Forwarding;
  /** Declared length; null: chunked. */
  readonly #length: number | null;
  readonly #deadlines: Deadlines;
  readonly #timeoutMs: number;
  readonly #hash = createHash("sha256");
  #bytes = 0;
  #complete = false;
  #stopped = false;
  /** The upstream answered early; its receipt was signed with what had been sent by then. */
  #answered = false;

  constructor(
    exchange: Exchange,
    connection: UpstreamConnection,
    forwarding: Forwarding,
    length: number | null,
    deadlines: Deadlines,
    timeoutMs: number,
  ) {
    this.#exchange = exchange;
    this.#connection = connection;
    this.#forwarding = forwarding;
    this.#length = length;
    this.#deadlines = deadlines;
    this.#timeoutMs = timeoutMs;
    this.at = performance.now() + timeoutMs;
    forwarding.metadata = () => ({
      chio_streamed_body: { sha256: this.#hash.copy().digest("hex"), bytes: this.#bytes, complete: this.#complete },
    });
    forwarding.onSettled = () => this.#settled();
  }

  start(): void {
    const { req } = this.#exchange;
    this.#deadlines.add(this);
    this.#connection.onDrain = () => {
      this.at = performance.now() + this.#timeoutMs;
      req.resume();
    };
    req.on("data", (chunk: Buffer) => this.#send(chunk));
    req.on("end", () => this.#end());
    req.on("error", () => this.#fail("the client closed the connection before its request was complete"));
    this.#exchange.sendContinue();
  }

  expire(): void {
    this.#fail("the request body stopped arriving");
  }

  #send(chunk: Buffer): void {
    // An empty piece would be the last chunk to the upstream, and what follows it the next request.
    if (this.#stopped || chunk.length === 0) return;
    this.at = performance.now() + this.#timeoutMs;
    this.#bytes += chunk.length;
    this.#hash.update(chunk);
    let flowing: boolean;
    if (this.#length === null) {
      this.#connection.write(`${chunk.length.toString(16)}\r\n`);
      this.#connection.write(chunk);
      flowing = this.#connection.write("\r\n");
    } else {
      if (this.#bytes > this.#length) {
        this.#fail("the request body is longer than its Content-Length");
        return;
      }
      flowing = this.#connection.write(chunk);
    }
    if (!flowing) {
      // The upstream sets the pace; its own timeout is the one that counts now.
      this.at = Number.POSITIVE_INFINITY;
      this.#exchange.req.pause();
    }
  }

  #end(): void {
    if (this.#stopped) return;
    if (forbiddenTrailer(this.#exchange.req.rawTrailers) !== null) {
      this.#fail("the request ended with a trailer that decides about it");
    } else if (this.#length !== null && this.#bytes !== this.#length) {
      this.#fail("the request body is shorter than its Content-Length");
    } else {
      this.#complete = true;
      if (this.#length === null) this.#connection.write("0\r\n\r\n");
      this.#stop();
    }
  }

  #fail(message: string): void {
    if (this.#stopped) return;
    this.#stop();
    if (this.#answered || this.#exchange.clientGone) this.#connection.abort();
    else this.#forwarding.abortRequest(new UpstreamError("request_aborted", "aborted", message));
  }

  /** An answer, or the end of hope for one: the rest of the body goes nowhere, and the client's connection ends with the answer. */
  #settled(): void {
    this.#answered = true;
    if (this.#stopped) return;
    this.#stop();
    this.#exchange.connection.closing = true;
    this.#exchange.req.resume();
  }

  #stop(): void {
    this.#stopped = true;
    this.#connection.onDrain = null;
    this.#deadlines.delete(this);
  }
}

import type { Socket } from "node:net";
import type { Deadline } from "../http/deadlines.ts";
import { UpstreamError } from "./errors.ts";
import type { ResponseHead } from "./response-head.ts";
import { ResponseParser } from "./response-parser.ts";

/** Who waits for an answer. After `onEnd` or `onError` nothing more is called. */
export interface AnswerEvents {
  onHead(head: ResponseHead): void;
  onData(data: Buffer): void;
  onEnd(): void;
  onError(error: UpstreamError): void;
}

export interface UpstreamRequest {
  /** Request line and headers with framing and the empty line, one character a byte. */
  head: string;
  /** What is sent with the head; null when there is none, or when it follows by `write`. */
  body: Uint8Array | null;
  /** The body follows: the connection takes no second request, so that nothing left of it can be read as one. */
  streams: boolean;
  method: string;
  upgrade: boolean;
}

export interface ConnectionTimeouts {
  connectMs: number;
  /** For the head of an answer, and between two pieces of its body. */
  answerMs: number;
}

/** How long an idle connection is kept when the upstream does not say: below what common servers wait, so that no request meets a closing one. */
const IDLE_MS = 1_500;

/** One connection to the upstream: one request at a time, never a second try. A request that was sent counts as done by the upstream. */
export class UpstreamConnection implements Deadline {
  readonly socket: Socket;
  /** {@link Deadline}: of the request at work, or of the idle connection. */
  at: number;
  /** Called once when the socket is closed for good. */
  onClosed: (() => void) | null = null;
  /** Called when an answer is complete and the connection can take another request. */
  onReusable: (() => void) | null = null;
  #parser: ResponseParser | null = null;
  #events: AnswerEvents | null = null;
  #connected = false;
  #answering = false;
  #streams = false;
  #endless = false;
  #paused = false;
  #closed = false;
  #detached = false;
  #onDrain: (() => void) | null = null;
  #keepAliveMs = IDLE_MS;
  readonly #timeouts: ConnectionTimeouts;
  readonly #maxHeadBytes: number;
  readonly #onBytes = (bytes: Buffer) => this.#read(bytes);
  readonly #onEnded = () => this.#ended();
  readonly #onError = (cause: Error) => this.#fail(this.#socketError(cause));
  readonly #onSocketDrain = () => this.#onDrain?.();

  /** `connectEvent`: `connect`, or `secureConnect` for TLS. */
  constructor(socket: Socket, connectEvent: string, timeouts: ConnectionTimeouts, maxHeadBytes: number) {
    this.socket = socket;
    this.#timeouts = timeouts;
    this.#maxHeadBytes = maxHeadBytes;
    this.at = performance.now() + timeouts.connectMs;
    socket.setNoDelay(true);
    socket.on(connectEvent, () => {
      this.#connected = true;
      if (this.#events !== null) this.at = performance.now() + timeouts.answerMs;
    });
    socket.on("data", this.#onBytes).on("end", this.#onEnded).on("close", this.#onEnded);
    socket.on("drain", this.#onSocketDrain).on("error", this.#onError);
  }

  get closed(): boolean {
    return this.#closed || this.socket.destroyed;
  }

  send(request: UpstreamRequest, events: AnswerEvents): void {
    this.#events = events;
    this.#answering = false;
    this.#endless = false;
    this.#streams = request.streams;
    this.#parser = new ResponseParser({ head: request.method === "HEAD", upgrade: request.upgrade }, this.#maxHeadBytes, {
      onHead: (head) => this.#onHead(head),
      onData: (data) => this.#events?.onData(data),
      onEnd: (reusable) => this.#onEnd(reusable),
    });
    this.at = performance.now() + (this.#connected ? this.#timeouts.answerMs : this.#timeouts.connectMs);
    const { socket } = this;
    if (request.body === null || request.body.length === 0) {
      socket.write(request.head, "latin1");
    } else {
      socket.cork();
      socket.write(request.head, "latin1");
      socket.write(request.body);
      socket.uncork();
    }
  }

  /** A piece of a streamed request body. False: wait for `onDrain`. */
  write(bytes: Uint8Array | string): boolean {
    if (this.closed) return true;
    this.at = performance.now() + this.#timeouts.answerMs;
    return typeof bytes === "string" ? this.socket.write(bytes, "latin1") : this.socket.write(bytes);
  }

  set onDrain(callback: (() => void) | null) {
    this.#onDrain = callback;
  }

  pause(): void {
    this.#paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.at = performance.now() + this.#timeouts.answerMs;
    this.socket.resume();
  }

  /** Nobody waits for the answer any more: closes the connection, which is how the upstream learns of it. */
  abort(): void {
    this.#events = null;
    this.#close();
  }

  /** Hands the socket out for a tunnel, with what came behind the 101. This object lets go of it. */
  detach(): { socket: Socket; rest: Buffer } {
    const rest = this.#parser?.rest ?? Buffer.alloc(0);
    this.#detached = true;
    this.#events = null;
    this.#parser = null;
    this.socket.off("data", this.#onBytes).off("end", this.#onEnded).off("close", this.#onEnded);
    this.socket.off("drain", this.#onSocketDrain).off("error", this.#onError);
    this.#closed = true;
    this.onClosed?.();
    return { socket: this.socket, rest };
  }

  expire(): void {
    if (this.#paused || (this.#answering && this.#endless)) {
      this.at = performance.now() + this.#timeouts.answerMs;
      return;
    }
    if (this.#events === null) {
      this.#close();
      return;
    }
    const what = this.#connected ? "the upstream did not answer in time" : "no connection to the upstream was made in time";
    this.#fail(
      new UpstreamError(this.#connected ? "upstream_timeout" : "upstream_unreachable", this.#connected ? "timeout" : "connect", what),
    );
  }

  #read(bytes: Buffer): void {
    if (this.#parser === null) {
      // Bytes that nobody asked for: whatever they are, they are not the answer to the next request.
      this.#close();
      return;
    }
    this.at = performance.now() + this.#timeouts.answerMs;
    try {
      this.#parser.push(bytes);
    } catch (error) {
      this.#fail(error as UpstreamError);
    }
  }

  #onHead(head: ResponseHead): void {
    this.#answering = true;
    // A stream of events may be silent for as long as nothing happens.
    this.#endless = head.mediaType === "text/event-stream" || head.status === 101;
    this.#keepAliveMs = head.keepAliveSeconds < 0 ? IDLE_MS : Math.min(60_000, Math.max(250, head.keepAliveSeconds * 1_000 - 1_000));
    this.#events?.onHead(head);
  }

  #onEnd(reusable: boolean): void {
    const events = this.#events;
    this.#events = null;
    this.#parser = null;
    if (reusable && !this.#streams && !this.closed) {
      this.at = performance.now() + this.#keepAliveMs;
      if (this.#paused) this.resume();
      this.onReusable?.();
    } else {
      this.#close();
    }
    events?.onEnd();
  }

  #ended(): void {
    if (this.#detached || this.#closed) return;
    if (this.#parser !== null && this.#events !== null) {
      try {
        this.#parser.end();
      } catch (error) {
        this.#fail(this.#connected ? (error as UpstreamError) : this.#socketError(error));
      }
    }
    this.#close();
  }

  #fail(error: UpstreamError): void {
    const events = this.#events;
    this.#events = null;
    this.#close();
    events?.onError(error);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#parser = null;
    this.#onDrain = null;
    this.socket.destroy();
    this.onClosed?.();
  }

  #socketError(cause: unknown): UpstreamError {
    return this.#connected
      ? new UpstreamError("upstream_closed", "aborted", "the connection to the upstream broke", { cause })
      : new UpstreamError("upstream_unreachable", "connect", "no connection to the upstream could be made", { cause });
  }
}

import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestOutcome } from "../service/metrics.ts";
import { canonicalize } from "../wire/canonical.ts";
import type { ClientConnection } from "./connection.ts";
import { errorName, type HttpRefusal } from "./errors.ts";
import type { ParsedRequest } from "./request.ts";

/** What a refused request may still send before its connection is cut, so that the client reads the answer instead of a reset. */
const LINGER_BYTES = 256 * 1024;
const LINGER_MS = 1_000;

/** One request and its answer. Everything that answers does it through here, so that each is answered once and closed as it must be. */
export class Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly request: ParsedRequest;
  readonly connection: ClientConnection;
  /** Milliseconds of `performance.now`. */
  readonly startedAt: number;
  /** The client waits for `100 Continue` before it sends its body. */
  awaitsContinue: boolean;
  /** For the metrics. */
  outcome: RequestOutcome = "refused";
  #finished: (() => void)[] | undefined;
  #gone: (() => void) | undefined;

  constructor(req: IncomingMessage, res: ServerResponse, request: ParsedRequest, connection: ClientConnection, awaitsContinue: boolean) {
    this.req = req;
    this.res = res;
    this.request = request;
    this.connection = connection;
    this.awaitsContinue = awaitsContinue;
    this.startedAt = performance.now();
  }

  /** The client closed the connection before the answer was complete. */
  get clientGone(): boolean {
    return this.res.destroyed && !this.res.writableFinished;
  }

  /** Called when the answer is complete or the client is gone. */
  onFinished(callback: () => void): void {
    if (this.#finished === undefined) this.#finished = [callback];
    else this.#finished.push(callback);
  }

  /** Called when the client goes before its answer is complete. One callback; null takes it away. */
  onGone(callback: (() => void) | null): void {
    this.#gone = callback ?? undefined;
  }

  /** For the server: the answer's stream is closed. */
  closed(): void {
    if (!this.res.writableFinished) this.#gone?.();
    if (this.#finished !== undefined) for (const callback of this.#finished) callback();
  }

  sendContinue(): void {
    if (!this.awaitsContinue) return;
    this.awaitsContinue = false;
    this.res.writeContinue();
  }

  /** `headers`: flat name, value, name, value; it is kept. */
  writeHead(status: number, headers: string[]): void {
    if (this.connection.closing) headers.push("Connection", "close");
    this.res.writeHead(status, headers);
  }

  /** `body`: JSON text. */
  sendJson(status: number, body: string, headers: string[] = []): void {
    if (this.res.destroyed) return;
    headers.push("Content-Type", "application/json", "Content-Length", String(Buffer.byteLength(body)), "Cache-Control", "no-store");
    if (this.#bodyUnread()) {
      this.#sendAndLinger(status, body, headers);
      return;
    }
    this.writeHead(status, headers);
    this.res.end(this.request.method === "HEAD" ? undefined : body);
  }

  /** Error answer for a request that no decision was made about. Its connection ends with it: nothing behind it is read. */
  refuse(refusal: HttpRefusal): void {
    this.connection.closing = true;
    this.sendJson(refusal.status, refusalJson(refusal), [...refusal.headers]);
  }

  /** Cuts the connection: the client must not take what it has for a whole answer. */
  destroy(): void {
    this.connection.closing = true;
    // The socket first: Bun makes a 200 without a body of an answer that is destroyed before its head was written.
    this.req.socket.destroy();
    this.res.destroy();
  }

  #bodyUnread(): boolean {
    return this.request.hasBody && !this.req.complete;
  }

  /** Nothing behind an unread body is ever read as a request: the connection ends with this answer. */
  #sendAndLinger(status: number, body: string, headers: string[]): void {
    const { req, res } = this;
    this.connection.closing = true;
    this.writeHead(status, headers);
    if (this.awaitsContinue) {
      res.end(body);
      return;
    }
    res.write(this.request.method === "HEAD" ? "" : body);
    let left = LINGER_BYTES;
    const end = () => {
      clearTimeout(timer);
      res.end();
    };
    const timer = setTimeout(end, LINGER_MS);
    req.on("data", (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) end();
    });
    req.on("end", end);
    req.on("close", end);
    req.on("error", end);
    req.resume();
  }
}

export function refusalJson(refusal: HttpRefusal): string {
  return canonicalize({
    error: errorName(refusal.status, refusal.code),
    reason: refusal.code,
    message: refusal.message,
    suggestion: refusal.fix,
  });
}

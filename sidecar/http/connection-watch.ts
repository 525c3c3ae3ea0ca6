import type { Socket } from "node:net";
import type { Limits } from "../service/types.ts";
import { connectionOf } from "./connection.ts";
import type { Deadline } from "./deadlines.ts";

/**
 * Ends a connection that does nothing for too long where the parser's own timeouts do not: no request ever begins on it, none follows while empty
 * lines keep it alive, or the client takes nothing of its answer and would hold one of the requests at work for ever.
 */
export class ConnectionWatch implements Deadline {
  /** {@link Deadline}. */
  at: number;
  readonly #socket: Socket;
  readonly #idleMs: number;
  /** At the last look: requests so far, and bytes of an answer that the client took; -1 where none waited for it. */
  #requests = 0;
  #taken = -1;

  constructor(socket: Socket, limits: Pick<Limits, "headerTimeoutMs" | "idleTimeoutMs">) {
    this.#socket = socket;
    this.#idleMs = limits.idleTimeoutMs;
    this.at = performance.now() + 2 * limits.headerTimeoutMs;
  }

  expire(): void {
    const { requests, busy, closing, answer } = connectionOf(this.#socket);
    const waiting = answer?.writableLength ?? 0;
    const taken = waiting > 0 ? this.#socket.bytesWritten - waiting : -1;
    // An upgraded connection is closing and not busy: it is a tunnel, and idle for as long as it likes.
    const idle = !busy && !closing && requests === this.#requests;
    if (idle || (taken >= 0 && taken === this.#taken)) {
      this.#socket.destroy();
      return;
    }
    this.#requests = requests;
    this.#taken = taken;
    this.at = performance.now() + this.#idleMs;
  }
}

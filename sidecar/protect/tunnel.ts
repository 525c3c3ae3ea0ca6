import type { Socket } from "node:net";
import { CLOSE_GOING_AWAY, CLOSE_GOING_AWAY_MASKED, FrameBoundary } from "./websocket-frames.ts";

const GOODBYE_MS = 2_000;

/** Two sockets joined after a 101: bytes pass as they are, each side at the pace of the other, and both end together. */
export class Tunnel {
  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #toClient = new FrameBoundary();
  readonly #toUpstream = new FrameBoundary();
  #goingAway = false;
  #closed = false;
  readonly #onClosed: () => void;

  constructor(client: Socket, upstream: Socket, onClosed: () => void) {
    this.#client = client;
    this.#upstream = upstream;
    this.#onClosed = onClosed;
  }

  /** `rest`: what came from the upstream behind its 101. */
  start(rest: Buffer): void {
    this.#join(this.#upstream, this.#client, this.#toClient);
    this.#join(this.#client, this.#upstream, this.#toUpstream);
    if (rest.length > 0) this.#pass(rest, this.#upstream, this.#client, this.#toClient);
    this.#client.resume();
    this.#upstream.resume();
  }

  /** Tells both sides that the server goes away (1001), each at its next frame boundary, and ends. */
  goAway(): void {
    this.#goingAway = true;
    this.#sayGoodbye();
  }

  destroy(): void {
    this.#end();
  }

  #join(from: Socket, to: Socket, boundary: FrameBoundary): void {
    from.on("data", (bytes: Buffer) => this.#pass(bytes, from, to, boundary));
    to.on("drain", () => from.resume());
    from.on("end", () => {
      to.end();
      // The other side has this long to say its goodbye, too.
      setTimeout(() => this.#end(), GOODBYE_MS).unref();
    });
    from.on("close", () => this.#end());
    from.on("error", () => this.#end());
  }

  #pass(bytes: Buffer, from: Socket, to: Socket, boundary: FrameBoundary): void {
    if (this.#closed || !to.writable) return;
    boundary.push(bytes);
    if (!to.write(bytes)) from.pause();
    if (this.#goingAway) this.#sayGoodbye();
  }

  #sayGoodbye(): void {
    if (this.#closed || !this.#toClient.atBoundary || !this.#toUpstream.atBoundary) return;
    this.#closed = true;
    this.#client.end(CLOSE_GOING_AWAY);
    this.#upstream.end(CLOSE_GOING_AWAY_MASKED);
    setTimeout(() => this.#end(), GOODBYE_MS).unref();
  }

  #end(): void {
    this.#closed = true;
    this.#client.destroy();
    this.#upstream.destroy();
    this.#onClosed();
  }
}

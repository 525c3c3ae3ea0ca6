import { ChunkedDecoder } from "./chunked-decoder.ts";
import { protocolError, UpstreamError } from "./errors.ts";
import { parseResponseHead, type ResponseHead } from "./response-head.ts";

export interface ResponseEvents {
  onHead(head: ResponseHead): void;
  onData(data: Buffer): void;
  /** The body is complete. `reusable`: the connection can take another request. */
  onEnd(reusable: boolean): void;
}

/** Interim answers (1xx) before the real one. */
const MAX_INTERIM = 8;
const END_OF_HEAD = Buffer.from("\r\n\r\n");

/** Reads one answer from the bytes of a connection. Throws {@link UpstreamError}, after which the connection is of no use. */
export class ResponseParser {
  readonly #request: { head: boolean; upgrade: boolean };
  readonly #events: ResponseEvents;
  readonly #maxHeadBytes: number;
  #pending: Buffer | null = null;
  #head: ResponseHead | null = null;
  #chunked: ChunkedDecoder | null = null;
  #left = 0;
  #interim = 0;
  #ended = false;
  /** Bytes behind a 101: they belong to the tunnel. */
  rest: Buffer | null = null;

  constructor(request: { head: boolean; upgrade: boolean }, maxHeadBytes: number, events: ResponseEvents) {
    this.#request = request;
    this.#maxHeadBytes = maxHeadBytes;
    this.#events = events;
  }

  push(bytes: Buffer): void {
    let rest: Buffer | null = bytes;
    if (this.#head === null) rest = this.#readHead(bytes);
    if (rest !== null && rest.length > 0) this.#readBody(rest);
  }

  /** The upstream closed its side. */
  end(): void {
    if (this.#ended) return;
    if (this.#head?.framing.kind !== "close") {
      throw new UpstreamError("upstream_closed", "aborted", "the upstream closed the connection before its answer was complete");
    }
    this.#finish(false);
  }

  /** Returns what follows the head; null while the head is incomplete or was the whole answer. */
  #readHead(bytes: Buffer): Buffer | null {
    let buffer = this.#pending === null ? bytes : Buffer.concat([this.#pending, bytes]);
    this.#pending = null;
    for (;;) {
      const end = buffer.indexOf(END_OF_HEAD);
      if (end > this.#maxHeadBytes || (end < 0 && buffer.length > this.#maxHeadBytes)) {
        throw protocolError(`the headers of the upstream's answer are longer than ${this.#maxHeadBytes} bytes`);
      }
      if (end < 0) {
        this.#pending = buffer;
        return null;
      }
      const head = parseResponseHead(buffer.toString("latin1", 0, end), this.#request);
      buffer = buffer.subarray(end + 4);
      if (head.status >= 200 || head.status === 101) return this.#begin(head, buffer);
      if (++this.#interim > MAX_INTERIM) throw protocolError(`the upstream sent more than ${MAX_INTERIM} interim answers`);
    }
  }

  #begin(head: ResponseHead, rest: Buffer): Buffer | null {
    if (head.status === 101) {
      if (!this.#request.upgrade) throw protocolError("the upstream switched protocols without having been asked to");
      this.#head = head;
      this.rest = rest;
      this.#ended = true;
      this.#events.onHead(head);
      return null;
    }
    this.#head = head;
    const { framing } = head;
    if (framing.kind === "chunked") this.#chunked = new ChunkedDecoder();
    if (framing.kind === "length") this.#left = framing.length;
    this.#events.onHead(head);
    // Whatever follows an answer without a body was not asked for: the connection is not used again.
    if (framing.kind === "none" || (framing.kind === "length" && framing.length === 0)) {
      this.#finish(head.reusable && rest.length === 0);
      return null;
    }
    return rest;
  }

  #readBody(bytes: Buffer): void {
    const head = this.#head!;
    if (this.#ended) throw protocolError("the upstream sent bytes behind its answer");
    if (this.#chunked !== null) {
      const used = this.#chunked.push(bytes, (data) => this.#events.onData(data));
      if (this.#chunked.done) this.#finish(head.reusable && used === bytes.length);
    } else if (head.framing.kind === "close") {
      this.#events.onData(bytes);
    } else {
      const data = bytes.length > this.#left ? bytes.subarray(0, this.#left) : bytes;
      this.#left -= data.length;
      this.#events.onData(data);
      if (this.#left === 0) this.#finish(head.reusable && data.length === bytes.length);
    }
  }

  #finish(reusable: boolean): void {
    this.#ended = true;
    this.#events.onEnd(reusable);
  }
}

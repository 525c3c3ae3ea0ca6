import { protocolError, type UpstreamError } from "./errors.ts";

const CR = 0x0d;
const LF = 0x0a;
/** Size line with its extension, and all trailers together. */
const MAX_LINE = 256;
const MAX_TRAILERS = 8_192;
const MAX_SIZE_DIGITS = 10;

type State = "size" | "data" | "data-end" | "trailers";

/** Reads a chunked body piece by piece. Extensions and trailers are read over; both are bounded. Every line must end with CR LF. */
export class ChunkedDecoder {
  #state: State = "size";
  #line = "";
  #left = 0;
  #trailerBytes = 0;
  /** The last chunk and its trailers were read. */
  done = false;

  /** Hands out the data of `bytes` and returns how many bytes belong to this body. Throws {@link UpstreamError}. */
  push(bytes: Buffer, onData: (data: Buffer) => void): number {
    let at = 0;
    while (at < bytes.length && !this.done) {
      if (this.#state === "data") {
        const take = Math.min(this.#left, bytes.length - at);
        onData(bytes.subarray(at, at + take));
        at += take;
        this.#left -= take;
        if (this.#left === 0) this.#state = "data-end";
        continue;
      }
      const end = bytes.indexOf(LF, at);
      const stop = end < 0 ? bytes.length : end + 1;
      this.#line += bytes.toString("latin1", at, stop);
      at = stop;
      if (this.#line.length > (this.#state === "trailers" ? MAX_TRAILERS : MAX_LINE)) throw tooLong();
      if (end >= 0) this.#endLine();
    }
    return at;
  }

  #endLine(): void {
    const line = this.#line;
    this.#line = "";
    if (line.length < 2 || line.charCodeAt(line.length - 2) !== CR || line.indexOf("\r") !== line.length - 2) {
      throw protocolError("a line of the upstream's chunked answer does not end with CR LF");
    }
    const text = line.slice(0, -2);
    if (this.#state === "data-end") {
      if (text !== "") throw protocolError("a chunk of the upstream's answer is longer than its size");
      this.#state = "size";
    } else if (this.#state === "trailers") {
      this.#trailerBytes += line.length;
      if (this.#trailerBytes > MAX_TRAILERS) throw tooLong();
      if (text === "") this.done = true;
    } else {
      const size = /^([0-9A-Fa-f]+)[ \t]*(?:;.*)?$/.exec(text);
      if (size === null || size[1]!.length > MAX_SIZE_DIGITS) throw protocolError("a chunk size in the upstream's answer is malformed");
      this.#left = Number.parseInt(size[1]!, 16);
      this.#state = this.#left === 0 ? "trailers" : "data";
    }
  }
}

function tooLong(): UpstreamError {
  return protocolError("a chunk size line or the trailers of the upstream's answer are too long");
}

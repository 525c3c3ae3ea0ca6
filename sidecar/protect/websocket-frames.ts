/** Opcode close, code 1001: "going away". From a server, so without a mask. */
export const CLOSE_GOING_AWAY: Buffer = Buffer.from([0x88, 0x02, 0x03, 0xe9]);

/** The same from a client: masked, as RFC 6455 asks. A mask of zeros is a mask. */
export const CLOSE_GOING_AWAY_MASKED: Buffer = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]);

const MASK_BYTES = 4;

/** Follows one direction of a websocket as far as its frame boundaries, so that a frame of ours is never put into the middle of another. */
export class FrameBoundary {
  #header: number[] = [];
  #left = 0;

  /** Nothing of a frame is on the way. */
  get atBoundary(): boolean {
    return this.#left === 0 && this.#header.length === 0;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#left > 0) {
        const take = Math.min(this.#left, bytes.length - at);
        this.#left -= take;
        at += take;
        continue;
      }
      this.#header.push(bytes[at++]!);
      this.#readHeader();
    }
  }

  #readHeader(): void {
    const header = this.#header;
    if (header.length < 2) return;
    const short = header[1]! & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const masked = (header[1]! & 0x80) !== 0;
    if (header.length < 2 + lengthBytes + (masked ? MASK_BYTES : 0)) return;
    let length = short;
    if (lengthBytes > 0) {
      length = 0;
      for (let i = 0; i < lengthBytes; i++) length = length * 256 + header[2 + i]!;
    }
    this.#left = length;
    this.#header = [];
  }
}

/** One entry of an exported file system. */
export interface Entry {
  /** Absolute, without a trailing slash. */
  path: string;
  type: "file" | "directory" | "link" | "other";
  mode: number;
  uid: number;
  gid: number;
  size: number;
  /** Content, of the files that were asked for. */
  content?: Buffer;
}

const BLOCK = 512;

/** Reads a tar archive as `docker export` writes it. Keeps the content of the files that `keep` wants. */
export async function readTar(stream: AsyncIterable<Buffer>, keep: (path: string) => boolean): Promise<Entry[]> {
  const entries: Entry[] = [];
  const reader = new BlockReader(stream);
  let longName: string | undefined;
  for (;;) {
    const header = await reader.read(BLOCK);
    if (header === null || header.every((byte) => byte === 0)) return entries;
    const size = octal(header, 124, 12);
    const type = String.fromCharCode(header[156] ?? 48);
    if (type === "L" || type === "x") {
      const text = ((await reader.read(padded(size))) ?? Buffer.alloc(0)).toString("utf8", 0, size);
      longName = type === "L" ? text.replace(/\0.*$/s, "") : (/\d+ path=([^\n]*)\n/.exec(text)?.[1] ?? longName);
      continue;
    }
    const prefix = field(header, 345, 155);
    const name = longName ?? (prefix === "" ? field(header, 0, 100) : `${prefix}/${field(header, 0, 100)}`);
    longName = undefined;
    const path = `/${name.replace(/^\.?\//, "").replace(/\/$/, "")}`;
    const entry: Entry = {
      path,
      type: typeOf(type),
      mode: octal(header, 100, 8),
      uid: octal(header, 108, 8),
      gid: octal(header, 116, 8),
      size,
    };
    if (keep(path)) entry.content = ((await reader.read(padded(size))) ?? Buffer.alloc(0)).subarray(0, size);
    else await reader.skip(padded(size));
    entries.push(entry);
  }
}

const padded = (size: number) => Math.ceil(size / BLOCK) * BLOCK;

const field = (header: Buffer, at: number, length: number) => header.toString("utf8", at, at + length).replace(/\0.*$/s, "");

const octal = (header: Buffer, at: number, length: number) => Number.parseInt(field(header, at, length).trim() || "0", 8);

function typeOf(flag: string): Entry["type"] {
  if (flag === "0" || flag === "\0") return "file";
  if (flag === "5") return "directory";
  return flag === "1" || flag === "2" ? "link" : "other";
}

class BlockReader {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.#source = stream[Symbol.asyncIterator]();
  }

  /** Exactly `length` bytes, or null at the end. */
  async read(length: number): Promise<Buffer | null> {
    const pieces = [];
    let missing = length;
    while (missing > 0) {
      const piece = await this.#take(missing);
      if (piece === null) return null;
      pieces.push(piece);
      missing -= piece.length;
    }
    return Buffer.concat(pieces);
  }

  async skip(length: number): Promise<void> {
    for (let missing = length; missing > 0; ) {
      const piece = await this.#take(missing);
      if (piece === null) return;
      missing -= piece.length;
    }
  }

  async #take(atMost: number): Promise<Buffer | null> {
    if (this.#rest.length === 0) {
      const { done, value } = await this.#source.next();
      if (done) return null;
      this.#rest = value;
    }
    const piece = this.#rest.subarray(0, atMost);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }
}

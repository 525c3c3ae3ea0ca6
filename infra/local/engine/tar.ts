/** A file or a directory as it is laid into a volume. */
export interface TarEntry {
  /** Relative to where the archive is unpacked. A directory ends in a slash. */
  readonly path: string;
  /** Null for a directory. */
  readonly content: Uint8Array | null;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const BLOCK = 512;

/** An archive in the ustar form, which holds names of 100 characters, and of 255 when they can be split at a slash. */
export function tar(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const content = Buffer.from(entry.content ?? []);
    return [header(entry, content.length), content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const { name, prefix } = split(entry.path);
  block.write(name, 0);
  octal(block, entry.mode, 100, 8);
  octal(block, entry.uid, 108, 8);
  octal(block, entry.gid, 116, 8);
  octal(block, size, 124, 12);
  octal(block, 0, 136, 12);
  block.write(entry.content === null ? "5" : "0", 156);
  block.write("ustar\x0000", 257, "latin1");
  block.write(prefix, 345);
  // The sum is taken with its own field full of spaces.
  block.fill(" ", 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

function octal(block: Buffer, value: number, at: number, length: number): void {
  block.write(`${value.toString(8).padStart(length - 1, "0")}\0`, at, "latin1");
}

function split(path: string): { name: string; prefix: string } {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: "" };
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) {
    const name = path.slice(at + 1);
    if (name !== "" && Buffer.byteLength(name) <= 100 && at <= 155) return { name, prefix: path.slice(0, at) };
  }
  throw new RangeError(`${path} is too long a name for an archive`);
}

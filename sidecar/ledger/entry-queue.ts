import { type PackedEntries, type StoredEntry, unpackEntries } from "./packing.ts";

/** More would only make everybody in the group wait longer: the cost of the disk's fsync is well shared by then. */
const MAX_GROUP_ENTRIES = 256;
const MAX_GROUP_CHARS = 2 * 1024 * 1024;

/** Entries in the order in which they came, taken in groups of what one transaction should hold. */
export class EntryQueue {
  readonly #chunks: PackedEntries[] = [];
  /** The oldest chunk, unpacked as far as it is not taken. */
  #oldest: StoredEntry[] = [];
  #offset = 0;
  #length = 0;

  /** Entries. */
  get length(): number {
    return this.#length;
  }

  push(packed: PackedEntries): void {
    this.#chunks.push(packed);
    this.#length += packed.entries;
  }

  take(): { group: StoredEntry[]; chars: number } {
    const group: StoredEntry[] = [];
    let chars = 0;
    while (group.length < MAX_GROUP_ENTRIES && chars < MAX_GROUP_CHARS) {
      if (this.#offset === this.#oldest.length) {
        const packed = this.#chunks.shift();
        this.#oldest = packed === undefined ? [] : unpackEntries(packed);
        this.#offset = 0;
        if (packed === undefined) break;
      }
      const entry = this.#oldest[this.#offset++]!;
      chars += entry.canonicalJson.length;
      group.push(entry);
    }
    this.#length -= group.length;
    return { group, chars };
  }
}

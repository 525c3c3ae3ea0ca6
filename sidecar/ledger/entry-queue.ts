import { FIELD, FIELDS, type Packed } from "./protocol.ts";
import type { Slice } from "./store.ts";

/** More would only make everybody in the group wait longer: the cost of the disk's fsync is well shared by then. */
const MAX_GROUP_ENTRIES = 256;
const MAX_GROUP_CHARS = 2 * 1024 * 1024;

/** Entries in the order in which they came, taken in groups of what one transaction should hold. */
export class EntryQueue {
  readonly #chunks: Packed[] = [];
  #offset = 0;
  #length = 0;

  /** Entries. */
  get length(): number {
    return this.#length;
  }

  push(entries: Packed): void {
    this.#chunks.push(entries);
    this.#length += entries.length / FIELDS;
  }

  take(): { group: Slice[]; entries: number; chars: number } {
    const group: Slice[] = [];
    let taken = 0;
    let chars = 0;
    while (this.#chunks.length > 0 && taken < MAX_GROUP_ENTRIES && chars < MAX_GROUP_CHARS) {
      const entries = this.#chunks[0]!;
      const from = this.#offset;
      let to = from;
      while (to < entries.length && taken < MAX_GROUP_ENTRIES && chars < MAX_GROUP_CHARS) {
        chars += (entries[to + FIELD.canonicalJson] as string).length;
        to += FIELDS;
        taken++;
      }
      group.push({ entries, from, to });
      this.#offset = to;
      if (to === entries.length) {
        this.#chunks.shift();
        this.#offset = 0;
      }
    }
    this.#length -= taken;
    return { group, entries: taken, chars };
  }
}

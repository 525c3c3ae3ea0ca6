import type { DatabaseSync } from "node:sqlite";
import { STRETCH } from "./schema.ts";

type Entry = { seq: number; value: string | number };

/** Each index and what it holds beside the stretch, as the schema has it. */
const INDEXES: readonly [name: string, value: string][] = [
  ["receipts_by_id", "substr(receipt_id, 1, 8)"],
  ["receipts_by_capability", "capability_id"],
  ["receipts_by_time", "timestamp"],
];

/** Name of an index whose entries for receipts of one stretch are not those of the table, in order; null when there is none. */
export function wrongIndex(db: DatabaseSync, first: number, last: number): string | null {
  const stretch = `(seq >> ${Math.log2(STRETCH)}) = ${Math.floor(first / STRETCH)}`;
  for (const [name, value] of INDEXES) {
    const columns = `SELECT seq, ${value} AS value FROM receipts`;
    // Read from the index alone, in its own order: a lookup finds an entry by its place.
    const found = db.prepare(`${columns} INDEXED BY ${name} WHERE ${stretch} AND +seq BETWEEN ? AND ? AND ${value} IS NOT NULL`);
    const wanted = db.prepare(`${columns} NOT INDEXED WHERE seq BETWEEN ? AND ? AND ${value} IS NOT NULL`);
    const entries = found.all(first, last) as unknown as Entry[];
    const expected = (wanted.all(first, last) as unknown as Entry[]).sort(inOrder);
    if (entries.length !== expected.length || entries.some((entry, at) => inOrder(entry, expected[at]!) !== 0)) return name;
  }
  return null;
}

/** As SQLite orders: by the bytes of a text. */
function inOrder(one: Entry, other: Entry): number {
  const byValue =
    typeof one.value === "number" || typeof other.value === "number"
      ? Number(one.value) - Number(other.value)
      : Buffer.compare(Buffer.from(one.value), Buffer.from(other.value));
  return byValue || one.seq - other.seq;
}

import { existsSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LedgerError } from "./errors.ts";
import { fileIdentity } from "./file-identity.ts";
import type { BatchRange } from "./maintenance.ts";
import { checkSchema, createSchema, isEmptyDatabase } from "./schema.ts";

/**
 * File that a batch of that time goes to: one per month, beside the store or in `folder`, and another one (`-2`) once it was moved away. `issuedAt`:
 * Unix seconds of the batch's checkpoint. `isUsed`: whether the store has given an archive that name.
 */
export function archiveFile(storePath: string, folder: string | null, issuedAt: number, isUsed: (name: string) => boolean): string {
  const month = new Date(issuedAt * 1000).toISOString().slice(0, 7);
  const extension = extname(storePath);
  const name = (number: number) =>
    `${basename(storePath, extension)}.archive-${month}${number === 1 ? "" : `-${number}`}${extension || ".sqlite"}`;
  let number = 1;
  while (isUsed(name(number + 1))) number++;
  const file = (n: number) => join(folder ?? dirname(storePath), name(n));
  // A second file of that name would be written over the first one where both are kept.
  return file(isUsed(name(number)) && !existsSync(file(number)) ? number + 1 : number);
}

/** Old batches, complete with their checkpoints, in a file of the store's own format. A single file without a log beside it, fit for moving away. */
export class Archive {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #identity: string;

  private constructor(path: string, db: DatabaseSync) {
    this.path = path;
    this.#db = db;
    this.#identity = fileIdentity(path);
  }

  /** SQLite goes on writing into a file that was moved away or removed. */
  inPlace(): boolean {
    return fileIdentity(this.path) === this.#identity;
  }

  /** Makes the file when there is none. Refuses one that belongs to another store. */
  static open(path: string, storeId: string): Archive {
    if (!existsSync(dirname(path)))
      throw new LedgerError("ledger_archive_missing", `the archive directory ${dirname(path)} does not exist`);
    const db = new DatabaseSync(path);
    try {
      db.exec(
        "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA cache_size = -1024",
      );
      if (isEmptyDatabase(db)) createSchema(db, { archive_of: storeId, created_by: "chio" });
      checkSchema(db, path);
      const owner = db.prepare("SELECT value FROM meta WHERE key = 'archive_of'").get()?.value;
      if (owner !== storeId) throw new LedgerError("ledger_not_a_store", `${path} is the archive of another receipt store`);
      return new Archive(path, db);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /**
   * Copies a batch and its checkpoint out of `live`; durable when this returns. Removing it there is a second transaction, so a crash between
   * the two leaves the batch in both files: copying it again changes nothing.
   */
  copy(live: DatabaseSync, batch: BatchRange): void {
    const receipts = live.prepare("SELECT * FROM receipts WHERE seq BETWEEN ? AND ? ORDER BY seq");
    const checkpoint = live.prepare("SELECT * FROM checkpoints WHERE checkpoint_seq = ?").get(batch.checkpointSeq);
    receipts.setReadBigInts(true);
    const rows = receipts.all(batch.startSeq, batch.endSeq);
    if (checkpoint === undefined || rows.length !== batch.endSeq - batch.startSeq + 1) {
      throw new LedgerError(
        "ledger_corrupt",
        `receipts ${batch.startSeq} to ${batch.endSeq} are not complete, so they stay where they are`,
      );
    }
    const insert = this.#db.prepare(`INSERT OR IGNORE INTO receipts VALUES (${Array(16).fill("?").join(", ")})`);
    const same = this.#db.prepare("SELECT 1 FROM receipts WHERE seq = ? AND raw_json = ?");
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      for (const row of rows) {
        const { seq, raw_json } = row;
        if (insert.run(...Object.values(row)).changes === 0 && same.get(seq!, raw_json!) === undefined) throw this.#taken(batch);
      }
      const { changes } = this.#db.prepare("INSERT OR IGNORE INTO checkpoints VALUES (?, ?, ?, ?, ?, ?)").run(...Object.values(checkpoint));
      const there = this.#db.prepare("SELECT raw_json FROM checkpoints WHERE checkpoint_seq = ?").get(batch.checkpointSeq);
      if (changes === 0 && there?.raw_json !== checkpoint.raw_json) throw this.#taken(batch);
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
    if (!this.inPlace()) throw new LedgerError("ledger_archive_missing", `${this.path} was moved away or removed while it was written`);
  }

  /** Removed from the store, receipts that are not in the archive would be lost. */
  #taken({ startSeq, endSeq }: BatchRange): LedgerError {
    return new LedgerError(
      "ledger_corrupt",
      `${this.path} already has other receipts ${startSeq} to ${endSeq}, from before the store was put back from a copy: move it away`,
    );
  }

  close(): void {
    this.#db.close();
  }
}

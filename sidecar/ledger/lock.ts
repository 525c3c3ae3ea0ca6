import { existsSync, realpathSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { faultError, LedgerError } from "./errors.ts";
import { diagnose } from "./faults.ts";
import { fileIdentity } from "./file-identity.ts";

/**
 * One writer per store. The lock is an exclusive transaction that is held open on `<store>.lock`: the operating system drops it when the process
 * ends, however it ends, so no stale lock is ever left behind. Readers do not look at it.
 */
export class WriterLock {
  readonly #db: DatabaseSync;
  readonly #path: string;
  readonly #identity: string;

  private constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.#path = path;
    this.#identity = fileIdentity(path);
  }

  static take(storePath: string): WriterLock {
    const path = `${realPath(storePath)}.lock`;
    let db: DatabaseSync | null = null;
    try {
      db = new DatabaseSync(path);
      db.exec("PRAGMA busy_timeout = 0; PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
      return new WriterLock(db, path);
    } catch (error) {
      db?.close();
      const found = diagnose(error, path);
      if (found === null) throw error;
      if (found.fault === "locked") {
        throw new LedgerError("ledger_in_use", `another process writes to ${storePath}`, {
          fix: "give every sidecar a store of its own: the chains of two writers cannot be merged",
          fault: "locked",
        });
      }
      throw faultError(found.fault, found.message, error);
    }
  }

  /** Whether a sidecar has the store open. */
  static isHeld(storePath: string): boolean {
    const path = `${realPath(storePath)}.lock`;
    // Never made here: whoever starts the sidecar may be another user.
    if (!existsSync(path)) return false;
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      db.prepare("SELECT 1 FROM sqlite_schema").get();
      return false;
    } catch (error) {
      if (diagnose(error, path)?.fault === "locked") return true;
      throw error;
    } finally {
      db.close();
    }
  }

  /** False when the locked file is no longer the one at its path: whoever looks there next would find it free. */
  inPlace(): boolean {
    return fileIdentity(this.#path) === this.#identity;
  }

  release(): void {
    this.#db.close();
  }
}

/** Two names of one store must meet in one lock. */
function realPath(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const folder = dirname(path);
  return existsSync(folder) ? join(realpathSync(folder), basename(path)) : path;
}

import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { faultError, LedgerError } from "./errors.ts";
import { diagnose } from "./faults.ts";

/** "chio" in SQLite's application_id: tells a receipt store from any other SQLite file. */
export const APPLICATION_ID = 0x6368696f;
export const SCHEMA_VERSION = 2;
/** Receipts are looked up in stretches of this many: see the indexes below. A power of two. */
export const STRETCH = 1024;
const STRETCH_BITS = 10;

// Receipt and capability ids are random text. An index over all of them would write a random page per receipt and slow down as the store grows
// (measured: 25,000 to 7,000 receipts/s at half a million). Indexed by stretch first, inserts touch only the last stretch's few pages, and a
// lookup asks each stretch: 10 million receipts are 10,000 probes of microseconds.
const TABLES = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE receipts (
  seq INTEGER PRIMARY KEY,
  receipt_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  timestamp INTEGER NOT NULL,
  capability_id TEXT,
  tool_server TEXT NOT NULL,
  tool_name TEXT NOT NULL,
  outcome TEXT NOT NULL,
  tenant_id TEXT,
  subject TEXT,
  cost_units INTEGER,
  cost_currency TEXT,
  opens INTEGER NOT NULL,
  closes TEXT,
  leaf_hash BLOB NOT NULL,
  raw_json TEXT NOT NULL
) STRICT;
CREATE INDEX receipts_by_id ON receipts ((seq >> ${STRETCH_BITS}), substr(receipt_id, 1, 8));
CREATE INDEX receipts_by_capability ON receipts ((seq >> ${STRETCH_BITS}), capability_id) WHERE capability_id IS NOT NULL;
CREATE INDEX receipts_by_time ON receipts ((seq >> ${STRETCH_BITS}), timestamp);
CREATE TABLE checkpoints (
  checkpoint_seq INTEGER PRIMARY KEY,
  batch_start_seq INTEGER NOT NULL,
  batch_end_seq INTEGER NOT NULL,
  issued_at INTEGER NOT NULL,
  body_sha256 TEXT NOT NULL,
  raw_json TEXT NOT NULL
) STRICT;
CREATE INDEX checkpoints_by_end ON checkpoints (batch_end_seq);
CREATE TABLE open_decisions (receipt_id TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE budgets (
  capability_id TEXT NOT NULL,
  grant_index INTEGER NOT NULL,
  invocations INTEGER NOT NULL,
  units TEXT NOT NULL,
  currency TEXT,
  expires_at INTEGER,
  PRIMARY KEY (capability_id, grant_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX budgets_by_expiry ON budgets (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE replay_keys (
  nonce TEXT NOT NULL,
  capability_id TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (nonce, capability_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX replay_keys_by_expiry ON replay_keys (expires_at);
CREATE TABLE revocations (
  position INTEGER PRIMARY KEY,
  capability_id TEXT NOT NULL UNIQUE,
  revoked_at INTEGER NOT NULL,
  reason TEXT
) STRICT;
CREATE TABLE sink_cursors (
  name TEXT PRIMARY KEY,
  receipt_seq INTEGER NOT NULL,
  checkpoint_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE archives (
  file TEXT PRIMARY KEY,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  first_checkpoint INTEGER NOT NULL,
  last_checkpoint INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`;

/** Makes the tables of a receipt store in an empty database. One transaction: a crash leaves an empty file, never half a store. */
export function createSchema(db: DatabaseSync, meta: Readonly<Record<string, string>>): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    db.exec(TABLES);
    const insert = db.prepare("INSERT INTO meta VALUES (?, ?)");
    for (const [key, value] of Object.entries(meta)) insert.run(key, value);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.isTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** True for a database without any table, which a store may be made in. */
export function isEmptyDatabase(db: DatabaseSync): boolean {
  return db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.n === 0;
}

/** Throws unless the database is a receipt store of this version. */
export function checkSchema(db: DatabaseSync, path: string): void {
  if (pragma(db, "application_id") !== APPLICATION_ID) {
    throw new LedgerError("ledger_not_a_store", `${path} is an SQLite database, but no receipt store`, {
      fix: "name the file that `chio api protect --receipt-store` writes",
    });
  }
  const version = pragma(db, "user_version");
  if (version !== SCHEMA_VERSION) {
    throw new LedgerError("ledger_schema_version", `${path} has schema version ${version}; this program reads version ${SCHEMA_VERSION}`, {
      fix: "use the chio version that wrote the store",
    });
  }
}

/** Integer value of a PRAGMA. */
export function pragma(db: DatabaseSync, name: string): number {
  const row = db.prepare(`PRAGMA ${name}`).get() ?? {};
  return Number(Object.values(row)[0]);
}

/**
 * Opens a store for reading only, also while the sidecar writes to it. Throws LedgerError when there is none, or when it is none.
 * Reads see whole commits; each statement that runs to its end sees one state.
 */
export function openForReading(path: string): DatabaseSync {
  const stat = existsSync(path) ? statSync(path) : null;
  if (stat === null || !stat.isFile()) {
    throw new LedgerError("ledger_not_found", stat === null ? `there is no receipt store at ${path}` : `${path} is no file`, {
      fix: "name the store with --receipt-db, or set CHIO_RECEIPT_STORE",
    });
  }
  const empty = () => new LedgerError("ledger_not_a_store", `${path} is empty`, { fix: "start the sidecar once: it makes the store" });
  // Not even opened: see open-existing.ts.
  if (stat.size === 0) throw empty();
  let db: DatabaseSync | null = null;
  try {
    db = connectReadOnly(path);
    if (isEmptyDatabase(db)) throw empty();
    checkSchema(db, path);
    return db;
  } catch (error) {
    db?.close();
    throw readError(error, path);
  }
}

/** Turns an error of SQLite while reading `path` into a LedgerError. */
export function readError(error: unknown, path: string): unknown {
  if (error instanceof LedgerError) return error;
  const found = diagnose(error, path);
  if (found === null) return error;
  if (/file is not a database/.test(found.message)) {
    return new LedgerError("ledger_not_a_store", `${path} is no SQLite database`, {
      fix: "name the file that `chio api protect --receipt-store` writes",
      cause: error,
    });
  }
  return faultError(found.fault, found.message, error);
}

function connectReadOnly(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    db.exec("PRAGMA busy_timeout = 5000; PRAGMA cache_size = -4096; PRAGMA trusted_schema = OFF");
    db.prepare("SELECT 1 FROM sqlite_schema").get();
    return db;
  } catch (error) {
    db.close();
    // A store that was closed cleanly has no -wal file, and on a read-only medium none can be made: then nobody can be writing either.
    const hasWal = readdirSync(dirname(path)).includes(`${basename(path)}-wal`);
    if (diagnose(error, path)?.fault === "corrupt" || hasWal) throw error;
    const url = pathToFileURL(path);
    url.searchParams.set("immutable", "1");
    return new DatabaseSync(url, { readOnly: true });
  }
}

import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { LedgerError } from "./errors.ts";
import { checkSchema, readError } from "./schema.ts";

/**
 * Writes a revocation into a store, beside a sidecar that may be using it: that one takes note within 250 ms. `at`: Unix seconds. Returns false
 * when the capability was revoked already. Throws LedgerError.
 */
export function recordRevocation(path: string, capabilityId: string, at: number, reason?: string): boolean {
  if (!existsSync(path)) {
    throw new LedgerError("ledger_not_found", `there is no receipt store at ${path}`, {
      fix: "name the sidecar's store with --receipt-db",
    });
  }
  let db: DatabaseSync | null = null;
  try {
    db = new DatabaseSync(path);
    db.exec("PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA wal_autocheckpoint = 0");
    checkSchema(db, path);
    const insert = db.prepare("INSERT INTO revocations (capability_id, revoked_at, reason) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    return Number(insert.run(capabilityId, at, reason ?? null).changes) === 1;
  } catch (error) {
    throw readError(error, path);
  } finally {
    db?.close();
  }
}

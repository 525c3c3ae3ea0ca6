import { existsSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { LedgerError } from "./errors.ts";
import { openExisting } from "./open-existing.ts";
import { checkSchema, openForReading, readError } from "./schema.ts";

/**
 * Writes a revocation into a store, beside a sidecar that may be using it: that one takes note within 250 ms. `at`: Unix seconds. Returns false
 * when the capability was revoked already. Throws LedgerError.
 */
export function recordRevocation(path: string, capabilityId: string, at: number, reason?: string): boolean {
  if (!existsSync(path)) {
    throw new LedgerError("ledger_not_found", `there is no receipt store at ${path}`, {
      fix: "name the sidecar's store; one that keeps its receipts in memory is told through POST /v1/capabilities/release",
    });
  }
  let db: DatabaseSync | null = null;
  try {
    db = openExisting(path);
    db.exec("PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA wal_autocheckpoint = 0");
    checkSchema(db, path);
    const insert = db.prepare("INSERT INTO revocations (capability_id, revoked_at, reason) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    return Number(insert.run(capabilityId, at, reason ?? null).changes) === 1;
  } catch (error) {
    const found = readError(error, path);
    if (!(found instanceof LedgerError) || found.fault !== "read_only") throw found;
    throw new LedgerError("ledger_read_only", found.message, { fix: "run it as the sidecar's user", fault: "read_only", cause: error });
  } finally {
    db?.close();
  }
}

export interface Revocation {
  capabilityId: string;
  /** Unix seconds. */
  at: number;
  reason: string | null;
}

/** Every revocation of a store, oldest first, also while a sidecar uses it. Throws LedgerError. */
export function* revocations(path: string): Generator<Revocation> {
  const db = openForReading(path);
  try {
    const page = db.prepare(
      "SELECT position, capability_id, revoked_at, reason FROM revocations WHERE position > ? ORDER BY position LIMIT 500",
    );
    for (let after = 0; ; ) {
      const rows = page.all(after);
      for (const row of rows) {
        yield { capabilityId: row.capability_id as string, at: row.revoked_at as number, reason: row.reason as string | null };
      }
      if (rows.length === 0) return;
      after = rows.at(-1)?.position as number;
    }
  } catch (error) {
    throw readError(error, path);
  } finally {
    db.close();
  }
}

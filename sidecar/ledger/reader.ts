import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { LedgerError } from "./errors.ts";
import { wrongIndex } from "./index-check.ts";
import { openForReading, pragma, readError, STRETCH } from "./schema.ts";
import type { LedgerEntry } from "./types.ts";
import { type StoredIndex, type StoredReceipt, type VerifiedReceipt, verifyStoredReceipt } from "./verify-receipt.ts";

export interface ReadReceipt {
  seq: number;
  receiptId: string;
  kind: LedgerEntry["kind"];
  canonicalJson: string;
  receipt: VerifiedReceipt;
  tenantId: string | null;
  leafHash: Uint8Array;
}

export interface CheckpointRecord {
  checkpointSeq: number;
  batchStartSeq: number;
  batchEndSeq: number;
  issuedAt: number;
  bodySha256: string;
  canonicalJson: string;
}

export interface ArchiveRecord {
  file: string;
  firstSeq: number;
  lastSeq: number;
  firstCheckpoint: number;
  lastCheckpoint: number;
}

/** A condition on the receipts of one stretch. */
export interface Condition {
  sql: string;
  values: SQLInputValue[];
  /** Name the stretch itself, for conditions that an index answers together with it. */
  indexed: boolean;
}

const COLUMNS =
  "seq, receipt_id, kind, timestamp, capability_id, tool_server, tool_name, outcome, tenant_id, subject, " +
  "CAST(cost_units AS TEXT) AS cost, cost_currency, leaf_hash, raw_json";

/**
 * The reading side of one store or archive file, beside a sidecar that may be writing to it. Every statement reads a bounded stretch to its end,
 * so that no reader holds back the write-ahead log for long. Methods throw LedgerError; what they return was verified where that is said.
 */
export class StoreReader {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(path: string) {
    this.path = path;
    this.#db = openForReading(path);
  }

  /** First and last receipt; null when there is none. */
  range(): { first: number; last: number } | null {
    return this.#try(() => {
      // Each end by itself, out of the table: asked for both at once, SQLite walks a whole index, and believes it where it is damaged.
      const end = (which: string) => `(SELECT ${which}(seq) FROM receipts NOT INDEXED)`;
      const row = this.#prepared(`SELECT ${end("min")} AS first, ${end("max")} AS last`).get();
      return row?.first == null ? null : { first: row.first as number, last: row.last as number };
    });
  }

  /** Rows with `first <= seq <= last` that meet the condition, not verified yet. `first` and `last` lie in one stretch when it is indexed. */
  rows(first: number, last: number, condition: Condition, order: "ASC" | "DESC", limit: number): StoredReceipt[] {
    return this.#try(() => {
      // The plus sign keeps SQLite from walking the rows where an index by stretch knows them.
      const range = condition.indexed ? `(seq >> ${Math.log2(STRETCH)}) = ? AND +seq` : "seq";
      const sql = `SELECT ${COLUMNS} FROM receipts WHERE ${range} BETWEEN ? AND ?${condition.sql} ORDER BY seq ${order} LIMIT ?`;
      const stretch = condition.indexed ? [Math.floor(first / STRETCH)] : [];
      return this.#prepared(sql)
        .all(...stretch, first, last, ...condition.values, limit)
        .map(toStored);
    });
  }

  /** A receipt by its id, or by the beginning of it (8 characters or more). Throws when there is none, or more than one. */
  find(id: string): StoredReceipt {
    const range = this.range();
    const found: StoredReceipt[] = [];
    if (range !== null) {
      const condition = {
        sql: " AND substr(receipt_id, 1, 8) = ? AND substr(receipt_id, 1, ?) = ?",
        values: [id.slice(0, 8), id.length, id],
        indexed: true,
      };
      for (const [first, last] of stretches(range.first, range.last, true)) {
        found.push(...this.rows(first, last, condition, "DESC", 2));
        if (found.length > 0 && id.length === 64) break;
      }
    }
    if (found.length === 0) throw new LedgerError("receipt_not_found", `${this.path} holds no receipt ${id}`);
    const ids = new Set(found.map((row) => row.receiptId));
    if (ids.size > 1) throw new LedgerError("receipt_not_found", `${ids.size} receipts begin with ${id}`, { fix: "give more of the id" });
    return found[0]!;
  }

  /** The checkpoint that covers a receipt; null when none does yet. */
  checkpointOver(seq: number): CheckpointRecord | null {
    return this.#try(() => {
      const row = this.#db.prepare("SELECT * FROM checkpoints WHERE batch_end_seq >= ? ORDER BY batch_end_seq LIMIT 1").get(seq);
      return row !== undefined && (row.batch_start_seq as number) <= seq ? toCheckpoint(row) : null;
    });
  }

  /** Checkpoints after `seq`, oldest first. */
  checkpointsAfter(seq: number, limit: number): CheckpointRecord[] {
    return this.#try(() =>
      this.#db
        .prepare("SELECT * FROM checkpoints WHERE checkpoint_seq > ? ORDER BY checkpoint_seq LIMIT ?")
        .all(seq, limit)
        .map(toCheckpoint),
    );
  }

  lastCheckpoint(): CheckpointRecord | null {
    return this.#try(() => {
      const row = this.#db.prepare("SELECT * FROM checkpoints ORDER BY checkpoint_seq DESC LIMIT 1").get();
      return row === undefined ? null : toCheckpoint(row);
    });
  }

  /** Ids of decisions without a final receipt: calls under way, or cut off by a crash until the next start. */
  openDecisions(limit: number): { count: number; ids: string[] } {
    return this.#try(() => ({
      count: Number(this.#db.prepare("SELECT count(*) AS n FROM open_decisions").get()?.n),
      ids: this.#db
        .prepare("SELECT receipt_id FROM open_decisions ORDER BY seq LIMIT ?")
        .all(limit)
        .map((row) => row.receipt_id as string),
    }));
  }

  /** Archive files that older batches went to, oldest first. */
  archives(): ArchiveRecord[] {
    return this.#try(() =>
      this.#db
        .prepare("SELECT * FROM archives ORDER BY first_seq")
        .all()
        .map((row) => ({
          file: row.file as string,
          firstSeq: row.first_seq as number,
          lastSeq: row.last_seq as number,
          firstCheckpoint: row.first_checkpoint as number,
          lastCheckpoint: row.last_checkpoint as number,
        })),
    );
  }

  /** Name of an index that has not exactly the receipts of a stretch, each at its place; null when all are sound. */
  wrongIndex(first: number, last: number): string | null {
    return this.#try(() => {
      // One state for both sides of the comparison, whatever a sidecar writes meanwhile.
      this.#db.exec("BEGIN");
      try {
        return wrongIndex(this.#db, first, last);
      } finally {
        this.#db.exec("COMMIT");
      }
    });
  }

  meta(key: string): string | null {
    return this.#try(() => (this.#db.prepare("SELECT value FROM meta WHERE key = ?").get(key)?.value as string | undefined) ?? null);
  }

  schemaVersion(): number {
    return pragma(this.#db, "user_version");
  }

  close(): void {
    this.#db.close();
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #try<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw readError(error, this.path);
    }
  }
}

export const EVERY_RECEIPT: Condition = { sql: "", values: [], indexed: false };

/** The stretches between two receipts, both included, oldest or newest first. */
export function* stretches(first: number, last: number, newestFirst: boolean): Generator<[first: number, last: number]> {
  const low = Math.floor(first / STRETCH);
  const high = Math.floor(last / STRETCH);
  for (let i = 0; i <= high - low; i++) {
    const at = newestFirst ? high - i : low + i;
    yield [Math.max(first, at * STRETCH), Math.min(last, at * STRETCH + STRETCH - 1)];
  }
}

/** Throws `receipt_tampered` unless the row is what was signed and stored. */
export function verifyRow(row: StoredReceipt): ReadReceipt {
  const receipt = verifyStoredReceipt(row);
  const { seq, receiptId, kind, canonicalJson } = row;
  return {
    seq,
    receiptId,
    kind,
    canonicalJson,
    receipt,
    tenantId: (row.index?.tenantId as string | null) ?? null,
    leafHash: row.leafHash!,
  };
}

function toStored(row: Record<string, unknown>): StoredReceipt {
  const index: StoredIndex = {
    timestamp: row.timestamp as number,
    capabilityId: row.capability_id as string | null,
    toolServer: row.tool_server as string,
    toolName: row.tool_name as string,
    outcome: row.outcome as string,
    tenantId: row.tenant_id as string | null,
    subject: row.subject as string | null,
    costUnits: row.cost === null ? null : BigInt(row.cost as string),
    costCurrency: row.cost_currency as string | null,
  };
  return {
    seq: row.seq as number,
    receiptId: row.receipt_id as string,
    kind: row.kind as LedgerEntry["kind"],
    canonicalJson: row.raw_json as string,
    leafHash: row.leaf_hash as Uint8Array,
    index,
  };
}

function toCheckpoint(row: Record<string, unknown>): CheckpointRecord {
  return {
    checkpointSeq: row.checkpoint_seq as number,
    batchStartSeq: row.batch_start_seq as number,
    batchEndSeq: row.batch_end_seq as number,
    issuedAt: row.issued_at as number,
    bodySha256: row.body_sha256 as string,
    canonicalJson: row.raw_json as string,
  };
}

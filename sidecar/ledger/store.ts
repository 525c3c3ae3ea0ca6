import { randomUUID } from "node:crypto";
import { closeSync, existsSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { leafHash } from "../wire/merkle.ts";
import { faultError, LedgerError } from "./errors.ts";
import { StoreReplacedError } from "./faults.ts";
import { fileIdentity } from "./file-identity.ts";
import { readHead } from "./head.ts";
import { openExisting } from "./open-existing.ts";
import type { StoredEntry } from "./packing.ts";
import type { ChainHead, CheckpointRow, Counts, Cursor, OpenDecision, ReceiptRow, SignedCheckpoint, Snapshot } from "./protocol.ts";
import { checkSchema, createSchema, isEmptyDatabase, pragma } from "./schema.ts";
import { StateTables } from "./state.ts";
import type { ReceiptIndex } from "./types.ts";

export interface StoreOptions {
  /** null: in memory. */
  path: string | null;
  /** Make the store when there is none. */
  create: boolean;
  busyTimeoutMs: number;
}

/** After a checkpoint has emptied the write-ahead log, the file is cut to this. */
const WAL_KEPT_BYTES = 64 * 1024 * 1024;
/** What a recovered volume must be able to take before receipts are accepted again. */
const TRIAL_BYTES = 65_536;

/** The writing side of a receipt store: plain synchronous calls, used by one thread. Errors are SQLite's own unless said otherwise. */
export class Store {
  readonly path: string | null;
  readonly state: StateTables;
  lastSeq = 0;
  readonly #db: DatabaseSync;
  readonly #insertReceipt: StatementSync;
  readonly #insertCheckpoint: StatementSync;
  readonly #openDecision: StatementSync;
  readonly #closeDecision: StatementSync;
  readonly #saveCursor: StatementSync;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #identity: string;
  #walIdentity: string | null = null;
  #firstSeq = 0;
  #open = 0;
  #checkpointedSeq = 0;

  private constructor(db: DatabaseSync, path: string | null) {
    this.#db = db;
    this.path = path;
    this.#identity = path === null ? "" : fileIdentity(path);
    this.state = new StateTables(db);
    this.#insertReceipt = db.prepare(`INSERT INTO receipts VALUES (${Array(16).fill("?").join(", ")})`);
    this.#insertCheckpoint = db.prepare("INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?, ?)");
    this.#openDecision = db.prepare("INSERT INTO open_decisions VALUES (?, ?) ON CONFLICT DO NOTHING");
    this.#closeDecision = db.prepare("DELETE FROM open_decisions WHERE receipt_id = ?");
    this.#saveCursor = db.prepare("INSERT OR REPLACE INTO sink_cursors VALUES (?, ?, ?)");
    this.#begin = db.prepare("BEGIN IMMEDIATE");
    this.#commit = db.prepare("COMMIT");
    this.#checkpointedSeq = this.chainHead()?.batchEndSeq ?? 0;
    this.#firstSeq = this.#number("SELECT coalesce(min(seq), 0) AS n FROM receipts");
    this.lastSeq = Math.max(this.#number("SELECT coalesce(max(seq), 0) AS n FROM receipts"), this.#checkpointedSeq);
    this.#open = this.#number("SELECT count(*) AS n FROM open_decisions");
  }

  static open({ path, create, busyTimeoutMs }: StoreOptions): Store {
    if (path !== null && create) prepareFile(path);
    const db = path === null || create ? new DatabaseSync(path ?? ":memory:") : openExisting(path);
    try {
      db.exec(`PRAGMA busy_timeout = ${busyTimeoutMs}; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -4096`);
      const empty = isEmptyDatabase(db);
      if (!empty) checkSchema(db, path ?? "the store in memory");
      else if (!create) throw new StoreReplacedError(`${path} is empty now; it held receipts before`);
      if (path !== null) useWal(db, path);
      if (empty) createSchema(db, { store_id: randomUUID(), created_by: "chio" });
      return new Store(db, path);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** One transaction around `work`; when this returns, it is on disk. */
  transact(work: () => void): void {
    this.#begin.run();
    try {
      work();
      this.#commit.run();
    } catch (error) {
      this.#rollBack();
      throw error;
    }
    this.assertInPlace();
  }

  /** Appends a group and whatever else is due in one transaction. Returns the number that its first receipt got. */
  commit(
    group: readonly StoredEntry[],
    checkpoints: readonly SignedCheckpoint[],
    cursors: ReadonlyMap<string, Cursor>,
    leaves: Uint8Array[],
  ): number {
    const firstSeq = this.lastSeq + 1;
    let seq = this.lastSeq;
    let open = this.#open;
    const hashes: Uint8Array[] = [];
    this.transact(() => {
      for (const entry of group) {
        if (entry.receiptId !== null) {
          const leaf = leafHash(entry.canonicalJson);
          this.#insert(++seq, entry, leaf);
          hashes.push(leaf);
          if (entry.opens) open += Number(this.#openDecision.run(entry.receiptId, seq).changes);
          if (entry.closes !== null) open -= Number(this.#closeDecision.run(entry.closes).changes);
        }
        if (entry.state !== null) for (const change of entry.state) this.state.apply(change);
      }
      for (const checkpoint of checkpoints) this.#insertSigned(checkpoint);
      for (const [name, cursor] of cursors) this.#saveCursor.run(name, cursor.receiptSeq, cursor.checkpointSeq);
    });
    if (this.#firstSeq === 0 && seq > 0) this.#firstSeq = firstSeq;
    this.lastSeq = seq;
    this.#open = open;
    this.#checkpointedSeq = checkpoints.at(-1)?.batchEndSeq ?? this.#checkpointedSeq;
    for (const hash of hashes) leaves.push(hash);
    return firstSeq;
  }

  counts(): Counts {
    return {
      receipts: this.#firstSeq === 0 ? 0 : this.lastSeq - this.#firstSeq + 1,
      open: this.#open,
      uncheckpointed: this.lastSeq - this.#checkpointedSeq,
    };
  }

  chainHead(): ChainHead | null {
    const row = this.#db.prepare("SELECT * FROM checkpoints ORDER BY checkpoint_seq DESC LIMIT 1").get();
    return row === undefined ? null : readHead(row);
  }

  /** Stored leaf hashes after `seq`, in order. Each is compared with its receipt: nothing that was changed on disk is ever signed again. */
  leavesAfter(seq: number): Uint8Array[] {
    const leaves: Uint8Array[] = [];
    for (const row of this.#db
      .prepare("SELECT seq, receipt_id, leaf_hash, raw_json FROM receipts WHERE seq > ? ORDER BY seq")
      .iterate(seq)) {
      const stored = row.leaf_hash as Uint8Array;
      const expected = seq + leaves.length + 1;
      if (row.seq !== expected) throw new LedgerError("receipt_tampered", `receipt seq ${expected} is missing`, { fault: "corrupt" });
      if (Buffer.compare(stored, leafHash(row.raw_json as string)) !== 0) {
        throw new LedgerError("receipt_tampered", `receipt seq ${row.seq} (${row.receipt_id}) is not what was stored: its hash differs`, {
          fault: "corrupt",
        });
      }
      leaves.push(stored);
    }
    return leaves;
  }

  leafAt(seq: number): Uint8Array | null {
    return (this.#db.prepare("SELECT leaf_hash FROM receipts WHERE seq = ?").get(seq)?.leaf_hash as Uint8Array | undefined) ?? null;
  }

  snapshot(nowSeconds: number): Snapshot {
    const cursors = this.#db.prepare("SELECT * FROM sink_cursors").all();
    return {
      ...this.counts(),
      lastSeq: this.lastSeq,
      head: this.chainHead(),
      budgets: this.state.budgets(),
      budgetsPrunedUntil: this.state.budgetsPrunedUntil(),
      replayKeys: this.state.replayKeys(nowSeconds),
      replayPrunedUntil: Math.max(nowSeconds, this.state.replayPrunedUntil()),
      revoked: this.state.revokedAfter(0).capabilityIds,
      cursors: Object.fromEntries(
        cursors.map((row) => [row.name, { receiptSeq: row.receipt_seq as number, checkpointSeq: row.checkpoint_seq as number }]),
      ),
      openDecisions: this.#openDecisions(),
    };
  }

  /** What comes after `after` in the log: at most `limit` receipts, and the checkpoints whose receipts are all at or before the last of them. */
  read(after: Cursor, limit: number): { receipts: ReceiptRow[]; checkpoints: CheckpointRow[] } {
    const receipts = this.#db
      .prepare("SELECT seq, outcome, raw_json FROM receipts WHERE seq > ? ORDER BY seq LIMIT ?")
      .all(after.receiptSeq, limit)
      .map((row) => ({ seq: row.seq as number, outcome: row.outcome as ReceiptIndex["outcome"], canonicalJson: row.raw_json as string }));
    const checkpoints = this.#db
      .prepare(
        "SELECT checkpoint_seq, batch_end_seq, raw_json FROM checkpoints WHERE checkpoint_seq > ? AND batch_end_seq <= ? ORDER BY 1 LIMIT ?",
      )
      .all(after.checkpointSeq, receipts.at(-1)?.seq ?? after.receiptSeq, limit)
      .map((row) => ({
        checkpointSeq: row.checkpoint_seq as number,
        batchEndSeq: row.batch_end_seq as number,
        canonicalJson: row.raw_json as string,
      }));
    return { receipts, checkpoints };
  }

  /** The oldest checkpointed batch, unless only `kept` are left: the chain must have something to go on from. */
  oldestBatch(kept = 1): { checkpointSeq: number; startSeq: number; endSeq: number; issuedAt: number } | null {
    const rows = this.#db
      .prepare("SELECT checkpoint_seq, batch_start_seq, batch_end_seq, issued_at FROM checkpoints ORDER BY checkpoint_seq LIMIT ?")
      .all(kept + 1);
    const row = rows.length > kept ? rows[0] : undefined;
    if (row === undefined) return null;
    return {
      checkpointSeq: row.checkpoint_seq as number,
      startSeq: row.batch_start_seq as number,
      endSeq: row.batch_end_seq as number,
      issuedAt: row.issued_at as number,
    };
  }

  /** Removes one whole batch with its checkpoint; `archive` is the file that has it now, null when it is given up (in memory). */
  dropBatch(batch: { checkpointSeq: number; startSeq: number; endSeq: number }, archive: string | null): void {
    this.transact(() => {
      this.#db.prepare("DELETE FROM receipts WHERE seq BETWEEN ? AND ?").run(batch.startSeq, batch.endSeq);
      this.#db.prepare("DELETE FROM checkpoints WHERE checkpoint_seq = ?").run(batch.checkpointSeq);
      if (archive === null) return;
      this.#db
        .prepare(
          `INSERT INTO archives VALUES (?1, ?2, ?3, ?4, ?4)
           ON CONFLICT DO UPDATE SET last_seq = excluded.last_seq, last_checkpoint = excluded.last_checkpoint`,
        )
        .run(archive, batch.startSeq, batch.endSeq, batch.checkpointSeq);
    });
    this.#firstSeq = batch.endSeq + 1;
  }

  /** Whether batches went to an archive of that name. */
  hasArchive(name: string): boolean {
    return this.#db.prepare("SELECT 1 FROM archives WHERE file = ?").get(name) !== undefined;
  }

  hasOpenDecision(startSeq: number, endSeq: number): boolean {
    return this.#db.prepare("SELECT 1 FROM open_decisions WHERE seq BETWEEN ? AND ?").get(startSeq, endSeq) !== undefined;
  }

  storeId(): string {
    return String(this.#db.prepare("SELECT value FROM meta WHERE key = 'store_id'").get()?.value ?? "");
  }

  /** Bytes of pages in use, without what earlier removals left free. */
  liveBytes(): number {
    return (pragma(this.#db, "page_count") - pragma(this.#db, "freelist_count")) * pragma(this.#db, "page_size");
  }

  /** Changes when another connection has written to the store. */
  dataVersion(): number {
    return pragma(this.#db, "data_version");
  }

  /** A write that is rolled back. */
  probe(): void {
    this.#begin.run();
    try {
      this.#db.prepare("INSERT OR REPLACE INTO meta VALUES ('probe', '')").run();
    } finally {
      this.#rollBack();
    }
    this.assertInPlace();
  }

  /** A write that really reaches the disk, for after a fault: a rolled-back one would fit on a full disk. */
  trial(): void {
    this.transact(() => this.#db.prepare("INSERT OR REPLACE INTO meta VALUES ('trial', ?)").run("x".repeat(TRIAL_BYTES)));
    this.transact(() => this.#db.prepare("DELETE FROM meta WHERE key = 'trial'").run());
  }

  setBusyTimeout(ms: number): void {
    this.#db.exec(`PRAGMA busy_timeout = ${ms}`);
  }

  /** Copies what can be copied from the write-ahead log without waiting for anybody. */
  checkpointWal(): void {
    this.#db.exec("PRAGMA wal_checkpoint(PASSIVE)");
  }

  close(): void {
    this.#db.close();
  }

  #insert(seq: number, e: StoredEntry, leaf: Uint8Array): void {
    this.#insertReceipt.run(
      seq,
      e.receiptId,
      e.kind,
      e.timestamp,
      e.capabilityId,
      e.toolServer,
      e.toolName,
      e.outcome,
      e.tenantId,
      e.subject,
      e.costUnits,
      e.costCurrency,
      e.opens ? 1 : 0,
      e.closes,
      leaf,
      e.canonicalJson,
    );
  }

  #insertSigned(c: SignedCheckpoint): void {
    this.#insertCheckpoint.run(c.checkpointSeq, c.batchStartSeq, c.batchEndSeq, c.issuedAt, c.bodySha256, c.canonicalJson);
  }

  #openDecisions(): OpenDecision[] {
    return this.#db
      .prepare("SELECT r.seq, r.receipt_id, r.kind, r.raw_json FROM open_decisions o JOIN receipts r ON r.seq = o.seq ORDER BY r.seq")
      .all()
      .map((row) => ({
        seq: row.seq as number,
        receiptId: row.receipt_id as string,
        kind: row.kind as OpenDecision["kind"],
        canonicalJson: row.raw_json as string,
      }));
  }

  #number(sql: string): number {
    return Number(this.#db.prepare(sql).get()?.n);
  }

  #rollBack(): void {
    if (!this.#db.isTransaction) return;
    try {
      this.#db.exec("ROLLBACK");
    } catch {
      // The transaction is gone with the connection, which is closed next.
    }
  }

  /** SQLite goes on writing into a file that was removed or moved away: such a commit is on no disk that anybody will read. */
  assertInPlace(): void {
    if (this.path === null) return;
    if (fileIdentity(this.path) !== this.#identity) throw new StoreReplacedError(`${this.path} was removed or replaced while it was open`);
    const wal = fileIdentity(`${this.path}-wal`);
    this.#walIdentity ??= wal;
    if (wal === "" || wal !== this.#walIdentity) throw new StoreReplacedError(`${this.path}-wal was removed while the store was open`);
  }
}

function prepareFile(path: string): void {
  if (existsSync(path)) return;
  if (!existsSync(dirname(path))) {
    // Made here, a missing volume would go unnoticed and the receipts with the container.
    throw new LedgerError("ledger_io_error", `the directory ${dirname(path)} of the receipt store does not exist`, {
      fix: "create it, or mount the volume that belongs there",
      fault: "io_error",
    });
  }
  // Receipts name callers and arguments: for the owner's eyes only. SQLite gives its -wal and -shm files the same mode.
  closeSync(openSync(path, "wx", 0o600));
}

function useWal(db: DatabaseSync, path: string): void {
  const mode = Object.values(db.prepare("PRAGMA journal_mode = WAL").get() ?? {})[0];
  if (mode !== "wal") throw faultError("io_error", `${path}: this file system cannot share memory, which SQLite's write-ahead log needs`);
  // Commits wait for the disk (fullfsync: macOS's real one). The log is copied into the file by the maintenance thread, not by a commit.
  db.exec(`PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
    PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = ${WAL_KEPT_BYTES}`);
}

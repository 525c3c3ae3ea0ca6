import { basename, dirname, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { checkpointBodyHash, parseCheckpoint, verifyCheckpoint, verifyCheckpointChain } from "../wire/checkpoint.ts";
import { leafHash, merkleRoot, toMerkleHex } from "../wire/merkle.ts";
import type { KernelCheckpoint } from "../wire/types.ts";
import { LedgerError } from "./errors.ts";
import { type CheckpointRecord, EVERY_RECEIPT, StoreReader, stretches } from "./reader.ts";
import { KnownCheckpoints } from "./verify-known.ts";
import { type StoredReceipt, verifyStoredReceipt } from "./verify-receipt.ts";
import { addProblem, emptyReport, type LedgerReport, type ProblemCode } from "./verify-report.ts";

export type { LedgerReport, Problem } from "./verify-report.ts";

export interface VerifyOptions {
  /** Public keys, 64 hex. Needed when the kernel key was changed once; without them a report does not say whether a signer is trusted. */
  trustedKeys?: readonly string[];
  /** Also verify the archives: `true` looks beside the store, a text names their directory. */
  archive?: boolean | string;
  /** Checkpoints that were published elsewhere (a sink, a log line): a store whose end was cut off does not have them any more. */
  knownCheckpoints?: readonly KernelCheckpoint[];
  /** Called now and then with the number of receipts done. */
  onProgress?: (receipts: number) => void;
}

/**
 * Verifies a whole store, also while a sidecar writes to it: the id and signature of every receipt, the signature of every checkpoint, the chain of
 * previous hashes, the numbers, and the Merkle root of every batch. Throws LedgerError when there is no store at `path`; all else is in the report.
 */
export async function verifyLedgerFile(path: string, options: VerifyOptions = {}): Promise<LedgerReport> {
  const live = new StoreReader(path);
  try {
    const verifier = new Verifier(live, options);
    return await verifier.run();
  } finally {
    live.close();
  }
}

const CHECKPOINTS_AT_ONCE = 64;
const ROWS_AT_ONCE = 512;
const OPEN_DECISIONS_SHOWN = 100;

class Verifier {
  readonly #live: StoreReader;
  readonly #options: VerifyOptions;
  readonly #report: LedgerReport;
  readonly #trusted: ReadonlySet<string> | null;
  readonly #known: KnownCheckpoints;
  /** Last checkpoint whose place in the chain was verified. */
  #previous: KernelCheckpoint | null = null;
  /** Last checkpoint of the archives that were looked at. */
  #archivedTo = 0;

  constructor(live: StoreReader, options: VerifyOptions) {
    this.#live = live;
    this.#options = options;
    this.#trusted = options.trustedKeys === undefined ? null : new Set(options.trustedKeys);
    this.#report = emptyReport(live.path, live.schemaVersion(), this.#trusted !== null);
    this.#known = new KnownCheckpoints(options.knownCheckpoints ?? [], this.#report);
  }

  async run(): Promise<LedgerReport> {
    const report = this.#report;
    // The end is fixed before anything is read: what a running sidecar adds meanwhile is for the next time.
    const lastSeq = this.#live.range()?.last ?? 0;
    const lastCheckpoint = this.#live.lastCheckpoint()?.checkpointSeq ?? 0;
    const { count, ids } = this.#live.openDecisions(OPEN_DECISIONS_SHOWN);
    report.open_decisions = { count, receipt_ids: ids };
    await this.#archives();
    await this.#checkpoints(this.#live, lastCheckpoint);
    // The last batch never goes to an archive.
    if (this.#firstLive() === undefined) this.#archivesReach(Number.POSITIVE_INFINITY);
    await this.#tail(lastSeq);
    await this.#indexes(this.#live, lastSeq);
    this.#known.end();
    if (this.#trusted === null) report.notes.push("no trusted keys were given: signatures verify, but by keys that nobody vouched for");
    return report;
  }

  async #archives(): Promise<void> {
    const records = this.#live.archives();
    const first = records[0];
    if (first === undefined) return;
    const { archive } = this.#options;
    if (archive === undefined || archive === false) {
      this.#report.from_the_beginning = false;
      this.#report.notes.push(
        `receipts ${first.firstSeq} to ${records.at(-1)!.lastSeq} are in archives that were not verified: use --archive`,
      );
      return;
    }
    const folder = typeof archive === "string" ? archive : dirname(this.#live.path);
    for (const { file, firstSeq, lastSeq, lastCheckpoint } of records) {
      if (lastCheckpoint <= this.#archivedTo) continue;
      this.#archivedTo = lastCheckpoint;
      let reader: StoreReader;
      try {
        reader = new StoreReader(join(folder, basename(file)));
      } catch (error) {
        this.#problem("archive_missing", `receipts ${firstSeq} to ${lastSeq}: ${error instanceof Error ? error.message : String(error)}`);
        this.#previous = null;
        this.#report.from_the_beginning = false;
        continue;
      }
      try {
        if (reader.meta("archive_of") !== this.#live.meta("store_id")) {
          this.#problem("archive_missing", `${reader.path} is the archive of another store`);
          continue;
        }
        if (!this.#report.archives.includes(reader.path)) this.#report.archives.push(reader.path);
        await this.#checkpoints(reader, lastCheckpoint);
        await this.#indexes(reader, lastSeq);
      } finally {
        reader.close();
      }
    }
  }

  /** Walks the checkpoints of one file up to `last`, each with its receipts. */
  async #checkpoints(reader: StoreReader, last: number): Promise<void> {
    let at = this.#previous?.body.checkpoint_seq ?? 0;
    for (;;) {
      const records = reader.checkpointsAfter(at, CHECKPOINTS_AT_ONCE).filter((record) => record.checkpointSeq <= last);
      if (records.length === 0) return;
      for (const record of records) {
        if (reader === this.#live) await this.#before(record);
        this.#checkpoint(reader, record);
        at = record.checkpointSeq;
        this.#options.onProgress?.(this.#report.receipts);
        await nextTurn();
      }
    }
  }

  /** The store may begin later than what was verified so far: with what its archives end at, and with no other. */
  async #before({ checkpointSeq }: CheckpointRecord): Promise<void> {
    const previous = this.#previous?.body.checkpoint_seq ?? 0;
    const first = this.#firstLive()?.checkpointSeq ?? 0;
    if (checkpointSeq === previous + 1 || first <= previous) return;
    if (this.#options.archive) {
      // Retention may have moved more since they were verified.
      await this.#archives();
      return;
    }
    this.#archivesReach(first - 1);
    if (this.#live.archives().length === 0) return;
    this.#previous = null;
    this.#report.from_the_beginning = false;
  }

  /** Without a look into the archives, what the store says of them: that they have everything up to where it begins. */
  #archivesReach(checkpointSeq: number): void {
    const records = this.#live.archives();
    if (records.length === 0) return;
    let reached = 0;
    for (const { firstCheckpoint, lastCheckpoint } of records)
      if (firstCheckpoint <= reached + 1) reached = Math.max(reached, lastCheckpoint);
    if (reached >= checkpointSeq) return;
    const message = `the archives end at checkpoint ${reached}, and the store does not go on from there`;
    this.#problem("checkpoint_missing", message, { checkpoint_seq: reached + 1 });
  }

  /** Readers find receipts by the indexes: one that lacks an entry hides a receipt that is there. */
  async #indexes(reader: StoreReader, lastSeq: number): Promise<void> {
    const range = reader.range();
    if (range === null) return;
    for (const [first, last] of stretches(range.first, Math.min(range.last, lastSeq), false)) {
      try {
        const index = reader.wrongIndex(first, last);
        if (index !== null)
          this.#problem("store_damaged", `the index ${index} does not lead to receipts ${first} to ${last}`, { seq: first });
      } catch (error) {
        this.#problem("store_damaged", error instanceof Error ? error.message : String(error), { seq: first });
      }
      await nextTurn();
    }
  }

  #checkpoint(reader: StoreReader, record: CheckpointRecord): void {
    const checkpoint_seq = record.checkpointSeq;
    const report = this.#report;
    report.checkpoints++;
    let checkpoint: KernelCheckpoint;
    try {
      checkpoint = parseCheckpoint(record.canonicalJson);
    } catch (error) {
      this.#problem("checkpoint_invalid", `checkpoint ${checkpoint_seq}: ${error instanceof Error ? error.message : String(error)}`, {
        checkpoint_seq,
      });
      return;
    }
    const { body } = checkpoint;
    if (
      body.checkpoint_seq !== checkpoint_seq ||
      body.batch_start_seq !== record.batchStartSeq ||
      body.batch_end_seq !== record.batchEndSeq ||
      body.issued_at !== record.issuedAt ||
      checkpointBodyHash(body) !== record.bodySha256
    ) {
      this.#problem("checkpoint_invalid", `checkpoint ${checkpoint_seq}: its columns do not say what it says`, { checkpoint_seq });
    }
    this.#place(checkpoint);
    this.#signer(body.kernel_key, `checkpoint ${checkpoint_seq}`, { checkpoint_seq });
    this.#known.found(checkpoint);
    this.#batch(reader, checkpoint);
    this.#previous = checkpoint;
    report.last_checkpoint = {
      checkpoint_seq,
      batch_end_seq: body.batch_end_seq,
      issued_at: body.issued_at,
      body_sha256: checkpointBodyHash(body),
    };
  }

  /** Signature, and how it continues the one before. */
  #place(checkpoint: KernelCheckpoint): void {
    const { checkpoint_seq } = checkpoint.body;
    // Without the archives nobody can say what came before the first one here.
    if (this.#previous === null && !this.#report.from_the_beginning) {
      if (!verifyCheckpoint(checkpoint))
        this.#problem("checkpoint_invalid", `checkpoint ${checkpoint_seq}: it does not verify`, { checkpoint_seq });
      return;
    }
    const chain = verifyCheckpointChain([checkpoint], { trustedKeys: this.#trusted ?? undefined, after: this.#previous ?? undefined });
    for (const error of chain.errors) {
      if (!/kernel key is not trusted/.test(error)) this.#problem("checkpoint_invalid", error, { checkpoint_seq });
    }
  }

  /** The receipts of a batch against the root that was signed over them. */
  #batch(reader: StoreReader, { body }: KernelCheckpoint): void {
    const leaves: Uint8Array[] = [];
    let next = body.batch_start_seq;
    for (; next <= body.batch_end_seq; next += ROWS_AT_ONCE) {
      const last = Math.min(next + ROWS_AT_ONCE - 1, body.batch_end_seq);
      for (const row of this.#rows(reader, next, last)) leaves.push(this.#receipt(row));
    }
    if (leaves.length !== body.tree_size && reader === this.#live && this.#movedAway(body.checkpoint_seq)) {
      this.#report.notes.push(`the batch of checkpoint ${body.checkpoint_seq} moved to the archive while this ran`);
    } else if (leaves.length !== body.tree_size) {
      const message = `${body.tree_size - leaves.length} of receipts ${body.batch_start_seq} to ${body.batch_end_seq} are missing`;
      this.#problem("receipt_missing", message, { checkpoint_seq: body.checkpoint_seq });
    } else if (toMerkleHex(merkleRoot(leaves)) !== body.merkle_root) {
      const message = `receipts ${body.batch_start_seq} to ${body.batch_end_seq} do not add up to the root of checkpoint ${body.checkpoint_seq}`;
      this.#problem("merkle_root_mismatch", message, { checkpoint_seq: body.checkpoint_seq });
    }
  }

  #movedAway(checkpointSeq: number): boolean {
    return this.#live.archives().some((archive) => archive.firstCheckpoint <= checkpointSeq && checkpointSeq <= archive.lastCheckpoint);
  }

  /** What came after the last checkpoint. */
  async #tail(lastSeq: number): Promise<void> {
    const report = this.#report;
    const covered = report.last_checkpoint?.batch_end_seq ?? 0;
    const first = this.#live.range()?.first ?? covered + 1;
    const begin = this.#firstLive()?.batchStartSeq;
    if (begin !== undefined && first < begin) {
      this.#problem("receipt_outside_chain", `receipts ${first} to ${begin - 1} lie before the first batch of the store`, { seq: first });
    }
    let expected = covered + 1;
    for (let next = expected; next <= lastSeq; next += ROWS_AT_ONCE) {
      for (const row of this.#rows(this.#live, next, Math.min(next + ROWS_AT_ONCE - 1, lastSeq))) {
        if (row.seq !== expected) this.#problem("receipt_missing", `receipts ${expected} to ${row.seq - 1} are missing`, { seq: expected });
        this.#receipt(row);
        expected = row.seq + 1;
      }
      await nextTurn();
    }
    if (lastSeq > covered) report.uncheckpointed = { count: lastSeq - covered, first_seq: covered + 1, last_seq: lastSeq };
  }

  #firstLive(): CheckpointRecord | undefined {
    return this.#live.checkpointsAfter(0, 1)[0];
  }

  #rows(reader: StoreReader, first: number, last: number): StoredReceipt[] {
    try {
      return reader.rows(first, last, EVERY_RECEIPT, "ASC", ROWS_AT_ONCE);
    } catch (error) {
      this.#problem("store_damaged", `receipts ${first} to ${last}: ${error instanceof Error ? error.message : String(error)}`, {
        seq: first,
      });
      return [];
    }
  }

  /** Verifies one receipt; returns the hash of its text as it is, whatever the stored hash says. */
  #receipt(row: StoredReceipt): Uint8Array {
    const report = this.#report;
    report.receipts++;
    report.first_seq ??= row.seq;
    report.last_seq = row.seq;
    const where = { seq: row.seq, receipt_id: row.receiptId };
    try {
      const receipt = verifyStoredReceipt(row);
      this.#signer(String(receipt.kernel_key), `receipt seq ${row.seq} (${row.receiptId})`, where);
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      this.#problem("receipt_tampered", error.message, where);
    }
    return leafHash(row.canonicalJson);
  }

  #signer(key: string, what: string, where: { seq?: number; receipt_id?: string; checkpoint_seq?: number }): void {
    const report = this.#report;
    report.kernel_keys[key] = (report.kernel_keys[key] ?? 0) + 1;
    if (this.#trusted === null || this.#trusted.has(key)) return;
    report.signers_trusted = false;
    this.#problem("signer_untrusted", `${what} was signed by ${key}, which is not trusted`, where);
  }

  #problem(code: ProblemCode, message: string, where: { seq?: number; receipt_id?: string; checkpoint_seq?: number } = {}): void {
    addProblem(this.#report, { code, message, ...where });
  }
}

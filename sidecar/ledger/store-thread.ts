import type { MessagePort } from "node:worker_threads";
import { Keypair } from "../wire/keys.ts";
import { Batches } from "./batches.ts";
import { EntryQueue } from "./entry-queue.ts";
import { LedgerError } from "./errors.ts";
import { diagnose, StoreReplacedError } from "./faults.ts";
import { WriterLock } from "./lock.ts";
import type { StoredEntry } from "./packing.ts";
import type { Cursor, FromWorker, SignedCheckpoint, ToWorker, WorkerOptions } from "./protocol.ts";
import { signEntries } from "./sign-entries.ts";
import { Store } from "./store.ts";
import type { LedgerFault } from "./types.ts";
import { Upkeep } from "./upkeep.ts";

const BUSY_TIMEOUT_MS = 2_000;
const RETRY_FIRST_MS = 10;
const RETRY_MOST_MS = 1_000;
const POLL_MS = 250;
/** Delivery cursors ride on the next commit; without one they are written after this. */
const CURSOR_DELAY_MS = 1_000;

/**
 * The store's thread. Entries that arrive while a commit waits for the disk make up the next one. When a commit fails nothing of its group
 * counts; the store is closed, reopened until it works, and nothing is accepted meanwhile.
 */
export class StoreThread {
  readonly #port: MessagePort;
  readonly #options: WorkerOptions;
  readonly #keypair: Keypair | null;
  #lock: WriterLock | null;
  readonly #batches: Batches;
  readonly #queue = new EntryQueue();
  readonly #upkeep: Upkeep;
  #store: Store | null;
  #fault: { fault: LedgerFault; message: string } | null = null;
  #signed: SignedCheckpoint[] = [];
  #draftsOut = 0;
  #cursors = new Map<string, Cursor>();
  #cursorTimer: NodeJS.Timeout | null = null;
  #intervalTimer: NodeJS.Timeout | null = null;
  #retryTimer: NodeJS.Timeout | null = null;
  readonly #poll: NodeJS.Timeout;
  #scheduled = false;
  #finishing: number[] = [];
  /** Last receipt that was acknowledged: a store without it is not the one we wrote. */
  #acknowledged: { seq: number; leaf: Uint8Array } | null = null;
  #dataVersion: number;
  #revocationPosition: number;

  /** Throws LedgerError or SQLite's error when the store cannot be opened. */
  constructor(port: MessagePort, options: WorkerOptions) {
    this.#port = port;
    this.#options = options;
    this.#keypair = options.seed === null ? null : Keypair.fromSeed(options.seed);
    options.seed?.fill(0);
    this.#lock = null;
    try {
      this.#lock = options.path === null ? null : WriterLock.take(options.path);
      const store = Store.open({ path: options.path, create: true, busyTimeoutMs: BUSY_TIMEOUT_MS });
      this.#store = store;
      const covered = store.chainHead()?.batchEndSeq ?? 0;
      this.#batches = new Batches(options.batchSize, covered, store.leavesAfter(covered));
      store.probe();
      this.#noteAcknowledged(store);
      this.#dataVersion = store.dataVersion();
      this.#revocationPosition = store.state.revokedAfter(0).position;
      const snapshot = store.snapshot(Math.floor(options.now / 1000));
      this.#upkeep = new Upkeep(options, snapshot.cursors, {
        store: () => this.#store,
        post: (message) => this.#post(message),
        failed: (error) => this.#enterFault(error),
      });
      this.#post({ type: "opened", snapshot });
    } catch (error) {
      this.#keypair?.wipe();
      this.#lock?.release();
      throw error;
    }
    this.#poll = setInterval(() => this.#look(), POLL_MS);
    this.#cutBatches(false);
  }

  receive(message: ToWorker): void {
    switch (message.type) {
      case "append":
        this.#queue.push(message);
        this.#schedule();
        break;
      case "checkpoint":
        this.#draftsOut--;
        this.#signed.push(message.checkpoint);
        this.#schedule();
        break;
      case "abandon":
        this.#draftsOut--;
        this.#schedule();
        break;
      case "cursor":
        this.#cursors.set(message.sink, message.cursor);
        this.#upkeep.delivered(message.sink, message.cursor);
        this.#cursorTimer ??= setTimeout(() => this.#schedule(), CURSOR_DELAY_MS);
        break;
      case "read":
        this.#read(message.id, message.after, message.limit);
        break;
      case "probe":
        this.#probe(message.id);
        break;
      case "maintain":
        this.#upkeep.maintain(message.now);
        break;
      case "finish":
        this.#finishing.push(message.id);
        this.#schedule();
        break;
      case "close":
        this.#close(message.id);
        break;
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#run();
    });
  }

  #run(): void {
    const { group, chars } = this.#queue.take();
    const store = this.#store;
    if (store === null) {
      if (group.length > 0) this.#refuse(group.length);
    } else {
      const full = this.#upkeep.full();
      if (full && group.length > 0) {
        const message = "the store in memory is full: no sink takes its receipts";
        this.#post({ type: "failed", entries: group.length, fault: "queue_full", message });
      }
      // Checkpoints and cursors are what makes room again.
      const taken = full ? [] : group;
      if (taken.length > 0 || this.#signed.length > 0 || this.#cursors.size > 0) this.#commit(store, taken, chars);
    }
    if (this.#queue.length > 0) this.#schedule();
    else this.#answerFinishing();
  }

  #commit(store: Store, group: StoredEntry[], chars: number): void {
    const entries = group.length;
    const checkpoints = this.#signed;
    const cursors = this.#cursors;
    const start = performance.now();
    let firstSeq: number;
    let proofs = "";
    try {
      if (this.#keypair !== null) proofs = signEntries(group, this.#keypair);
      firstSeq = store.commit(group, checkpoints, cursors, this.#batches.leaves);
    } catch (error) {
      this.#enterFault(error, entries);
      return;
    }
    this.#signed = [];
    this.#cursors = new Map();
    if (this.#cursorTimer !== null) clearTimeout(this.#cursorTimer);
    this.#cursorTimer = null;
    const counts = store.counts();
    if (entries > 0) {
      this.#noteAcknowledged(store);
      this.#post({ type: "committed", entries, firstSeq, proofs, counts, seconds: (performance.now() - start) / 1000 });
    }
    for (const checkpoint of checkpoints) this.#post({ type: "checkpointed", checkpoint, counts });
    this.#cutBatches(this.#upkeep.crowded());
    this.#upkeep.committed(entries + checkpoints.length, chars);
  }

  #refuse(entries: number): void {
    const { fault, message } = this.#fault ?? { fault: "closed" as const, message: "the ledger was closed" };
    this.#post({ type: "failed", entries, fault, message });
  }

  #noteAcknowledged(store: Store): void {
    const leaf = this.#batches.leaves.at(-1) ?? store.leafAt(store.lastSeq);
    if (leaf !== null) this.#acknowledged = { seq: store.lastSeq, leaf };
  }

  /** Drafts go to the main thread, which signs them. An incomplete batch waits for more receipts until its time is up. */
  #cutBatches(rest: boolean): void {
    for (const draft of this.#batches.cut(rest)) {
      this.#draftsOut++;
      this.#post({ type: "draft", ...draft });
    }
    if (this.#batches.leaves.length === 0) {
      if (this.#intervalTimer !== null) clearTimeout(this.#intervalTimer);
      this.#intervalTimer = null;
    } else {
      this.#intervalTimer ??= setTimeout(() => {
        this.#intervalTimer = null;
        this.#cutBatches(true);
      }, this.#options.intervalMs);
    }
  }

  #answerFinishing(): void {
    if (this.#finishing.length === 0) return;
    if (this.#store !== null) {
      this.#cutBatches(true);
      if (this.#draftsOut > 0 || this.#signed.length > 0) return;
    }
    for (const id of this.#finishing.splice(0)) this.#post({ type: "finished", id });
  }

  #enterFault(error: unknown, entries = 0): void {
    this.#setFault(describe(error, this.#options.path));
    if (entries > 0) this.#refuse(entries);
    this.#upkeep.stop();
    const store = this.#store;
    this.#store = null;
    try {
      store?.close();
    } catch {
      // It failed already; the retries open it anew.
    }
    this.#retry(RETRY_FIRST_MS);
    if (this.#finishing.length > 0) this.#schedule();
  }

  #setFault(found: { fault: LedgerFault; message: string }): void {
    if (this.#fault?.fault === found.fault && this.#fault.message === found.message) return;
    this.#fault = found;
    this.#post({ type: "fault", ...found });
  }

  #retry(delay: number): void {
    this.#retryTimer = setTimeout(() => {
      let store: Store | null = null;
      try {
        if (this.#lock?.inPlace() === false) {
          // The old one is held until there is a new one: a folder that was away may come back with it.
          const lock = WriterLock.take(this.#options.path ?? "");
          this.#lock.release();
          this.#lock = lock;
        }
        store = Store.open({ path: this.#options.path, create: false, busyTimeoutMs: 0 });
        this.#assertOurs(store);
        store.trial();
        this.#batches.leaves = store.leavesAfter(this.#batches.draftedSeq);
        store.setBusyTimeout(BUSY_TIMEOUT_MS);
      } catch (error) {
        store?.close();
        this.#setFault(describe(error, this.#options.path));
        this.#retry(Math.min(delay * 2, RETRY_MOST_MS));
        return;
      }
      this.#resume(store);
    }, delay);
  }

  #resume(store: Store): void {
    this.#store = store;
    this.#fault = null;
    this.#dataVersion = -1;
    this.#noteAcknowledged(store);
    const counts = store.counts();
    this.#post({ type: "recovered", counts });
    // A commit that was reported as failed may have reached the disk all the same: its receipts are in the log then, and its checkpoints too.
    const stored = store.chainHead()?.checkpointSeq ?? 0;
    for (const checkpoint of this.#signed) if (checkpoint.checkpointSeq <= stored) this.#post({ type: "checkpointed", checkpoint, counts });
    this.#signed = this.#signed.filter((checkpoint) => checkpoint.checkpointSeq > stored);
    this.#cutBatches(false);
    this.#look();
    this.#schedule();
  }

  #assertOurs(store: Store): void {
    if (this.#acknowledged === null) return;
    const { seq, leaf } = this.#acknowledged;
    const found = store.leafAt(seq);
    if (found !== null && Buffer.compare(found, leaf) === 0) return;
    throw new StoreReplacedError(`${store.path} is another store: receipt seq ${seq} that was acknowledged is not in it`);
  }

  /** Looks for what other processes did: revocations that were written, a store that was removed. */
  #look(): void {
    const store = this.#store;
    if (store === null) return;
    try {
      const version = store.dataVersion();
      if (version !== this.#dataVersion) {
        this.#dataVersion = version;
        const { capabilityIds, position } = store.state.revokedAfter(this.#revocationPosition);
        this.#revocationPosition = position;
        if (capabilityIds.length > 0) this.#post({ type: "revoked", capabilityIds });
      }
      store.assertInPlace();
    } catch (error) {
      this.#enterFault(error);
    }
  }

  #read(id: number, after: Cursor, limit: number): void {
    try {
      if (this.#store === null) throw new Error(this.#fault?.message ?? "the store is closed");
      this.#post({ type: "rows", id, ...this.#store.read(after, limit), error: null });
    } catch (error) {
      this.#post({ type: "rows", id, receipts: [], checkpoints: [], error: error instanceof Error ? error.message : String(error) });
    }
  }

  #probe(id: number): void {
    try {
      this.#store?.probe();
    } catch (error) {
      this.#enterFault(error);
    }
    this.#post({ type: "probed", id, ok: this.#store !== null });
  }

  #close(id: number): void {
    clearInterval(this.#poll);
    for (const timer of [this.#cursorTimer, this.#intervalTimer, this.#retryTimer]) if (timer !== null) clearTimeout(timer);
    this.#upkeep.stop();
    try {
      if (this.#store !== null && this.#cursors.size > 0) this.#store.commit([], [], this.#cursors, []);
      this.#store?.close();
    } catch {
      // Receipts are safe; the sinks get the last groups again.
    }
    this.#store = null;
    this.#keypair?.wipe();
    this.#lock?.release();
    this.#post({ type: "closed", id });
    this.#port.close();
  }

  #post(message: FromWorker): void {
    this.#port.postMessage(message);
  }
}

function describe(error: unknown, path: string | null): { fault: LedgerFault; message: string } {
  const message = error instanceof Error ? error.message : String(error);
  const known = error instanceof LedgerError ? error.fault : undefined;
  return diagnose(error, path) ?? { fault: known ?? "io_error", message };
}

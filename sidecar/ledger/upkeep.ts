import { basename } from "node:path";
import { Worker } from "node:worker_threads";
import { BUDGET_GRACE_SECONDS } from "../kernel/budget.ts";
import { archiveFile } from "./archive.ts";
import type { BatchRange, FromMaintenance, MaintenanceOptions, ToMaintenance } from "./maintenance.ts";
import type { Cursor, FromWorker, WorkerOptions } from "./protocol.ts";
import type { Store } from "./store.ts";

const PAGE = 4096;
/**
 * The write-ahead log is copied into the store by the maintenance thread and begins again at its start: soon (4 MiB), because an fsync of a log that grows
 * costs half as much again as one of a log that is written over; but seldom, because the copy's own fsync holds up those of the commits.
 */
const WAL_PASS_FRAMES = 1_024;
const WAL_PASS_INTERVAL_MS = 500;
/** Under load it is copied at this, whenever that is: 32 MiB. */
const WAL_CAP_FRAMES = 8_192;
/** As much may be copied between two commits: a millisecond or two. */
const WAL_REST_FRAMES = 160;
/** Expired rows in one transaction, and the pause before the next. */
const PURGE_AT_ONCE = 1_000;
const PURGE_PAUSE_MS = 5;
/** Pause between two batches on their way to the archive. */
const ARCHIVE_PAUSE_MS = 5;
/** A store in memory keeps this much, however much more a store on disk may. */
const MEMORY_BYTES = 16 * 1024 * 1024;

interface Host {
  store(): Store | null;
  post(message: FromWorker): void;
  failed(error: unknown): void;
}

/** What keeps the store small: the write-ahead log, old receipts, replay keys and budget counters that have expired. Nothing here holds up a commit for more than a batch. */
export class Upkeep {
  readonly #options: WorkerOptions;
  readonly #host: Host;
  readonly #delivered = new Map<string, Cursor>();
  #thread: Worker | null = null;
  #passRunning = false;
  /** Written since the last pass began. */
  #frames = 0;
  #lastPass = 0;
  #now: number;
  #purgeTimer: NodeJS.Timeout | null = null;
  #archiving = false;
  #shrinking = false;

  constructor(options: WorkerOptions, cursors: Readonly<Record<string, Cursor>>, host: Host) {
    this.#options = options;
    this.#host = host;
    this.#now = options.now;
    for (const sink of options.sinks) this.#delivered.set(sink, cursors[sink] ?? { receiptSeq: 0, checkpointSeq: 0 });
  }

  delivered(sink: string, cursor: Cursor): void {
    this.#delivered.set(sink, cursor);
  }

  /** Called after each commit with its rows and their length. */
  committed(rows: number, chars: number): void {
    if (this.#options.path === null) {
      this.#trimMemory();
      return;
    }
    // Frames are estimated: rows share pages, and each index touches a few. The next pass says how many there are.
    this.#frames += Math.ceil((chars * 1.25) / PAGE) + 6 + Math.min(rows, 12);
    if (this.#passRunning || this.#frames < WAL_PASS_FRAMES) return;
    if (this.#frames >= WAL_CAP_FRAMES || performance.now() - this.#lastPass >= WAL_PASS_INTERVAL_MS) this.#pass();
  }

  /** True while a store in memory can take no more because its sinks take nothing. */
  full(): boolean {
    return this.#options.path === null && (this.#host.store()?.liveBytes() ?? 0) > 2 * MEMORY_BYTES;
  }

  /** `now`: Unix milliseconds. */
  maintain(now: number): void {
    this.#now = now;
    const store = this.#host.store();
    if (store === null || !this.#purge(store, Math.floor(now / 1000))) return;
    if (this.#options.path !== null && !this.#archiving) this.#archiveNext();
  }

  /** Goes on by itself until nothing of before `now`, Unix seconds, is left. False when the store failed. */
  #purge(store: Store, now: number): boolean {
    if (this.#purgeTimer !== null) clearTimeout(this.#purgeTimer);
    this.#purgeTimer = null;
    let most = 0;
    try {
      store.transact(() => {
        most = Math.max(
          store.state.purgeReplayKeys(now, PURGE_AT_ONCE),
          // A clock that is set back by less than the grace hands no budget out again; one that is set back further is noticed by the kernel.
          store.state.purgeBudgets(now - BUDGET_GRACE_SECONDS, PURGE_AT_ONCE),
        );
      });
    } catch (error) {
      this.#host.failed(error);
      return false;
    }
    if (most === PURGE_AT_ONCE) {
      this.#purgeTimer = setTimeout(() => {
        const next = this.#host.store();
        if (next !== null) this.#purge(next, now);
      }, PURGE_PAUSE_MS);
    }
    return true;
  }

  stop(): void {
    if (this.#purgeTimer !== null) clearTimeout(this.#purgeTimer);
    this.#thread?.postMessage({ type: "stop" } satisfies ToMaintenance);
    this.#thread = null;
    this.#passRunning = false;
    this.#archiving = false;
  }

  #pass(): void {
    this.#passRunning = true;
    this.#lastPass = performance.now();
    this.#frames = 0;
    this.#send({ type: "wal" });
  }

  #archiveNext(): void {
    const store = this.#host.store();
    const path = this.#options.path;
    this.#archiving = false;
    if (store === null || path === null) return;
    const batch = store.oldestBatch();
    if (batch === null || !this.#isDue(store, batch)) return;
    this.#archiving = true;
    this.#send({
      type: "copy",
      batch,
      file: archiveFile(path, this.#options.retention.archiveDir, batch.issuedAt, (name) => store.hasArchive(name)),
      storeId: store.storeId(),
    });
  }

  /** Too old, or the store too large; never what a sink has not taken yet, nor what an open decision still needs. */
  #isDue(store: Store, batch: BatchRange & { issuedAt: number }): boolean {
    if (!this.#isDelivered(batch) || store.hasOpenDecision(batch.startSeq, batch.endSeq)) return false;
    const { maxAgeDays, maxBytes } = this.#options.retention;
    if (batch.issuedAt * 1000 < this.#now - maxAgeDays * 86_400_000) return true;
    // Some room is made at once, so that this does not begin anew with every receipt.
    this.#shrinking = store.liveBytes() > (this.#shrinking ? maxBytes * 0.9 : maxBytes);
    return this.#shrinking;
  }

  /** The checkpoint too: it comes after its receipts, and a sink may have failed in between. */
  #isDelivered({ checkpointSeq, endSeq }: BatchRange): boolean {
    return [...this.#delivered.values()].every((cursor) => cursor.receiptSeq >= endSeq && cursor.checkpointSeq >= checkpointSeq);
  }

  #copied(batch: BatchRange, file: string, error: string | null): void {
    this.#archiving = false;
    const store = this.#host.store();
    if (store === null) return;
    if (error !== null) {
      this.#host.post({ type: "archive_failed", message: error });
      return;
    }
    try {
      store.dropBatch(batch, file);
    } catch (failure) {
      this.#host.failed(failure);
      return;
    }
    this.#archiving = true;
    this.#host.post({ type: "archived", counts: store.counts() });
    setTimeout(() => this.#archiveNext(), ARCHIVE_PAUSE_MS);
  }

  /**
   * The log begins again at its start only when nothing is left in it to copy, and under load something always came during the pass. So passes follow
   * each other until what is left is little, and that little is copied here, between two commits.
   */
  #passed(log: number): void {
    this.#passRunning = false;
    const store = this.#host.store();
    if (store === null) return;
    if (this.#frames > WAL_REST_FRAMES && log < 2 * WAL_CAP_FRAMES) {
      this.#pass();
      return;
    }
    try {
      store.checkpointWal();
      this.#frames = 0;
    } catch (error) {
      this.#host.failed(error);
    }
  }

  #trimMemory(): void {
    const store = this.#host.store();
    if (store === null) return;
    const most = Math.min(MEMORY_BYTES, this.#options.retention.maxBytes);
    while (store.liveBytes() > most) {
      // The last one may go too: nobody opens this store again to go on from it.
      const batch = store.oldestBatch(0);
      if (batch === null || !this.#isDelivered(batch)) return;
      store.dropBatch(batch, null);
    }
  }

  /** True while a store in memory is larger than it should be by receipts without a checkpoint: only whole batches are dropped. */
  crowded(): boolean {
    const store = this.#options.path === null ? this.#host.store() : null;
    return store !== null && store.liveBytes() > MEMORY_BYTES && store.oldestBatch(0) === null;
  }

  #send(message: ToMaintenance): void {
    this.#thread ??= this.#start();
    this.#thread.postMessage(message);
  }

  /** Begun with the first need: an idle sidecar does without the thread's memory. */
  #start(): Worker {
    const thread = new Worker(new URL(this.#options.workerUrl), {
      workerData: { role: "maintenance", path: this.#options.path ?? "" } satisfies MaintenanceOptions,
      env: {},
      name: "chio-ledger-maintenance",
    });
    thread.on("message", (message: FromMaintenance) => {
      if (thread !== this.#thread) return;
      if (message.type === "wal") this.#passed(message.log);
      else this.#copied(message.batch, basename(message.file), message.error);
    });
    thread.on("error", (error) => {
      if (thread !== this.#thread) return;
      this.stop();
      this.#host.post({ type: "archive_failed", message: error instanceof Error ? error.message : String(error) });
    });
    return thread;
  }
}

import type { BudgetCharge } from "../kernel/types.ts";
import { CheckpointChain } from "./chain.ts";
import { within } from "./deadline.ts";
import { Delivery } from "./delivery.ts";
import { checkEntry, checkState, checkUnsigned } from "./entry-check.ts";
import { faultError, LedgerError } from "./errors.ts";
import { Fifo } from "./fifo.ts";
import { checkOptions } from "./options.ts";
import { Outbox } from "./outbox.ts";
import { type DurableReceipt, PendingEntries, type Waiter } from "./pending.ts";
import type { Counts, Cursor, Snapshot } from "./protocol.ts";
import type { StoreClient, StoreEvent } from "./store-client.ts";
import { startLedgerThread } from "./thread.ts";
import type { Ledger, LedgerEntry, LedgerFault, LedgerOptions, LedgerStatus, ReceiptProof, UnsignedReceipt } from "./types.ts";
import { verifyStoredReceipt } from "./verify-receipt.ts";
import { defaultWorkerUrl } from "./worker-url.ts";

/** Beside the bound on entries: receipts embed arguments, and a few large ones must not eat the sidecar's memory. */
const MAX_QUEUED_CHARS = 32 * 1024 * 1024;
const SINK_TIMEOUT_MS = 10_000;
const MAINTENANCE_INTERVAL_MS = 60_000;
/** What a thread may take to close its files once everything else is done. */
const CLOSE_MS = 2_000;

/**
 * Opens the store, heals what a crash left behind (an `incomplete` receipt for every open decision; a checkpoint over the rest follows in due
 * course) and starts delivery. Throws LedgerError when the store cannot be opened: damaged, of another version, in use by another process.
 */
export async function openLedger(options: LedgerOptions): Promise<Ledger> {
  checkOptions(options);
  const workerUrl = options.workerUrl ?? defaultWorkerUrl();
  const client = options.thread ?? startLedgerThread(workerUrl);
  const snapshot = await client.open({
    path: options.path,
    batchSize: options.checkpoint.batchSize,
    intervalMs: options.checkpoint.intervalMs,
    retention: { ...options.retention, archiveDir: options.retention.archiveDir ?? null },
    sinks: options.sinks.map((sink) => sink.name),
    now: options.now(),
    workerUrl: workerUrl.href,
    seed: options.keypair?.exportSeed() ?? null,
  });
  const ledger = new StoreLedger(options, client, snapshot);
  try {
    await ledger.completeOpenDecisions(snapshot);
  } catch (error) {
    await ledger.abandon();
    throw error;
  }
  return ledger;
}

class StoreLedger implements Ledger {
  readonly #options: LedgerOptions;
  readonly #client: StoreClient;
  readonly #chain: CheckpointChain;
  readonly #deliveries: Delivery[];
  readonly #revoked: Set<string>;
  readonly #budgets: BudgetCharge[];
  readonly #budgetsPrunedUntil: number;
  readonly #replayKeys: Snapshot["replayKeys"];
  readonly #replayPrunedUntil: number;
  readonly #maintenance: NodeJS.Timeout;
  #counts: Counts;
  #checkpointSeq: number;
  #checkpointAt: number;
  readonly #pending = new PendingEntries();
  /** Durable receipts that wait for the sinks, where the sinks are what counts. */
  readonly #unconfirmed = new Fifo<Waiter & { seq: number }>();
  readonly #outbox: Outbox;
  #fault: { fault: LedgerFault; message: string } | null = null;
  #retentionProblem: string | null = null;
  #chainBroken = false;
  #opening = true;
  #closed: Promise<{ undelivered: number }> | null = null;

  constructor(options: LedgerOptions, client: StoreClient, snapshot: Snapshot) {
    this.#options = options;
    this.#client = client;
    this.#outbox = new Outbox((packed) => client.post({ type: "append", ...packed }));
    this.#chain = new CheckpointChain(options.signer, snapshot.head);
    this.#revoked = new Set(snapshot.revoked);
    this.#budgets = snapshot.budgets;
    this.#budgetsPrunedUntil = snapshot.budgetsPrunedUntil;
    this.#replayKeys = snapshot.replayKeys;
    this.#replayPrunedUntil = snapshot.replayPrunedUntil;
    this.#counts = snapshot;
    this.#checkpointSeq = snapshot.head?.checkpointSeq ?? 0;
    this.#checkpointAt = snapshot.head?.issuedAt ?? 0;
    const end: Cursor = { receiptSeq: snapshot.lastSeq, checkpointSeq: this.#checkpointSeq };
    this.#deliveries = options.sinks.map((sink) => {
      // A sink that is new to this store begins with the next receipt.
      const cursor = snapshot.cursors[sink.name];
      if (cursor === undefined) client.post({ type: "cursor", sink: sink.name, cursor: end });
      return new Delivery(sink, cursor ?? end, end, options.sinkTimeoutMs ?? SINK_TIMEOUT_MS, {
        read: (after, limit) => client.read(after, limit),
        save: (saved) => client.post({ type: "cursor", sink: sink.name, cursor: saved }),
        changed: () => this.#confirm(),
      });
    });
    client.onEvent = (event) => this.#receive(event);
    client.onEnd = (error) => {
      this.#setFault("io_error", error.message);
      options.onLost?.(error);
    };
    this.#maintenance = setInterval(
      () => client.post({ type: "maintain", now: options.now() }),
      options.maintenanceIntervalMs ?? MAINTENANCE_INTERVAL_MS,
    );
    for (const delivery of this.#deliveries) delivery.run();
  }

  append(entry: LedgerEntry): Promise<void> {
    const refusal = this.#refusal() ?? checkEntry(entry);
    if (refusal !== null) return Promise.reject(refusal);
    return this.#enqueue(entry);
  }

  signAndAppend(receipt: UnsignedReceipt): Promise<ReceiptProof> {
    const refusal = this.#refusal() ?? (this.#options.keypair === undefined ? withoutKeypair() : checkUnsigned(receipt));
    if (refusal !== null) return Promise.reject(refusal);
    this.#outbox.unsigned(receipt);
    this.#inForce(receipt.state);
    return this.#pending.unsigned(receipt);
  }

  revoke(capabilityId: string, at: number, reason?: string): Promise<void> {
    // Before anything else: even where it cannot be stored now, this process must not honour the capability again.
    this.#revoked.add(capabilityId);
    const state = [{ type: "revoke" as const, capabilityId, at, ...(reason === undefined ? {} : { reason }) }];
    const refusal = this.#refusal() ?? checkState(state);
    if (refusal !== null) return Promise.reject(refusal);
    this.#outbox.state(state);
    return this.#pending.state();
  }

  isRevoked(capabilityId: string): boolean {
    return this.#revoked.has(capabilityId);
  }

  initialBudgets(): readonly BudgetCharge[] {
    return this.#budgets;
  }

  budgetsPrunedUntil(): number {
    return this.#budgetsPrunedUntil;
  }

  initialReplayKeys(): Snapshot["replayKeys"] {
    return this.#replayKeys;
  }

  replayPrunedUntil(): number {
    return this.#replayPrunedUntil;
  }

  status(): LedgerStatus {
    const local = this.#storeRefusal();
    const refusal = local ?? this.#sinkRefusal();
    return {
      writable: refusal === null,
      storeWritable: local === null,
      ...(refusal?.fault === undefined ? {} : { fault: refusal.fault, message: refusal.message }),
      queued: this.#queued(),
      receipts: this.#counts.receipts,
      open: this.#counts.open,
      uncheckpointed: this.#counts.uncheckpointed,
      checkpointSeq: this.#checkpointSeq,
      checkpointAt: this.#checkpointAt,
      sinks: this.#deliveries.map((delivery) => delivery.status()),
      ...(this.#retentionProblem === null ? {} : { retentionProblem: this.#retentionProblem }),
    };
  }

  async probe(): Promise<boolean> {
    if (this.#closed !== null) return false;
    return (await this.#client.probe().catch(() => false)) && this.#refusal() === null;
  }

  async flush(): Promise<void> {
    await this.#outbox.settled();
    await this.#handOver(false);
  }

  close(options: { deadlineMs?: number } = {}): Promise<{ undelivered: number }> {
    this.#closed ??= this.#close(options.deadlineMs);
    return this.#closed;
  }

  /** Receipts that a crash owed. Each is verified before the key vouches for how it ended. */
  async completeOpenDecisions({ openDecisions }: Snapshot): Promise<void> {
    const completed = openDecisions.map(({ seq, receiptId, kind, canonicalJson }) => {
      verifyStoredReceipt({ seq, receiptId, kind, canonicalJson });
      const entry = this.#options.signer.completeOpenDecision(canonicalJson, kind, this.#options.now());
      const problem = checkEntry(entry);
      if (problem !== null) throw problem;
      return { ...entry, closes: receiptId };
    });
    await Promise.all(completed.map((entry) => this.#enqueue(entry)));
    this.#opening = false;
  }

  /** Ends what an open that failed has begun: a timer or a sink that went on would keep the process alive. */
  async abandon(): Promise<void> {
    this.#closed ??= this.#end().then(() => ({ undelivered: 0 }));
    await this.#closed;
  }

  #enqueue(entry: LedgerEntry): Promise<void> {
    this.#outbox.entry(entry);
    this.#inForce(entry.state);
    return this.#pending.signed(entry);
  }

  #inForce(state: LedgerEntry["state"]): void {
    for (const change of state ?? []) if (change.type === "revoke") this.#revoked.add(change.capabilityId);
  }

  #receive(event: StoreEvent): void {
    switch (event.type) {
      case "committed":
        this.#counts = event.counts;
        this.#committed(event);
        break;
      case "failed":
        this.#fail(event.entries, () => faultError(event.fault, event.message));
        break;
      case "draft":
        this.#sign(event);
        break;
      case "checkpointed": {
        const { checkpointSeq, batchEndSeq, canonicalJson } = event.checkpoint;
        this.#counts = event.counts;
        this.#checkpointSeq = checkpointSeq;
        for (const delivery of this.#deliveries)
          delivery.checkpoint({ type: "checkpoint", seq: checkpointSeq, canonicalJson }, batchEndSeq);
        break;
      }
      case "fault":
        this.#setFault(event.fault, event.message);
        break;
      case "recovered":
        this.#counts = event.counts;
        this.#fault = null;
        this.#options.onRecovered?.();
        break;
      case "revoked":
        for (const id of event.capabilityIds) this.#revoked.add(id);
        break;
      case "archived":
        this.#counts = event.counts;
        this.#retentionProblem = null;
        break;
      case "archive_failed":
        this.#retentionProblem = event.message;
        break;
    }
  }

  #committed(event: Extract<StoreEvent, { type: "committed" }>): void {
    const receipts = this.#pending.committed(event, (receipt) => this.#durable(receipt));
    this.#outbox.answered(event.entries);
    if (this.#unconfirmed.length > 0) this.#confirm();
    this.#options.onCommit?.(receipts, event.seconds);
  }

  #durable(receipt: DurableReceipt): void {
    if (this.#deliveries.length === 0) {
      receipt.resolve();
      return;
    }
    const record = { type: "receipt" as const, seq: receipt.seq, canonicalJson: receipt.canonicalJson(), outcome: receipt.outcome };
    for (const delivery of this.#deliveries) delivery.receipt(record);
    // What a crash owed waits for the disk alone: a sink that is down at the start must not keep the sidecar from starting.
    if (this.#options.acknowledge === "sink" && !this.#opening) this.#unconfirmed.push(receipt);
    else receipt.resolve();
  }

  #fail(entries: number, error: () => Error): void {
    this.#pending.fail(entries, error);
    this.#outbox.answered(entries);
  }

  /** Acknowledges what every sink has; refuses what waits for a sink that takes nothing. */
  #confirm(): void {
    if (this.#unconfirmed.length === 0) return;
    const confirmed = Math.min(...this.#deliveries.map((delivery) => delivery.confirmedSeq));
    const refusal = this.#unreachable();
    for (let next = this.#unconfirmed.peek(); next !== undefined; next = this.#unconfirmed.peek()) {
      if (next.seq <= confirmed) next.resolve();
      else if (refusal !== null) next.reject(refusal);
      else break;
      this.#unconfirmed.shift();
    }
  }

  #sign(draft: Extract<StoreEvent, { type: "draft" }>): void {
    if (!this.#chainBroken) {
      try {
        const checkpoint = this.#chain.sign(draft, this.#options.now());
        this.#checkpointAt = checkpoint.issuedAt;
        this.#client.post({ type: "checkpoint", checkpoint });
        return;
      } catch (error) {
        // A log that cannot be checkpointed takes nothing more. The next start makes up for the missing checkpoint.
        this.#chainBroken = true;
        this.#setFault("io_error", `a checkpoint could not be signed: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    this.#client.post({ type: "abandon" });
  }

  #setFault(fault: LedgerFault, message: string): void {
    const changed = this.#fault?.fault !== fault;
    this.#fault = { fault, message };
    if (this.#closed === null && changed) this.#options.onFault?.(fault, message);
    if (this.#client.ended) this.#fail(this.#pending.length, () => faultError(fault, message));
  }

  #queued(): number {
    return this.#pending.length + this.#unconfirmed.length;
  }

  #refusal(): LedgerError | null {
    return this.#storeRefusal() ?? this.#sinkRefusal();
  }

  /** What stands in the way whatever the sinks do. */
  #storeRefusal(): LedgerError | null {
    if (this.#closed !== null) return faultError("closed", "the ledger was closed");
    if (this.#fault !== null) return faultError(this.#fault.fault, this.#fault.message);
    if (this.#pending.length >= this.#options.queueLimit)
      return faultError("queue_full", `${this.#pending.length} receipts wait for their commit`);
    if (this.#pending.chars >= MAX_QUEUED_CHARS)
      return faultError("queue_full", `receipts of ${this.#pending.chars} bytes wait for their commit`);
    return null;
  }

  /** What stands in the way where answers wait for the sinks. */
  #sinkRefusal(): LedgerError | null {
    if (this.#options.acknowledge !== "sink") return null;
    const unreachable = this.#unreachable();
    if (unreachable !== null || this.#queued() < this.#options.queueLimit) return unreachable;
    return faultError("queue_full", `${this.#queued()} receipts wait for their commit, ${this.#unconfirmed.length} of them for a sink`);
  }

  #unreachable(): LedgerError | null {
    const down = this.#deliveries.find((delivery) => !delivery.reachable);
    if (down === undefined) return null;
    return faultError("sink_unreachable", `the sink ${down.sink.name} is not reachable: ${down.status().message}`);
  }

  async #handOver(patient: boolean): Promise<void> {
    await Promise.all(
      this.#deliveries.map(async (delivery) => {
        try {
          await delivery.caughtUp(patient);
          await delivery.sink.flush();
        } catch (error) {
          throw faultError("sink_unreachable", error instanceof Error ? error.message : String(error));
        }
      }),
    );
  }

  async #close(deadlineMs: number | undefined): Promise<{ undelivered: number }> {
    // With a deadline, sinks that do not answer get all of it; without one, what they do not take now is left for the next start.
    const work = this.#finish(deadlineMs !== undefined);
    await within(deadlineMs, work).catch(() => {});
    const behind = this.#deliveries.map((delivery) => delivery.status().behind);
    const undelivered = this.#pending.length + Math.max(0, ...behind);
    await this.#end();
    return { undelivered };
  }

  async #end(): Promise<void> {
    clearInterval(this.#maintenance);
    for (const delivery of this.#deliveries) delivery.stop();
    await within(CLOSE_MS, this.#client.close()).catch(() => {});
    await this.#client.terminate();
    const closed = faultError("closed", "the ledger was closed");
    this.#fail(this.#pending.length, () => closed);
    for (let next = this.#unconfirmed.shift(); next !== undefined; next = this.#unconfirmed.shift()) next.reject(closed);
    await within(CLOSE_MS, Promise.allSettled(this.#deliveries.map((delivery) => delivery.sink.close())));
  }

  async #finish(patient: boolean): Promise<void> {
    await this.#outbox.settled();
    await this.#client.finish();
    await this.#handOver(patient);
  }
}

function withoutKeypair(): LedgerError {
  return new LedgerError("ledger_option_invalid", "this ledger was opened without a keypair: it signs nothing", {
    fix: "pass LedgerOptions.keypair, or sign the receipt and use append",
  });
}

import { signCheckpoint } from "../wire/checkpoint.ts";
import { signHttpReceiptWithText } from "../wire/http-receipt.ts";
import type { Keypair } from "../wire/keys.ts";
import { signReceiptWithText } from "../wire/receipt.ts";
import { parseHttpReceipt, parseToolReceipt } from "../wire/receipt-parse.ts";
import type { ChioReceipt, ChioReceiptBody } from "../wire/types.ts";
import { KernelError } from "./errors.ts";
import type { KernelSigner, ReceiptStore, StoredReceipt } from "./receipt-store.ts";
import { incompleteReceiptFor, receiptIndex } from "./receipts.ts";
import { system } from "./system.ts";
import type { StateChange } from "./types.ts";
import { uuidv7 } from "./uuid.ts";

/** A receipt to be signed and made durable. */
export interface SigningJob {
  body: ChioReceiptBody;
  opens?: boolean;
  closes?: string;
  state?: readonly StateChange[];
}

interface Waiting extends SigningJob {
  resolve: (receipt: ChioReceipt) => void;
  reject: (error: unknown) => void;
}

const GROUP_SIZE = 256;

/**
 * Signs receipts and hands them to the store in groups, so that one commit takes many. Begins to work with the first job. At most `limit` jobs
 * are under way; further callers wait for a place, in the order in which they came.
 */
export class ReceiptSigner {
  readonly #keypair: Keypair;
  readonly #store: () => Promise<ReceiptStore>;
  readonly #limit: number;
  #queue: Waiting[] = [];
  readonly #waitingForPlace: (() => void)[] = [];
  #underWay = 0;
  #running: Promise<void> | null = null;

  constructor(keypair: Keypair, store: () => Promise<ReceiptStore>, limit: number) {
    this.#keypair = keypair;
    this.#store = store;
    this.#limit = limit;
  }

  /** True once a job has been accepted. */
  get started(): boolean {
    return this.#running !== null || this.#underWay > 0;
  }

  /** Jobs accepted and not yet durable. */
  get pending(): number {
    return this.#underWay;
  }

  /** Resolves with the signed receipt when it is durable; rejects with KernelError `receipt_not_durable`. */
  async submit(job: SigningJob): Promise<ChioReceipt> {
    // A place that is given up goes straight to who waits longest; nobody can step in between.
    if (this.#underWay >= this.#limit) await new Promise<void>((resolve) => this.#waitingForPlace.push(resolve));
    else this.#underWay++;
    return new Promise((resolve, reject) => {
      this.#queue.push({ ...job, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  /** Resolves when nothing is under way any more. */
  async drain(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #run(): Promise<void> {
    // Everything that this turn of the event loop submits goes into the first group.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const group = this.#queue.splice(0, GROUP_SIZE);
      await this.#process(group);
      for (const _ of group) this.#leave();
    }
    this.#running = null;
  }

  async #process(group: readonly Waiting[]): Promise<void> {
    const signed: { job: Waiting; receipt: ChioReceipt; entry: StoredReceipt }[] = [];
    for (const job of group) {
      try {
        const { receipt, canonicalJson } = signReceiptWithText(job.body, this.#keypair);
        signed.push({ job, receipt, entry: toEntry(receipt.id, canonicalJson, job) });
      } catch (cause) {
        job.reject(notDurable("the receipt could not be signed", cause));
      }
    }
    if (signed.length === 0) return;
    try {
      const store = await this.#store();
      await store.append(signed.map(({ entry }) => entry));
    } catch (cause) {
      for (const { job } of signed) job.reject(notDurable("the receipt store did not take the receipt", cause));
      return;
    }
    for (const { job, receipt } of signed) job.resolve(receipt);
  }

  #leave(): void {
    const next = this.#waitingForPlace.shift();
    if (next === undefined) this.#underWay--;
    else next();
  }
}

function toEntry(receiptId: string, canonicalJson: string, job: SigningJob): StoredReceipt {
  return {
    receiptId,
    kind: "tool",
    canonicalJson,
    index: receiptIndex(job.body),
    ...(job.opens === undefined ? {} : { opens: job.opens }),
    ...(job.closes === undefined ? {} : { closes: job.closes }),
    ...(job.state === undefined || job.state.length === 0 ? {} : { state: job.state }),
  };
}

function notDurable(message: string, cause: unknown): KernelError {
  return new KernelError("receipt_not_durable", message, {
    fix: "see the cause; the result was withheld, because it has no receipt",
    cause,
  });
}

/** The kernel's key as a store may use it: for checkpoints, and for decisions that a crash left open. `nonce` makes receipts unique. */
export function kernelSigner(keypair: Keypair, nonce: () => string = randomId): KernelSigner {
  return {
    publicKeyHex: keypair.publicKeyHex,
    signCheckpoint: (body) => signCheckpoint(body, keypair).signature,
    completeOpenDecision(decisionCanonicalJson, kind, now) {
      const facts = { now: Math.floor(now / 1000), kernelKey: keypair.publicKeyHex, nonce: nonce() };
      return kind === "http"
        ? completeHttp(decisionCanonicalJson, facts, keypair)
        : completeTool(decisionCanonicalJson, kind, facts, keypair);
    },
  };
}

type Facts = Parameters<typeof incompleteReceiptFor>[1];

function completeHttp(text: string, facts: Facts, keypair: Keypair): StoredReceipt {
  const decision = parseHttpReceipt(text);
  const { receipt, canonicalJson } = signHttpReceiptWithText(incompleteReceiptFor(decision, facts), keypair);
  return { receiptId: receipt.id, kind: "http", canonicalJson, closes: decision.id, index: receiptIndex(receipt) };
}

function completeTool(text: string, kind: StoredReceipt["kind"], facts: Facts, keypair: Keypair): StoredReceipt {
  const decision = parseToolReceipt(text);
  const { receipt, canonicalJson } = signReceiptWithText(incompleteReceiptFor(decision, facts), keypair);
  return { receiptId: receipt.id, kind, canonicalJson, closes: decision.id, index: receiptIndex(receipt) };
}

function randomId(): string {
  return uuidv7(system.now(), system.randomBytes(10));
}

import { checkpointBodyHash } from "../wire/checkpoint.ts";
import type { KernelCheckpoint } from "../wire/types.ts";
import { addProblem, type LedgerReport } from "./verify-report.ts";

/** Checkpoints that were kept elsewhere, held against those that a store or an export has. */
export class KnownCheckpoints {
  readonly #report: LedgerReport;
  /** All that were published under a number: after an older copy of a store was put back, two chains have one. */
  readonly #published = new Map<number, KernelCheckpoint[]>();
  #first: number | null = null;

  constructor(known: readonly KernelCheckpoint[], report: LedgerReport) {
    this.#report = report;
    for (const checkpoint of known) {
      const { checkpoint_seq } = checkpoint.body;
      this.#published.set(checkpoint_seq, [...(this.#published.get(checkpoint_seq) ?? []), checkpoint]);
    }
  }

  /** In the order of the chain. */
  found({ body }: KernelCheckpoint): void {
    const { checkpoint_seq } = body;
    this.#first ??= checkpoint_seq;
    const hash = checkpointBodyHash(body);
    const published = this.#published.get(checkpoint_seq) ?? [];
    this.#published.delete(checkpoint_seq);
    if (published.every((known) => checkpointBodyHash(known.body) === hash)) return;
    const message = `checkpoint ${checkpoint_seq} is not the one that was published`;
    addProblem(this.#report, { code: "checkpoint_mismatch", checkpoint_seq, message });
  }

  end(): void {
    const begins = this.#report.from_the_beginning ? 1 : (this.#first ?? 1);
    let older = 0;
    for (const [checkpoint_seq, [known]] of this.#published) {
      if (checkpoint_seq < begins) {
        older++;
        continue;
      }
      const message = `checkpoint ${checkpoint_seq} was published, and the store ends before it: receipts up to ${known!.body.batch_end_seq} are missing`;
      addProblem(this.#report, { code: "checkpoint_missing", checkpoint_seq, message });
    }
    if (older > 0) this.#report.notes.push(`${older} published checkpoints are older than what was verified: use --archive`);
  }
}

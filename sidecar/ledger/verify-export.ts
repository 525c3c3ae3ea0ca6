import { canonicalize } from "../wire/canonical.ts";
import { checkpointBodyHash, parseCheckpoint, verifyCheckpointChain } from "../wire/checkpoint.ts";
import type { JsonObject } from "../wire/json.ts";
import { type InclusionProof, leafHash, verifyInclusion } from "../wire/merkle.ts";
import { parseJson } from "../wire/parse.ts";
import type { KernelCheckpoint } from "../wire/types.ts";
import { LedgerError } from "./errors.ts";
import { EXPORT_SCHEMA } from "./export.ts";
import type { LedgerEntry } from "./types.ts";
import { KnownCheckpoints } from "./verify-known.ts";
import { verifyStoredReceipt } from "./verify-receipt.ts";
import { addProblem, emptyReport, type LedgerReport, type Problem } from "./verify-report.ts";

/** A line embeds a receipt, so it is a little deeper and larger than one. */
const LINE_LIMITS = { maxBytes: Number.MAX_SAFE_INTEGER, maxDepth: 96 };

/**
 * Verifies what `chio receipt export` wrote, without the store: every receipt, every checkpoint and the chain, each receipt's proof against its
 * checkpoint's root, and that nothing is missing in between or at the end. Throws LedgerError when it is no export at all.
 */
export async function verifyExport(
  lines: AsyncIterable<string> | Iterable<string>,
  options: { name: string; trustedKeys?: readonly string[]; knownCheckpoints?: readonly KernelCheckpoint[] },
): Promise<LedgerReport> {
  const verifier = new ExportVerifier(options.name, options.trustedKeys, options.knownCheckpoints);
  let at = 0;
  for await (const line of lines) {
    at++;
    if (line.trim() !== "") verifier.line(at, line);
  }
  return verifier.end();
}

class ExportVerifier {
  readonly #name: string;
  readonly #report: LedgerReport;
  readonly #trusted: ReadonlySet<string> | null;
  readonly #known: KnownCheckpoints;
  #started = false;
  #checkpoint: KernelCheckpoint | null = null;
  #first: KernelCheckpoint | null = null;
  #lastSeq: number | null = null;
  #unproven = 0;
  #ended: JsonObject | null = null;

  constructor(name: string, trustedKeys: readonly string[] | undefined, known: readonly KernelCheckpoint[] = []) {
    this.#name = name;
    this.#trusted = trustedKeys === undefined ? null : new Set(trustedKeys);
    this.#report = emptyReport(name, 1, this.#trusted !== null);
    this.#known = new KnownCheckpoints(known, this.#report);
  }

  line(at: number, text: string): void {
    let line: JsonObject;
    try {
      line = parseJson(text, LINE_LIMITS) as JsonObject;
    } catch (error) {
      if (!this.#started) throw notAnExport(this.#name);
      this.#problem({ code: "store_damaged", message: `line ${at}: ${error instanceof Error ? error.message : String(error)}` });
      return;
    }
    if (!this.#started) {
      if (line?.type !== "header" || line.schema !== EXPORT_SCHEMA) throw notAnExport(this.#name);
      this.#started = true;
    } else if (this.#ended !== null) this.#problem({ code: "store_damaged", message: `line ${at}: something follows the end` });
    else if (line.type === "checkpoint") this.#checkpointLine(at, line);
    else if (line.type === "receipt") this.#receiptLine(at, line);
    else if (line.type === "end") this.#ended = line;
    else this.#problem({ code: "store_damaged", message: `line ${at}: its type is unknown` });
  }

  end(): LedgerReport {
    const report = this.#report;
    if (!this.#started) throw notAnExport(this.#name);
    this.#batchComplete();
    const end = this.#ended;
    if (end === null) this.#problem({ code: "receipt_missing", message: "the export has no end: it was cut off" });
    else if (end.receipts !== report.receipts || end.checkpoints !== report.checkpoints) {
      this.#problem({ code: "receipt_missing", message: "the export has not as many receipts and checkpoints as its end says" });
    }
    report.from_the_beginning = (this.#first?.body.checkpoint_seq ?? 1) === 1;
    if (!report.from_the_beginning) report.notes.push(`the export begins at checkpoint ${this.#first!.body.checkpoint_seq}`);
    this.#known.end();
    const last = this.#checkpoint?.body;
    if (last !== undefined) {
      const { checkpoint_seq, batch_end_seq, issued_at } = last;
      report.last_checkpoint = { checkpoint_seq, batch_end_seq, issued_at, body_sha256: checkpointBodyHash(last) };
    }
    if (this.#unproven > 0) {
      report.uncheckpointed = { count: this.#unproven, first_seq: report.last_seq! - this.#unproven + 1, last_seq: report.last_seq! };
    }
    if (this.#trusted === null) report.notes.push("no trusted keys were given: signatures verify, but by keys that nobody vouched for");
    return report;
  }

  #checkpointLine(at: number, line: JsonObject): void {
    this.#batchComplete();
    this.#report.checkpoints++;
    let checkpoint: KernelCheckpoint;
    try {
      checkpoint = parseCheckpoint(line.checkpoint ?? null);
    } catch (error) {
      this.#problem({ code: "checkpoint_invalid", message: `line ${at}: ${error instanceof Error ? error.message : String(error)}` });
      return;
    }
    const { checkpoint_seq, kernel_key, batch_start_seq } = checkpoint.body;
    const chain = verifyCheckpointChain([checkpoint], { trustedKeys: this.#trusted ?? undefined, after: this.#checkpoint ?? undefined });
    for (const error of chain.errors) {
      // An export without the archives begins later: said in a note, not as an error.
      const beginsLater = this.#checkpoint === null && checkpoint_seq !== 1 && /does not begin|names a previous one/.test(error);
      if (!beginsLater && !/kernel key is not trusted/.test(error))
        this.#problem({ code: "checkpoint_invalid", message: error, checkpoint_seq });
    }
    this.#signer(kernel_key, `checkpoint ${checkpoint_seq}`, { checkpoint_seq });
    this.#known.found(checkpoint);
    this.#first ??= checkpoint;
    this.#checkpoint = checkpoint;
    this.#lastSeq ??= batch_start_seq - 1;
  }

  #receiptLine(at: number, line: JsonObject): void {
    const report = this.#report;
    const seq = Number(line.seq);
    const canonicalJson = canonicalize((line.receipt ?? {}) as JsonObject);
    const receiptId = String((line.receipt as JsonObject | null)?.id);
    const where = { seq, receipt_id: receiptId };
    report.receipts++;
    report.first_seq ??= seq;
    report.last_seq = seq;
    if (seq !== (this.#lastSeq ?? 0) + 1) {
      this.#problem({ code: "receipt_missing", message: `line ${at}: receipt ${seq} follows receipt ${this.#lastSeq ?? 0}`, ...where });
    }
    this.#lastSeq = seq;
    try {
      const receipt = verifyStoredReceipt({ seq, receiptId, kind: line.kind as LedgerEntry["kind"], canonicalJson });
      this.#signer(String(receipt.kernel_key), `receipt seq ${seq} (${receiptId})`, where);
    } catch (error) {
      if (!(error instanceof LedgerError)) throw error;
      this.#problem({ code: "receipt_tampered", message: error.message, ...where });
    }
    const body = this.#checkpoint?.body;
    if (line.inclusion === null && (body === undefined || seq > body.batch_end_seq)) {
      this.#unproven++;
      return;
    }
    const inclusion = line.inclusion as unknown as { proof?: InclusionProof } | undefined;
    const proof = inclusion?.proof;
    const proven =
      body !== undefined &&
      proof?.leaf_index === seq - body.batch_start_seq &&
      proof.tree_size === body.tree_size &&
      Array.isArray(proof.audit_path) &&
      verifyInclusion(leafHash(canonicalJson), proof, body.merkle_root);
    if (!proven) {
      const message = `line ${at}: the proof does not lead from receipt seq ${seq} to the root of its checkpoint`;
      this.#problem({ code: "merkle_root_mismatch", message, ...where });
    }
  }

  /** Every receipt that the last checkpoint covers must have come before the next one. */
  #batchComplete(): void {
    const body = this.#checkpoint?.body;
    if (body === undefined || (this.#lastSeq ?? 0) >= body.batch_end_seq) return;
    const message = `receipts ${(this.#lastSeq ?? 0) + 1} to ${body.batch_end_seq} are missing`;
    this.#problem({ code: "receipt_missing", message, checkpoint_seq: body.checkpoint_seq });
    this.#lastSeq = body.batch_end_seq;
  }

  #signer(key: string, what: string, where: Omit<Problem, "code" | "message">): void {
    const report = this.#report;
    report.kernel_keys[key] = (report.kernel_keys[key] ?? 0) + 1;
    if (this.#trusted === null || this.#trusted.has(key)) return;
    report.signers_trusted = false;
    this.#problem({ code: "signer_untrusted", message: `${what} was signed by ${key}, which is not trusted`, ...where });
  }

  #problem(problem: Problem): void {
    addProblem(this.#report, problem);
  }
}

function notAnExport(name: string): LedgerError {
  return new LedgerError("ledger_not_a_store", `${name} is no export of receipts`, { fix: "name a file that `chio receipt export` wrote" });
}

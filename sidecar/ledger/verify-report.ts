/** What `verifyLedgerFile` found. Field names are those of its JSON form. */
export interface LedgerReport {
  /** No errors. Open decisions and receipts that no checkpoint covers yet are none. */
  ok: boolean;
  store: string;
  schema_version: number;
  /** Archive files that were verified with the store. */
  archives: string[];
  receipts: number;
  first_seq: number | null;
  last_seq: number | null;
  checkpoints: number;
  /** False when the chain begins later than checkpoint 1, because older batches are in archives that were not looked at. */
  from_the_beginning: boolean;
  last_checkpoint: { checkpoint_seq: number; batch_end_seq: number; issued_at: number; body_sha256: string } | null;
  /** Receipts after the last checkpoint: verified one by one, but not yet protected against removal. */
  uncheckpointed: { count: number; first_seq: number; last_seq: number } | null;
  open_decisions: { count: number; receipt_ids: string[] };
  /** Signers and how many receipts and checkpoints each of them signed. */
  kernel_keys: Record<string, number>;
  /** Every signer is one of the trusted keys; null when none were given. */
  signers_trusted: boolean | null;
  error_count: number;
  /** The first of them. */
  errors: Problem[];
  /** What was not checked, and why. */
  notes: string[];
}

export interface Problem {
  code: ProblemCode;
  message: string;
  seq?: number;
  receipt_id?: string;
  checkpoint_seq?: number;
}

export const PROBLEMS = {
  receipt_tampered: "A receipt is not what was signed and stored.",
  receipt_missing: "A receipt is not there, although its number was given out.",
  receipt_outside_chain: "A receipt has a number that the chain has passed without it.",
  merkle_root_mismatch: "The receipts of a batch do not add up to the root that was signed over them.",
  checkpoint_invalid: "A checkpoint is malformed, wrongly signed, or does not continue the one before it.",
  checkpoint_missing: "A checkpoint is not there, although the chain must have it.",
  checkpoint_mismatch: "A checkpoint that was published differs from the one in the store.",
  signer_untrusted: "A receipt or checkpoint was signed by a key that is not trusted.",
  archive_missing: "An archive file that holds older receipts is not there.",
  store_damaged: "The file cannot be read at this place.",
} as const;

export type ProblemCode = keyof typeof PROBLEMS;

const MOST_ERRORS = 100;

export function emptyReport(store: string, schemaVersion: number, trusted: boolean): LedgerReport {
  return {
    ok: true,
    store,
    schema_version: schemaVersion,
    archives: [],
    receipts: 0,
    first_seq: null,
    last_seq: null,
    checkpoints: 0,
    from_the_beginning: true,
    last_checkpoint: null,
    uncheckpointed: null,
    open_decisions: { count: 0, receipt_ids: [] },
    kernel_keys: {},
    signers_trusted: trusted ? true : null,
    error_count: 0,
    errors: [],
    notes: [],
  };
}

export function addProblem(report: LedgerReport, problem: Problem): void {
  report.ok = false;
  report.error_count++;
  if (report.errors.length < MOST_ERRORS) report.errors.push(problem);
}

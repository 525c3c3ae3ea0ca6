import { basename, dirname, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { proveBatch } from "./proof.ts";
import { EVERY_RECEIPT, type ReadReceipt, StoreReader, stretches, verifyRow } from "./reader.ts";

export const EXPORT_SCHEMA = "chio-kit.receipt-export.v1";
const CHECKPOINTS_AT_ONCE = 64;

export interface ExportOptions {
  /** Archives too: `true` looks beside the store, a text names their directory. */
  archive?: boolean | string;
  /** Unix seconds. */
  now: number;
}

export interface ExportCounts {
  receipts: number;
  checkpoints: number;
  /** Receipts at the end that no checkpoint covers yet: exported without a proof. */
  unproven: number;
}

/**
 * A store as JSON lines that stand on their own: each checkpoint, then its receipts with their inclusion proofs. Every receipt is verified on the way;
 * a tampered one ends the export with LedgerError. Returns what was exported.
 */
export async function* exportLines(path: string, options: ExportOptions): AsyncGenerator<string, ExportCounts> {
  const live = new StoreReader(path);
  const counts: ExportCounts = { receipts: 0, checkpoints: 0, unproven: 0 };
  try {
    const lastSeq = live.range()?.last ?? 0;
    const lastCheckpoint = live.lastCheckpoint();
    const header = { type: "header", schema: EXPORT_SCHEMA, store_id: live.meta("store_id"), exported_at: options.now };
    yield `${JSON.stringify(header)}\n`;
    for (const { file, lastCheckpoint: last } of options.archive ? live.archives() : []) {
      const folder = typeof options.archive === "string" ? options.archive : dirname(path);
      const archive = new StoreReader(join(folder, basename(file)));
      try {
        yield* batches(archive, last, counts);
      } finally {
        archive.close();
      }
    }
    yield* batches(live, lastCheckpoint?.checkpointSeq ?? 0, counts);
    for (const [first, last] of stretches((lastCheckpoint?.batchEndSeq ?? 0) + 1, lastSeq, false)) {
      for (const row of live.rows(first, last, EVERY_RECEIPT, "ASC", last - first + 1)) {
        counts.receipts++;
        counts.unproven++;
        yield receiptLine(verifyRow(row), "null");
      }
    }
    yield `${JSON.stringify({ type: "end", ...counts })}\n`;
    return counts;
  } finally {
    live.close();
  }
}

async function* batches(reader: StoreReader, last: number, counts: ExportCounts): AsyncGenerator<string> {
  for (let at = 0; ; ) {
    const records = reader.checkpointsAfter(at, CHECKPOINTS_AT_ONCE).filter((record) => record.checkpointSeq <= last);
    if (records.length === 0) return;
    for (const record of records) {
      const { receipts, proofs } = proveBatch(reader, record);
      counts.checkpoints++;
      counts.receipts += receipts.length;
      yield `{"type":"checkpoint","checkpoint":${record.canonicalJson}}\n`;
      yield receipts.map((receipt, i) => receiptLine(receipt, JSON.stringify(proofs[i]))).join("");
      at = record.checkpointSeq;
      await nextTurn();
    }
  }
}

/** The receipt goes in as the very text that was hashed: 64-bit integers in it would not survive a parser. */
function receiptLine({ seq, kind, canonicalJson }: ReadReceipt, inclusion: string): string {
  return `{"type":"receipt","seq":${seq},"kind":"${kind}","receipt":${canonicalJson},"inclusion":${inclusion}}\n`;
}

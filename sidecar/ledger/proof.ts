import { parseCheckpoint } from "../wire/checkpoint.ts";
import { type InclusionProof, inclusionProof, merkleRoot, toMerkleHex } from "../wire/merkle.ts";
import { LedgerError } from "./errors.ts";
import { type CheckpointRecord, EVERY_RECEIPT, type ReadReceipt, type StoreReader, verifyRow } from "./reader.ts";

/** Leads from one receipt to the root of the checkpoint that covers it. */
export interface ReceiptInclusion {
  checkpoint_seq: number;
  receipt_seq: number;
  leaf_index: number;
  merkle_root: string;
  proof: InclusionProof;
}

/** A checkpoint with its receipts, every one verified, and their proofs in the same order. */
export interface ProvenBatch {
  checkpoint: CheckpointRecord;
  receipts: ReadReceipt[];
  proofs: ReceiptInclusion[];
}

/** Throws LedgerError when a receipt of the batch is tampered with or missing, or when the batch is not what was signed. */
export function proveBatch(reader: StoreReader, record: CheckpointRecord, only?: number): ProvenBatch {
  const { body } = parseCheckpoint(record.canonicalJson);
  const rows = reader.rows(body.batch_start_seq, body.batch_end_seq, EVERY_RECEIPT, "ASC", body.tree_size);
  const receipts = rows.map(verifyRow);
  const leaves = receipts.map((receipt) => receipt.leafHash);
  if (receipts.length !== body.tree_size || toMerkleHex(merkleRoot(leaves)) !== body.merkle_root) {
    throw new LedgerError(
      "receipt_tampered",
      `receipts ${body.batch_start_seq} to ${body.batch_end_seq} are not those of checkpoint ${body.checkpoint_seq}`,
      {
        fix: "`chio checkpoint verify` names what does not match",
      },
    );
  }
  const wanted = only === undefined ? receipts : receipts.filter(({ seq }) => seq === only);
  const proofs = wanted.map(({ seq }) => ({
    checkpoint_seq: body.checkpoint_seq,
    receipt_seq: seq,
    leaf_index: seq - body.batch_start_seq,
    merkle_root: body.merkle_root,
    proof: inclusionProof(leaves, seq - body.batch_start_seq),
  }));
  return { checkpoint: record, receipts: wanted, proofs };
}

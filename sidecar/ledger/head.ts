import { checkpointBodyHash, parseCheckpoint, verifyCheckpoint } from "../wire/checkpoint.ts";
import { faultError } from "./errors.ts";
import type { ChainHead } from "./protocol.ts";

/**
 * The end of the chain, out of a row of `checkpoints`. The next checkpoint names its hash and its time, so both are taken from what was signed; a row
 * that does not say the same was changed on disk, and nothing is signed on top of it. Throws LedgerError.
 */
export function readHead(row: Record<string, unknown>): ChainHead {
  const refuse = (why: string) => faultError("corrupt", `checkpoint ${row.checkpoint_seq} is not what was signed: ${why}`);
  let checkpoint: ReturnType<typeof parseCheckpoint>;
  try {
    checkpoint = parseCheckpoint(row.raw_json as string);
  } catch (error) {
    throw refuse(error instanceof Error ? error.message : String(error));
  }
  if (!verifyCheckpoint(checkpoint)) throw refuse("its signature does not verify");
  const { checkpoint_seq, batch_start_seq, batch_end_seq, issued_at } = checkpoint.body;
  const body_sha256 = checkpointBodyHash(checkpoint.body);
  const columns = { checkpoint_seq, batch_start_seq, batch_end_seq, issued_at, body_sha256 };
  for (const [name, value] of Object.entries(columns)) if (row[name] !== value) throw refuse(`its column ${name} says something else`);
  return { checkpointSeq: checkpoint_seq, bodySha256: body_sha256, issuedAt: issued_at, batchEndSeq: batch_end_seq };
}

import { canonicalize } from "../wire/canonical.ts";
import { CHECKPOINT_SCHEMA, checkpointBodyHash } from "../wire/checkpoint.ts";
import type { CheckpointBody } from "../wire/types.ts";
import type { Draft } from "./batches.ts";
import type { ChainHead, SignedCheckpoint } from "./protocol.ts";
import type { LedgerSigner } from "./types.ts";

/** The chain of checkpoints, continued in the main thread because the key is there. */
export class CheckpointChain {
  readonly #signer: LedgerSigner;
  #head: ChainHead | null;

  constructor(signer: LedgerSigner, head: ChainHead | null) {
    this.#signer = signer;
    this.#head = head;
  }

  /** `now`: Unix milliseconds. Throws what the signer throws; the chain is then as it was. */
  sign(draft: Draft, now: number): SignedCheckpoint {
    const head = this.#head;
    const body: CheckpointBody = {
      schema: CHECKPOINT_SCHEMA,
      checkpoint_seq: (head?.checkpointSeq ?? 0) + 1,
      batch_start_seq: draft.batchStartSeq,
      batch_end_seq: draft.batchEndSeq,
      tree_size: draft.batchEndSeq - draft.batchStartSeq + 1,
      merkle_root: draft.merkleRoot,
      // A clock that was set back must not make the chain look reordered.
      issued_at: Math.max(Math.floor(now / 1000), head?.issuedAt ?? 0),
      kernel_key: this.#signer.publicKeyHex,
      ...(head === null ? {} : { previous_checkpoint_sha256: head.bodySha256 }),
    };
    const canonicalJson = canonicalize({ body, signature: this.#signer.signCheckpoint(body) });
    const bodySha256 = checkpointBodyHash(body);
    this.#head = { checkpointSeq: body.checkpoint_seq, bodySha256, issuedAt: body.issued_at, batchEndSeq: body.batch_end_seq };
    return {
      checkpointSeq: body.checkpoint_seq,
      batchStartSeq: body.batch_start_seq,
      batchEndSeq: body.batch_end_seq,
      issuedAt: body.issued_at,
      bodySha256,
      canonicalJson,
    };
  }
}

import { canonicalize } from "./canonical.ts";
import { WireError } from "./errors.ts";
import { FieldReader } from "./fields.ts";
import { sha256Hex } from "./hash.ts";
import type { Json } from "./json.ts";
import { type Keypair, verifySignature } from "./keys.ts";
import { parseMerkleHex } from "./merkle.ts";
import { parseJson } from "./parse.ts";
import type { CheckpointBody, KernelCheckpoint, Sha256Hex } from "./types.ts";

export const CHECKPOINT_SCHEMA = "chio.checkpoint_statement.v1";

const BODY_FIELDS: ReadonlySet<string> = new Set([
  "schema",
  "checkpoint_seq",
  "batch_start_seq",
  "batch_end_seq",
  "tree_size",
  "merkle_root",
  "issued_at",
  "kernel_key",
  "previous_checkpoint_sha256",
]);
const CHECKPOINT_FIELDS: ReadonlySet<string> = new Set(["body", "signature"]);

export function signCheckpoint(body: CheckpointBody, keypair: Keypair): KernelCheckpoint {
  if (body.kernel_key !== keypair.publicKeyHex) {
    throw new WireError("wrong_signer", "a checkpoint is signed by the key that it names as kernel_key");
  }
  const problem = bodyProblem(body);
  if (problem !== null) throw new WireError("invalid_checkpoint", problem);
  return { body, signature: keypair.sign(canonicalize(body)) };
}

/** SHA-256 of JCS(body): the next checkpoint's `previous_checkpoint_sha256`. */
export function checkpointBodyHash(body: CheckpointBody): Sha256Hex {
  return sha256Hex(canonicalize(body));
}

/** `local-log-` and the hash of the kernel's public key bytes. */
export function checkpointLogId(kernelKey: string): string {
  return `local-log-${sha256Hex(Buffer.from(kernelKey, "hex"))}`;
}

/** True when the body is sound in itself and signed by its kernel key. Trust in that key and the chain are other questions. */
export function verifyCheckpoint(checkpoint: KernelCheckpoint): boolean {
  return (
    bodyProblem(checkpoint.body) === null &&
    verifySignature(checkpoint.body.kernel_key, canonicalize(checkpoint.body), checkpoint.signature)
  );
}

export function parseCheckpoint(input: string | Uint8Array | Json): KernelCheckpoint {
  const value = typeof input === "string" || input instanceof Uint8Array ? parseJson(input) : input;
  const reader = new FieldReader(value, "$", "invalid_checkpoint").only(CHECKPOINT_FIELDS);
  const read = reader.object("body").only(BODY_FIELDS);
  const body: CheckpointBody = {
    schema: read.oneOf("schema", [CHECKPOINT_SCHEMA]),
    checkpoint_seq: read.integer("checkpoint_seq"),
    batch_start_seq: read.integer("batch_start_seq"),
    batch_end_seq: read.integer("batch_end_seq"),
    tree_size: read.integer("tree_size"),
    merkle_root: read.string("merkle_root"),
    issued_at: read.integer("issued_at"),
    kernel_key: read.publicKey("kernel_key"),
  };
  if (read.get("previous_checkpoint_sha256") !== undefined) {
    body.previous_checkpoint_sha256 = read.hex("previous_checkpoint_sha256", 64, "a SHA-256 digest");
  }
  return { body, signature: reader.signature("signature") };
}

export interface CheckpointChainReport {
  ok: boolean;
  /** One line per problem, beginning with `checkpoint <seq>: `. */
  errors: string[];
}

/**
 * Verifies a chain in order: each signature, sequence numbers and ranges without a gap, each previous hash. It must begin at checkpoint 1 unless
 * `after` (the last one verified before) is given. The kernel key may only change from one trusted key to another.
 */
export function verifyCheckpointChain(
  checkpoints: readonly KernelCheckpoint[],
  options: { trustedKeys?: ReadonlySet<string> | readonly string[] | undefined; after?: KernelCheckpoint | undefined } = {},
): CheckpointChainReport {
  const trusted = options.trustedKeys === undefined ? undefined : new Set(options.trustedKeys);
  const errors: string[] = [];
  let previous = options.after?.body;
  for (const checkpoint of checkpoints) {
    const { body } = checkpoint;
    const wrong = (what: string) => errors.push(`checkpoint ${body.checkpoint_seq}: ${what}`);
    const problem = bodyProblem(body);
    if (problem !== null) wrong(problem);
    if (!verifySignature(body.kernel_key, canonicalize(body), checkpoint.signature)) wrong("the signature does not verify");
    if (trusted && !trusted.has(body.kernel_key)) wrong("the kernel key is not trusted");
    if (previous === undefined) {
      if (body.checkpoint_seq !== 1) wrong("the chain does not begin at checkpoint 1");
      if (body.batch_start_seq !== 1) wrong("the first batch does not begin at entry 1");
      if (body.previous_checkpoint_sha256 !== undefined) wrong("the first checkpoint names a previous one");
    } else {
      if (body.checkpoint_seq !== previous.checkpoint_seq + 1) wrong(`follows checkpoint ${previous.checkpoint_seq}`);
      if (body.batch_start_seq !== previous.batch_end_seq + 1)
        wrong(`its batch begins at ${body.batch_start_seq}, not ${previous.batch_end_seq + 1}`);
      if (body.previous_checkpoint_sha256 !== checkpointBodyHash(previous))
        wrong("the previous hash is not that of the checkpoint before it");
      if (body.issued_at < previous.issued_at) wrong("it is older than the checkpoint before it");
      if (!trusted && body.kernel_key !== previous.kernel_key) wrong("the kernel key changed and no trusted keys were given");
    }
    previous = body;
  }
  return { ok: errors.length === 0, errors };
}

function bodyProblem(body: CheckpointBody): string | null {
  if (body.schema !== CHECKPOINT_SCHEMA) return `the schema is not ${CHECKPOINT_SCHEMA}`;
  if (!(body.checkpoint_seq >= 1 && body.batch_start_seq >= 1)) return "sequence numbers begin at 1";
  if (body.tree_size !== body.batch_end_seq - body.batch_start_seq + 1 || !(body.tree_size >= 1))
    return "tree_size is not the number of entries in the batch";
  if (!body.merkle_root.startsWith("0x") || parseMerkleHex(body.merkle_root) === null) return "merkle_root is not 0x and 64 hex";
  return null;
}

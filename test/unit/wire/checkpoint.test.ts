import { describe, expect, test } from "vitest";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import {
  CHECKPOINT_SCHEMA,
  checkpointBodyHash,
  checkpointLogId,
  parseCheckpoint,
  signCheckpoint,
  verifyCheckpoint,
  verifyCheckpointChain,
} from "../../../sidecar/wire/checkpoint.ts";
import { sha256Hex } from "../../../sidecar/wire/hash.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import { leafHash, merkleRoot, toMerkleHex } from "../../../sidecar/wire/merkle.ts";
import type { CheckpointBody, KernelCheckpoint } from "../../../sidecar/wire/types.ts";

const kernel = Keypair.fromSeed(Buffer.alloc(32, 7));
const other = Keypair.fromSeed(Buffer.alloc(32, 8));

function chain(length: number, signer: (seq: number) => Keypair = () => kernel): KernelCheckpoint[] {
  const made: KernelCheckpoint[] = [];
  for (let seq = 1; seq <= length; seq++) {
    const previous = made.at(-1);
    const start = previous ? previous.body.batch_end_seq + 1 : 1;
    const pair = signer(seq);
    made.push(
      signCheckpoint(
        {
          schema: CHECKPOINT_SCHEMA,
          checkpoint_seq: seq,
          batch_start_seq: start,
          batch_end_seq: start + seq,
          tree_size: seq + 1,
          merkle_root: toMerkleHex(merkleRoot([leafHash(`batch ${seq}`)])),
          issued_at: 1000 + seq,
          kernel_key: pair.publicKeyHex,
          ...(previous ? { previous_checkpoint_sha256: checkpointBodyHash(previous.body) } : {}),
        },
        pair,
      ),
    );
  }
  return made;
}

/** The checkpoint with a changed body, signed again by the kernel: what only the chain can catch. */
function resigned(checkpoint: KernelCheckpoint, change: Partial<CheckpointBody>): KernelCheckpoint {
  return signCheckpoint({ ...checkpoint.body, ...change }, kernel);
}

describe("one checkpoint", () => {
  const [checkpoint] = chain(1) as [KernelCheckpoint];

  test("verifies, and survives its JSON", () => {
    expect(verifyCheckpoint(checkpoint)).toBe(true);
    expect(parseCheckpoint(JSON.stringify(checkpoint))).toEqual(checkpoint);
    expect(checkpointLogId(kernel.publicKeyHex)).toBe(`local-log-${sha256Hex(Buffer.from(kernel.publicKeyHex, "hex"))}`);
  });

  test.each<[string, Partial<CheckpointBody>]>([
    ["root", { merkle_root: toMerkleHex(leafHash("x")) }],
    ["time", { issued_at: 1 }],
    ["end", { batch_end_seq: 3, tree_size: 3 }],
    ["key", { kernel_key: other.publicKeyHex }],
  ])("a changed %s does not verify", (_name, change) => {
    expect(verifyCheckpoint({ ...checkpoint, body: { ...checkpoint.body, ...change } })).toBe(false);
  });

  test.each<[string, Partial<CheckpointBody>, string]>([
    ["another size than its range", { tree_size: 5 }, "tree_size"],
    ["an empty batch", { batch_end_seq: 0, tree_size: 0 }, "tree_size"],
    ["sequence 0", { checkpoint_seq: 0 }, "begin at 1"],
    ["a root without 0x", { merkle_root: "ab".repeat(32) }, "merkle_root"],
    ["another schema", { schema: "chio.checkpoint_statement.v2" as CheckpointBody["schema"] }, "schema"],
  ])("%s is not signed", (_name, change, message) => {
    expect(() => signCheckpoint({ ...checkpoint.body, ...change }, kernel)).toThrow(message);
  });

  test("a key signs only what names it", () => {
    expect(() => signCheckpoint(checkpoint.body, other)).toThrow("kernel_key");
  });

  test.each([
    ['{"body":{}}', "$.body.schema"],
    [canonicalize({ ...checkpoint, extra: 1 }), "unknown field"],
    [canonicalize({ ...checkpoint, body: { ...checkpoint.body, extra: 1 } }), "unknown field"],
    [canonicalize({ ...checkpoint, signature: "00" }), "$.signature"],
    ["[]", "$ must be an object"],
  ])("refuses to read %s", (text, message) => {
    expect(() => parseCheckpoint(text)).toThrow(message);
  });
});

describe("a chain", () => {
  test("verifies whole, in parts, and empty", () => {
    const all = chain(6);
    expect(verifyCheckpointChain(all)).toEqual({ ok: true, errors: [] });
    expect(verifyCheckpointChain(all, { trustedKeys: [kernel.publicKeyHex] }).ok).toBe(true);
    expect(verifyCheckpointChain(all.slice(3), { after: all[2] }).ok).toBe(true);
    expect(verifyCheckpointChain([]).ok).toBe(true);
  });

  test("every removed, repeated or swapped checkpoint is noticed, except a cut-off tail", () => {
    const all = chain(6);
    for (let i = 0; i < 5; i++) {
      expect(verifyCheckpointChain(all.toSpliced(i, 1)).ok).toBe(false);
      expect(verifyCheckpointChain(all.with(i, all[i + 1]!).with(i + 1, all[i]!)).ok).toBe(false);
      expect(verifyCheckpointChain(all.toSpliced(i, 0, all[i]!)).ok).toBe(false);
    }
    expect(verifyCheckpointChain(all.slice(0, 4)).ok).toBe(true);
  });

  test.each<[string, (all: KernelCheckpoint[]) => KernelCheckpoint, string]>([
    [
      "a rewritten root, signed again",
      (all) => resigned(all[2]!, { merkle_root: toMerkleHex(leafHash("x")) }),
      "checkpoint 4: the previous hash",
    ],
    ["a gap in entries", (all) => resigned(all[2]!, { batch_start_seq: 7, batch_end_seq: 10 }), "its batch begins at 7, not 6"],
    ["an older time", (all) => resigned(all[2]!, { issued_at: 5 }), "checkpoint 3: it is older"],
    [
      "a wrong previous hash",
      (all) => resigned(all[2]!, { previous_checkpoint_sha256: "0".repeat(64) }),
      "checkpoint 3: the previous hash",
    ],
    ["a broken signature", (all) => ({ ...all[2]!, signature: all[1]!.signature }), "checkpoint 3: the signature does not verify"],
  ])("%s", (_name, change, message) => {
    const all = chain(5);
    const report = verifyCheckpointChain(all.with(2, change(all)));
    expect(report.ok).toBe(false);
    expect(report.errors.join("\n")).toContain(message);
  });

  test("a first checkpoint that claims a previous one, or does not begin at entry 1", () => {
    const [first] = chain(1) as [KernelCheckpoint];
    expect(verifyCheckpointChain([resigned(first, { previous_checkpoint_sha256: "0".repeat(64) })]).ok).toBe(false);
    expect(verifyCheckpointChain([resigned(first, { batch_start_seq: 2, batch_end_seq: 3 })]).ok).toBe(false);
  });

  test("a key change needs both keys to be trusted", () => {
    const rotated = chain(4, (seq) => (seq < 3 ? kernel : other));
    expect(verifyCheckpointChain(rotated).errors).toEqual(["checkpoint 3: the kernel key changed and no trusted keys were given"]);
    expect(verifyCheckpointChain(rotated, { trustedKeys: [kernel.publicKeyHex] }).errors).toHaveLength(2);
    expect(verifyCheckpointChain(rotated, { trustedKeys: new Set([kernel.publicKeyHex, other.publicKeyHex]) }).ok).toBe(true);
  });
});

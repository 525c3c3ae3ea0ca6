import { createHash, hash } from "node:crypto";
import { WireError } from "./errors.ts";
import { isLowerHex } from "./hash.ts";

/** RFC 6962 Merkle trees: leaf = SHA-256(0x00 ‖ bytes), node = SHA-256(0x01 ‖ left ‖ right), an odd last node is carried up unchanged. */

const LEAF = Uint8Array.of(0);
/** Prefix and two hashes, filled anew for each node. */
const NODE = new Uint8Array(65).fill(1, 0, 1);

export interface InclusionProof {
  tree_size: number;
  leaf_index: number;
  /** Sibling hashes from the leaf up, each `0x` and 64 hex. */
  audit_path: string[];
}

/** Hash of one leaf, 32 bytes. A string is hashed as UTF-8. */
export function leafHash(bytes: Uint8Array | string): Uint8Array {
  // U+0000 is the byte 0x00. In one call, because the ledger does this for every receipt: a hash object costs as much as the hashing.
  if (typeof bytes === "string") return hash("sha256", `\0${bytes}`, "buffer");
  return createHash("sha256").update(LEAF).update(bytes).digest();
}

/** Root over leaf hashes, 32 bytes. An empty tree is an error. */
export function merkleRoot(leafHashes: readonly Uint8Array[]): Uint8Array {
  if (leafHashes.length === 0) throw new WireError("invalid_merkle_input", "a Merkle tree has at least one leaf");
  let level = leafHashes;
  while (level.length > 1) level = parents(level);
  return level[0]!;
}

export function inclusionProof(leafHashes: readonly Uint8Array[], index: number): InclusionProof {
  if (!Number.isInteger(index) || index < 0 || index >= leafHashes.length) {
    throw new WireError("invalid_merkle_input", `leaf ${index} is not in a tree of ${leafHashes.length}`);
  }
  const path: string[] = [];
  let level = leafHashes;
  for (let at = index; level.length > 1; at >>= 1) {
    const sibling = level[at ^ 1];
    if (sibling) path.push(toMerkleHex(sibling));
    level = parents(level);
  }
  return { tree_size: leafHashes.length, leaf_index: index, audit_path: path };
}

/** True when the proof leads from the leaf's hash to `root` (bytes or hex with or without `0x`) and has exactly the length its position asks for. */
export function verifyInclusion(leaf: Uint8Array, proof: InclusionProof, root: Uint8Array | string): boolean {
  const { tree_size: size, leaf_index: index, audit_path: path } = proof;
  if (!Number.isSafeInteger(size) || !Number.isSafeInteger(index) || index < 0 || index >= size || leaf.length !== 32) return false;
  const rootHex = typeof root === "string" ? parseMerkleHex(root) : Buffer.from(root);
  if (rootHex === null) return false;
  let hash: Uint8Array = leaf;
  let at = index;
  let last = size - 1;
  let used = 0;
  // Division, not shifts: sizes may pass 32 bits.
  for (; last > 0; at = Math.floor(at / 2), last = Math.floor(last / 2)) {
    if (at === last && at % 2 === 0) continue;
    const text = path[used++];
    const sibling = typeof text === "string" ? parseMerkleHex(text) : null;
    if (sibling === null) return false;
    hash = at % 2 === 0 ? nodeHash(hash, sibling) : nodeHash(sibling, hash);
  }
  return used === path.length && rootHex.equals(hash);
}

/** `0x` and 64 lower-case hex: how Merkle hashes are written. */
export function toMerkleHex(hash: Uint8Array): string {
  return `0x${Buffer.from(hash.buffer, hash.byteOffset, hash.byteLength).toString("hex")}`;
}

/** Reads a Merkle hash with or without `0x`; null when it is none. */
export function parseMerkleHex(text: string): Buffer | null {
  const hex = text.startsWith("0x") ? text.slice(2) : text;
  return isLowerHex(hex, 64) ? Buffer.from(hex, "hex") : null;
}

function parents(level: readonly Uint8Array[]): Uint8Array[] {
  const next: Uint8Array[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const right = level[i + 1];
    next.push(right ? nodeHash(level[i]!, right) : level[i]!);
  }
  return next;
}

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== 32 || right.length !== 32) throw new WireError("invalid_merkle_input", "a Merkle hash has 32 bytes");
  NODE.set(left, 1);
  NODE.set(right, 33);
  return hash("sha256", NODE, "buffer");
}

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inclusionProof, leafHash, merkleRoot, parseMerkleHex, toMerkleHex, verifyInclusion } from "../../../sidecar/wire/merkle.ts";

/** The tree of the reference implementation of RFC 6962: roots over the first 1 to 8 leaves. */
const LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const hashes = LEAVES.map((hex) => leafHash(Buffer.from(hex, "hex")));

describe("RFC 6962", () => {
  test.each(ROOTS.map((root, i) => [i + 1, root] as const))("root of %i leaves", (size, root) => {
    expect(toMerkleHex(merkleRoot(hashes.slice(0, size)))).toBe(`0x${root}`);
  });

  test("a leaf is not a node: the same bytes under the other prefix hash differently", () => {
    const [left, right] = [hashes[0]!, hashes[1]!];
    expect(Buffer.from(leafHash(Buffer.concat([left, right]))).equals(merkleRoot([left, right]))).toBe(false);
  });
});

describe("inclusion proofs", () => {
  test("every leaf of every size proves, at its own index only", () => {
    for (let size = 1; size <= 40; size++) {
      const leaves = Array.from({ length: size }, (_, i) => leafHash(`leaf ${i}`));
      const root = toMerkleHex(merkleRoot(leaves));
      for (let i = 0; i < size; i++) {
        const proof = inclusionProof(leaves, i);
        expect(verifyInclusion(leaves[i]!, proof, root)).toBe(true);
        expect(verifyInclusion(leaves[i]!, proof, root.slice(2))).toBe(true);
        if (size > 1) {
          expect(verifyInclusion(leaves[i]!, { ...proof, leaf_index: (i + 1) % size }, root)).toBe(false);
          expect(verifyInclusion(leaves[(i + 1) % size]!, proof, root)).toBe(false);
        }
      }
    }
  });

  test("a changed, missing or added path element does not prove", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 60 }), fc.nat(), fc.nat(), (size, at, where) => {
        const leaves = Array.from({ length: size }, (_, i) => leafHash(`leaf ${i}`));
        const root = merkleRoot(leaves);
        const index = at % size;
        const proof = inclusionProof(leaves, index);
        const path = proof.audit_path;
        const i = where % path.length;
        const flipped = path[i]!.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
        for (const audit_path of [path.with(i, flipped), path.toSpliced(i, 1), [...path, path[i]!], path.with(i, "0x12")]) {
          expect(verifyInclusion(leaves[index]!, { ...proof, audit_path }, root)).toBe(false);
        }
      }),
    );
  });

  test("positions and hashes that make no sense are refused, not thrown", () => {
    const proof = inclusionProof(hashes, 3);
    const root = merkleRoot(hashes);
    for (const bad of [{ leaf_index: -1 }, { leaf_index: 8 }, { leaf_index: 1.5 }, { tree_size: 0 }, { tree_size: Number.NaN }]) {
      expect(verifyInclusion(hashes[3]!, { ...proof, ...bad }, root)).toBe(false);
    }
    expect(verifyInclusion(hashes[3]!.subarray(1), proof, root)).toBe(false);
    expect(verifyInclusion(hashes[3]!, proof, "0x12")).toBe(false);
    // A tree of 2^45 leaves asks for 45 siblings, and shifts of 32 bits must not shorten the walk.
    expect(verifyInclusion(hashes[3]!, { ...proof, tree_size: 2 ** 45 }, root)).toBe(false);
  });

  test("an empty tree and a leaf outside the tree are errors", () => {
    expect(() => merkleRoot([])).toThrow("at least one leaf");
    expect(() => inclusionProof(hashes, 8)).toThrow("leaf 8 is not in a tree of 8");
    expect(() => inclusionProof([], 0)).toThrow("not in a tree");
  });

  test("hex is read with and without 0x", () => {
    expect(parseMerkleHex(`0x${ROOTS[0]}`)?.toString("hex")).toBe(ROOTS[0]);
    expect(parseMerkleHex(ROOTS[0]!)?.toString("hex")).toBe(ROOTS[0]);
    for (const bad of ["", "0x", `0X${ROOTS[0]}`, ROOTS[0]!.toUpperCase(), `0x0x${ROOTS[0]}`]) expect(parseMerkleHex(bad)).toBeNull();
  });
});

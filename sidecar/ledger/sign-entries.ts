import { signHttpReceiptText } from "../wire/http-receipt.ts";
import { withIdAndSignature } from "../wire/http-receipt-text.ts";
import type { Keypair } from "../wire/keys.ts";
import type { StoredEntry } from "./packing.ts";
import type { ReceiptProof } from "./types.ts";

// Proofs travel back as one text, an id and a signature for each receipt that was signed: see packing.ts for why.
const ID_LENGTH = 64;
const PROOF_LENGTH = ID_LENGTH + 128;

/** Signs what came unsigned: each such entry gets its id and its canonical JSON. Returns the proofs, in order. */
export function signEntries(group: readonly StoredEntry[], keypair: Keypair): string {
  let proofs = "";
  for (const entry of group) {
    if (entry.unsigned === null) continue;
    const { id, signature } = signHttpReceiptText(entry.unsigned, keypair);
    entry.receiptId = id;
    entry.canonicalJson = withIdAndSignature(entry.unsigned, id, signature);
    proofs += id + signature;
  }
  return proofs;
}

/** The proof of the `index`-th receipt that was signed. */
export function proofAt(proofs: string, index: number): ReceiptProof {
  const at = index * PROOF_LENGTH;
  return { receiptId: proofs.slice(at, at + ID_LENGTH), signature: proofs.slice(at + ID_LENGTH, at + PROOF_LENGTH) };
}

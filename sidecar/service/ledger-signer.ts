import { randomBytes } from "node:crypto";
import { incompleteReceiptFor, receiptIndex } from "../kernel/receipts.ts";
import { uuidv7 } from "../kernel/uuid.ts";
import type { LedgerEntry, LedgerSigner } from "../ledger/types.ts";
import { signCheckpoint } from "../wire/checkpoint.ts";
import { parseHttpReceipt, signHttpReceiptWithText } from "../wire/http-receipt.ts";
import type { Keypair } from "../wire/keys.ts";
import { parseToolReceipt, signReceiptWithText } from "../wire/receipt.ts";

/** What the ledger has signed in the main thread, so that the seed stays in one place: checkpoints, and the receipts of recovery. */
export function ledgerSigner(keypair: Keypair): LedgerSigner {
  return {
    publicKeyHex: keypair.publicKeyHex,
    signCheckpoint: (body) => signCheckpoint(body, keypair).signature,
    completeOpenDecision(decisionCanonicalJson, kind, now) {
      const facts = { now: Math.floor(now / 1000), kernelKey: keypair.publicKeyHex, nonce: uuidv7(now, randomBytes(10)) };
      return kind === "http"
        ? completeHttp(decisionCanonicalJson, facts, keypair)
        : completeTool(decisionCanonicalJson, kind, facts, keypair);
    },
  };
}

type Facts = Parameters<typeof incompleteReceiptFor>[1];

function completeHttp(text: string, facts: Facts, keypair: Keypair): LedgerEntry {
  const decision = parseHttpReceipt(text);
  const { receipt, canonicalJson } = signHttpReceiptWithText(incompleteReceiptFor(decision, facts), keypair);
  return { receiptId: receipt.id, kind: "http", canonicalJson, closes: decision.id, index: receiptIndex(receipt) };
}

function completeTool(text: string, kind: LedgerEntry["kind"], facts: Facts, keypair: Keypair): LedgerEntry {
  const decision = parseToolReceipt(text);
  const { receipt, canonicalJson } = signReceiptWithText(incompleteReceiptFor(decision, facts), keypair);
  return { receiptId: receipt.id, kind, canonicalJson, closes: decision.id, index: receiptIndex(receipt) };
}

import type { StateChange } from "../kernel/types.ts";
import type { HttpReceiptText } from "../wire/http-receipt-text.ts";
import type { LedgerEntry, UnsignedReceipt } from "./types.ts";

// How entries travel to the store's thread: two texts for all that came in one turn of the event loop. Cloning strings between threads is a copy of
// bytes; cloning an array of fields costs twice as much, makes an object of every field on both sides, and wakes the garbage collector.

/** Entries of one message. */
export interface PackedEntries {
  entries: number;
  /** One JSON array of {@link StoredFields}. */
  fields: string;
  /** Canonical JSON of the receipts, one behind the other; of unsigned ones their members. */
  texts: string;
}

/** In the order of the columns. Costs are decimal text, because JSON has no integers of 64 bits. */
type StoredFields = [
  receiptId: string | null,
  kind: string,
  timestamp: number,
  capabilityId: string | null,
  toolServer: string,
  toolName: string,
  outcome: string,
  tenantId: string | null,
  subject: string | null,
  costUnits: string | null,
  costCurrency: string | null,
  opens: 0 | 1,
  closes: string | null,
  state: PackedChange[] | null,
  textLength: number,
  idAt: number,
  signatureAt: number,
];

/** What `JSON.stringify` makes of a change once the charge's units are text. */
type PackedChange = { type: StateChange["type"]; charge?: { units: string } };

/** One entry, as the store's thread works with it. */
export interface StoredEntry {
  /** null: state without a receipt, or a receipt that is to be signed. */
  receiptId: string | null;
  kind: string;
  timestamp: number;
  capabilityId: string | null;
  toolServer: string;
  toolName: string;
  outcome: string;
  tenantId: string | null;
  subject: string | null;
  costUnits: bigint | null;
  costCurrency: string | null;
  opens: boolean;
  closes: string | null;
  state: readonly StateChange[] | null;
  canonicalJson: string;
  /** To be signed before it is stored: then it gets its id and its canonical JSON. */
  unsigned: Pick<HttpReceiptText, "members" | "idAt" | "signatureAt"> | null;
}

const MAX_INDEXED_COST = 2n ** 63n - 1n;

/** SQLite's integers end at 2^63 - 1; a larger cost is indexed as that. The receipt itself keeps the exact value. */
export function indexedCost(units: bigint | undefined): bigint | null {
  if (units === undefined) return null;
  return units > MAX_INDEXED_COST ? MAX_INDEXED_COST : units;
}

/** Collects entries for one message. */
export class Packer {
  #entries = 0;
  #fields = "";
  #texts = "";

  /** Collected and not taken yet. */
  get entries(): number {
    return this.#entries;
  }

  entry({ receiptId, kind, canonicalJson, ...about }: LedgerEntry): void {
    this.#receipt(receiptId, kind, about, canonicalJson, 0, 0);
  }

  unsigned({ text, ...about }: UnsignedReceipt): void {
    this.#receipt(null, "http", about, text.members, text.idAt, text.signatureAt);
  }

  /** An entry without a receipt: state that becomes durable on its own. */
  state(changes: readonly StateChange[]): void {
    this.#add([null, "", 0, null, "", "", "", null, null, null, null, 0, null, changes.map(packChange), 0, 0, 0]);
  }

  take(): PackedEntries {
    const packed = { entries: this.#entries, fields: `[${this.#fields}]`, texts: this.#texts };
    this.#entries = 0;
    this.#fields = "";
    this.#texts = "";
    return packed;
  }

  #receipt(
    receiptId: string | null,
    kind: string,
    { opens, closes, index, state }: Pick<LedgerEntry, "opens" | "closes" | "index" | "state">,
    text: string,
    idAt: number,
    signatureAt: number,
  ): void {
    const cost = indexedCost(index.costUnits);
    this.#add([
      receiptId,
      kind,
      index.timestamp,
      index.capabilityId || null,
      index.toolServer,
      index.toolName,
      index.outcome,
      index.tenantId ?? null,
      index.subject ?? null,
      cost === null ? null : cost.toString(),
      index.costCurrency ?? null,
      opens === true ? 1 : 0,
      closes ?? null,
      state !== undefined && state.length > 0 ? state.map(packChange) : null,
      text.length,
      idAt,
      signatureAt,
    ]);
    this.#texts += text;
  }

  #add(fields: StoredFields): void {
    this.#fields += this.#entries++ === 0 ? JSON.stringify(fields) : `,${JSON.stringify(fields)}`;
  }
}

export function unpackEntries({ fields, texts }: PackedEntries): StoredEntry[] {
  let at = 0;
  return (JSON.parse(fields) as StoredFields[]).map((f) => {
    const text = texts.slice(at, at + f[14]);
    const [idAt, signatureAt] = [f[15], f[16]];
    at += f[14];
    return {
      receiptId: f[0],
      kind: f[1],
      timestamp: f[2],
      capabilityId: f[3],
      toolServer: f[4],
      toolName: f[5],
      outcome: f[6],
      tenantId: f[7],
      subject: f[8],
      costUnits: f[9] === null ? null : BigInt(f[9]),
      costCurrency: f[10],
      opens: f[11] === 1,
      closes: f[12],
      state: f[13] === null ? null : f[13].map(unpackChange),
      canonicalJson: text,
      unsigned: idAt === 0 ? null : { members: text, idAt, signatureAt },
    };
  });
}

function packChange(change: StateChange): PackedChange {
  if (change.type !== "budget") return change;
  return { type: change.type, charge: { ...change.charge, units: change.charge.units.toString() } };
}

function unpackChange(packed: PackedChange): StateChange {
  if (packed.charge === undefined) return packed as StateChange;
  return { type: "budget", charge: { ...packed.charge, units: BigInt(packed.charge.units) } } as StateChange;
}

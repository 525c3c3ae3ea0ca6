import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { StateChange } from "../../../sidecar/kernel/types.ts";
import { Outbox } from "../../../sidecar/ledger/outbox.ts";
import { indexedCost, type PackedEntries, Packer, unpackEntries } from "../../../sidecar/ledger/packing.ts";
import type { LedgerEntry, UnsignedReceipt } from "../../../sidecar/ledger/types.ts";
import { anyText } from "../any-text.ts";

const text = anyText({ minLength: 1 });
const change: fc.Arbitrary<StateChange> = fc.oneof(
  fc.record({
    type: fc.constant("budget" as const),
    charge: fc.record(
      {
        capabilityId: text,
        grantIndex: fc.nat(),
        invocations: fc.nat(),
        units: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        currency: text,
        at: fc.nat(),
        expiresAt: fc.nat(),
      },
      { requiredKeys: ["capabilityId", "grantIndex", "invocations", "units"] },
    ),
  }),
  fc.record({ type: fc.constant("replay" as const), nonce: text, capabilityId: text, expiresAt: fc.nat() }),
  fc.record(
    { type: fc.constant("revoke" as const), capabilityId: text, at: fc.nat(), reason: text },
    { requiredKeys: ["type", "capabilityId", "at"] },
  ),
) as fc.Arbitrary<StateChange>;
const entry = fc.record(
  {
    receiptId: text,
    kind: fc.constantFrom("http", "tool"),
    canonicalJson: text,
    opens: fc.boolean(),
    closes: text,
    state: fc.array(change, { maxLength: 3 }),
    index: fc.record(
      {
        timestamp: fc.maxSafeInteger(),
        capabilityId: text,
        toolServer: fc.string(),
        toolName: fc.string(),
        outcome: fc.constant("allow"),
        tenantId: text,
        subject: text,
        costUnits: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        costCurrency: text,
      },
      { requiredKeys: ["timestamp", "toolServer", "toolName", "outcome"] },
    ),
  },
  { requiredKeys: ["receiptId", "kind", "canonicalJson", "index"] },
) as fc.Arbitrary<LedgerEntry>;
const unsigned: fc.Arbitrary<UnsignedReceipt> = fc
  .tuple(entry, fc.integer({ min: 1, max: 9 }), fc.nat(9))
  .map(([{ opens, closes, state, index }, idAt, more]) => ({
    text: { members: `${"m".repeat(idAt)}☃${"é".repeat(more)}`, idAt, signatureAt: idAt + more, evidence: "", verdict: "" },
    index,
    ...(opens === undefined ? {} : { opens }),
    ...(closes === undefined ? {} : { closes }),
    ...(state === undefined ? {} : { state }),
  }));
const toPack = fc.array(fc.oneof(entry, unsigned), { maxLength: 5 });

function placesOf({ text: { members, idAt, signatureAt } }: Pick<UnsignedReceipt, "text">) {
  return { members, idAt, signatureAt };
}

describe("packing", () => {
  it("gives back every entry as it was, whatever its texts hold", () => {
    fc.assert(
      fc.property(toPack, fc.array(change, { minLength: 1, maxLength: 2 }), (entries, alone) => {
        const packer = new Packer();
        for (const one of entries) {
          if ("text" in one) packer.unsigned(one);
          else packer.entry(one);
        }
        packer.state(alone);
        const packed = packer.take();
        expect(packer.entries).toBe(0);
        expect(packed.entries).toBe(entries.length + 1);
        const unpacked = unpackEntries(packed);
        expect(unpacked.at(-1)).toMatchObject({ receiptId: null, canonicalJson: "", state: alone });
        expect(unpacked.slice(0, -1)).toEqual(
          entries.map(({ opens, closes, state, index, ...receipt }) => ({
            ...("text" in receipt
              ? { receiptId: null, kind: "http", canonicalJson: receipt.text.members, unsigned: placesOf(receipt) }
              : { ...receipt, unsigned: null }),
            opens: opens ?? false,
            closes: closes ?? null,
            state: state?.length ? state : null,
            timestamp: index.timestamp,
            capabilityId: index.capabilityId ?? null,
            toolServer: index.toolServer,
            toolName: index.toolName,
            outcome: index.outcome,
            tenantId: index.tenantId ?? null,
            subject: index.subject ?? null,
            costUnits: indexedCost(index.costUnits),
            costCurrency: index.costCurrency ?? null,
          })),
        );
      }),
    );
  });
});

describe("the outbox", () => {
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  const receipt = (receiptId: string): LedgerEntry => ({
    receiptId,
    kind: "http",
    canonicalJson: "{}",
    index: { timestamp: 1, toolServer: "http", toolName: "GET /", outcome: "allow" },
  });

  it("keeps two messages at the thread; what comes meanwhile goes with the third, in order", async () => {
    const sent: PackedEntries[] = [];
    const outbox = new Outbox((packed) => sent.push(packed));
    for (const id of ["a", "b", "c", "d", "e"]) {
      outbox.entry(receipt(id));
      await turn();
    }
    const ids = () => sent.map((packed) => unpackEntries(packed).map((one) => one.receiptId));
    expect(ids()).toEqual([["a"], ["b"]]);
    let settled = false;
    void outbox.settled().then(() => {
      settled = true;
    });
    outbox.answered(1);
    expect(ids()).toEqual([["a"], ["b"], ["c", "d", "e"]]);
    outbox.answered(3);
    await turn();
    expect(settled).toBe(false);
    outbox.answered(1);
    await turn();
    expect(settled).toBe(true);
    outbox.entry(receipt("f"));
    await turn();
    expect(ids()).toHaveLength(4);
  });

  it("sends what is enough at once, as long as there is a place at the thread; order and count stay", async () => {
    const sent: PackedEntries[] = [];
    const outbox = new Outbox((packed) => sent.push(packed));
    const all = Array.from({ length: 40 }, (_, i) => `r${i}`);
    for (const id of all) outbox.entry(receipt(id));
    expect(sent.map(({ entries }) => entries)).toEqual([16, 16]);
    await turn();
    expect(sent).toHaveLength(2);
    outbox.answered(16);
    await turn();
    expect(sent.map(({ entries }) => entries)).toEqual([16, 16, 8]);
    expect(sent.flatMap((packed) => unpackEntries(packed).map((one) => one.receiptId))).toEqual(all);
  });
});

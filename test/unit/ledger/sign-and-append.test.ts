import { describe, expect, it } from "vitest";
import { readReceipts } from "../../../sidecar/ledger/read.ts";
import type { SinkRecord } from "../../../sidecar/ledger/types.ts";
import { verifyLedgerFile } from "../../../sidecar/ledger/verify.ts";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { parseHttpReceipt, verifyHttpReceipt } from "../../../sidecar/wire/http-receipt.ts";
import { withIdAndSignature } from "../../../sidecar/wire/http-receipt-text.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import { openTestLedger, scratch, TestKernel, until } from "./fixture.ts";

const kernel = new TestKernel();
const trustedKeys = [kernel.publicKeyHex];

describe("signAndAppend", () => {
  it("signs in the store's thread, and resolves with what is on disk then", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store);
    const receipt = kernel.unsigned({ capabilityId: "cap-1", costUnits: 2n ** 64n - 1n });
    const { receiptId, signature } = await ledger.signAndAppend(receipt);
    const text = withIdAndSignature(receipt.text, receiptId, signature);
    expect(text).toBe(
      canonicalize(JSON.parse(text.replace("18446744073709551615", "0"))).replace('"units":0', '"units":18446744073709551615'),
    );
    expect(verifyHttpReceipt(parseHttpReceipt(text), { trustedKeys, requireDigests: true }).ok).toBe(true);
    const stored = [];
    for await (const { receiptId: id, canonicalJson } of readReceipts(dir.store, { allTenants: true })) stored.push({ id, canonicalJson });
    expect(stored).toEqual([{ id: receiptId, canonicalJson: text }]);
    await ledger.close();
  });

  it("keeps its place among signed receipts and revocations, and the log verifies", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store, { checkpoint: { batchSize: 7, intervalMs: 60_000 } });
    const expected: Promise<string>[] = [];
    for (let i = 0; i < 300; i++) {
      const signed = kernel.http();
      if (i % 3 === 0) expected.push(ledger.append(signed).then(() => signed.receiptId));
      else expected.push(ledger.signAndAppend(kernel.unsigned({ filler: i * 17 })).then(({ receiptId }) => receiptId));
      if (i % 50 === 0) void ledger.revoke(`cap-${i}`, 1_764_000_000);
    }
    const ids = await Promise.all(expected);
    await ledger.close();
    const stored: string[] = [];
    for await (const { receiptId } of readReceipts(dir.store, { allTenants: true })) stored.push(receiptId);
    expect(stored).toEqual(ids);
    expect(await verifyLedgerFile(dir.store, { trustedKeys })).toMatchObject({ ok: true, receipts: 300 });
  });

  it("opens and closes a decision, and takes state along", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store);
    const charge = { capabilityId: "cap-1", grantIndex: 0, invocations: 1, units: 5n };
    const { receiptId } = await ledger.signAndAppend(kernel.unsigned({ opens: true, state: [{ type: "budget", charge }] }));
    expect(ledger.status().open).toBe(1);
    await ledger.signAndAppend(kernel.unsigned({ closes: receiptId }));
    expect(ledger.status().open).toBe(0);
    await ledger.close();
    const again = await openTestLedger(dir.store);
    expect(again.initialBudgets()).toMatchObject([charge]);
    await again.close();
  });

  it("hands the whole receipt to the sinks, and waits for them where they are what counts", async () => {
    using dir = scratch();
    const got: SinkRecord[] = [];
    let release: () => void = () => {};
    const blocked = new Promise<void>((resolve) => {
      release = resolve;
    });
    const sink = {
      name: "slow",
      flush: async () => {},
      close: async () => {},
      write: async (group: readonly SinkRecord[]) => void got.push(...group),
    };
    const ledger = await openTestLedger(dir.store, {
      sinks: [{ ...sink, write: (group) => blocked.then(() => sink.write(group)) }],
      acknowledge: "sink",
    });
    const receipt = kernel.unsigned();
    let proof: { receiptId: string; signature: string } | undefined;
    const done = ledger.signAndAppend(receipt).then((value) => {
      proof = value;
    });
    await until("the receipt is in the store", () => ledger.status().receipts === 1);
    expect(proof).toBeUndefined();
    release();
    await done;
    expect(got).toMatchObject([{ type: "receipt", seq: 1, outcome: "allow" }]);
    expect(got[0]!.canonicalJson).toBe(withIdAndSignature(receipt.text, proof!.receiptId, proof!.signature));
    await ledger.close();
  });

  it("refuses what is no text of a receipt, and takes the rest of its turn", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store);
    const sound = kernel.unsigned();
    const results = await Promise.allSettled([
      ledger.signAndAppend(sound),
      ledger.signAndAppend({ ...sound, text: { ...sound.text, members: "" } }),
      ledger.signAndAppend({ ...sound, text: { ...sound.text, idAt: 0 } }),
      ledger.signAndAppend({ ...sound, index: { ...sound.index, timestamp: 0.5 } }),
      ledger.signAndAppend(kernel.unsigned()),
    ]);
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "rejected", "fulfilled"]);
    for (const result of results) if (result.status === "rejected") expect(result.reason).toMatchObject({ code: "ledger_entry_invalid" });
    expect(ledger.status().receipts).toBe(2);
    await ledger.close();
  });

  it("counts against the queue's limit like any other", async () => {
    const ledger = await openTestLedger(null, { queueLimit: 2 });
    const results = await Promise.allSettled(Array.from({ length: 3 }, () => ledger.signAndAppend(kernel.unsigned())));
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
    expect(results[2]).toMatchObject({ reason: { fault: "queue_full" } });
    await ledger.close();
    await expect(ledger.signAndAppend(kernel.unsigned())).rejects.toMatchObject({ fault: "closed" });
  });
});

describe("the key of signAndAppend", () => {
  it("moves to the thread: no copy of its seed is left behind", async () => {
    const seeds: Uint8Array[] = [];
    const keypair = Keypair.fromSeedHex("07".repeat(32));
    const exportSeed = keypair.exportSeed.bind(keypair);
    keypair.exportSeed = () => {
      const seed = exportSeed();
      seeds.push(seed);
      return seed;
    };
    const ledger = await openTestLedger(null, { keypair });
    await ledger.signAndAppend(kernel.unsigned());
    expect(seeds.map((seed) => seed.byteLength)).toEqual([0]);
    await ledger.close();
  });

  it("is asked for, and must be the one that signs checkpoints", async () => {
    const ledger = await openTestLedger(null, { signer: kernel });
    await expect(ledger.signAndAppend(kernel.unsigned())).rejects.toMatchObject({ code: "ledger_option_invalid" });
    await ledger.close();
    await expect(openTestLedger(null, { signer: kernel, keypair: Keypair.generate() })).rejects.toThrow("keypair is not the signer's");
  });
});

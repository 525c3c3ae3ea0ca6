import { describe, expect, it } from "vitest";
import { MemoryReceiptStore } from "../../../sidecar/kernel/memory-receipt-store.ts";
import type { StoredReceipt } from "../../../sidecar/kernel/receipt-store.ts";
import { kernelSigner } from "../../../sidecar/kernel/signer.ts";
import { keyOf, NOW } from "./support.ts";

const signer = kernelSigner(keyOf(7), () => "nonce");
const entry = (n: number, timestamp = NOW): StoredReceipt => ({
  receiptId: String(n),
  kind: "tool",
  canonicalJson: JSON.stringify({ n, pad: "x".repeat(90) }),
  index: { timestamp, toolServer: "s", toolName: "t", outcome: "allow" },
});
const open = (store: MemoryReceiptStore, settings: object = {}) =>
  store.open(signer, { checkpointBatchSize: 2, retention: { maxAgeDays: 1, maxBytes: 1e9 }, now: () => NOW * 1000, ...settings });
const ids = (store: MemoryReceiptStore) => store.entries().map((kept) => kept.receiptId);

describe("MemoryReceiptStore", () => {
  it("drops the oldest beyond its bounds, once a checkpoint covers them", async () => {
    const store = open(new MemoryReceiptStore({ maxReceipts: 2 }));
    await store.append([entry(1), entry(2), entry(3)]);
    expect(ids(store)).toEqual(["2", "3"]);
    await store.append([entry(4)]);
    expect(ids(store)).toEqual(["3", "4"]);
    const waiting = open(new MemoryReceiptStore({ maxReceipts: 1 }), { checkpointBatchSize: 10 });
    await waiting.append([entry(1), entry(2), entry(3)]);
    expect(ids(waiting)).toEqual(["1", "2", "3"]);
  });

  it("drops by size and by age too", async () => {
    const small = open(new MemoryReceiptStore({ maxBytes: 250 }), { checkpointBatchSize: 0 });
    await small.append([entry(1), entry(2), entry(3)]);
    expect(ids(small)).toEqual(["2", "3"]);
    const aged = open(new MemoryReceiptStore(), { checkpointBatchSize: 0 });
    await aged.append([entry(1, NOW - 86_401), entry(2, NOW - 86_400), entry(3)]);
    expect(ids(aged)).toEqual(["2", "3"]);
    const retained = open(new MemoryReceiptStore(), { checkpointBatchSize: 0, retention: { maxAgeDays: 1, maxBytes: 150 } });
    await retained.append([entry(1), entry(2)]);
    expect(ids(retained)).toEqual(["2"]);
  });

  it("makes no checkpoints when they are off, and none over nothing", async () => {
    const store = open(new MemoryReceiptStore(), { checkpointBatchSize: 0 });
    await store.append([entry(1)]);
    await store.close();
    expect(store.checkpoints()).toEqual([]);
    const empty = open(new MemoryReceiptStore());
    await empty.close();
    await empty.close();
    expect(empty.checkpoints()).toEqual([]);
  });

  it("keeps the chain's times in order when the clock steps back", async () => {
    let now = NOW * 1000;
    const store = open(new MemoryReceiptStore(), { now: () => now });
    await store.append([entry(1), entry(2)]);
    now -= 60_000;
    await store.append([entry(3), entry(4)]);
    expect(store.checkpoints().map(({ body }) => body.issued_at)).toEqual([NOW, NOW]);
  });

  it("belongs to one kernel, and takes nothing before it is open or after it is closed", async () => {
    const store = new MemoryReceiptStore();
    await expect(store.append([entry(1)])).rejects.toMatchObject({ code: "kernel_closed" });
    open(store);
    expect(() => open(store)).toThrow(/already belongs/);
    await store.revoke("a");
    expect([store.isRevoked("a"), store.isRevoked("b")]).toEqual([true, false]);
    await store.close();
    await expect(store.append([entry(1)])).rejects.toMatchObject({ code: "kernel_closed" });
    await expect(store.revoke("b")).rejects.toMatchObject({ code: "kernel_closed" });
  });
});

import { describe, expect, it } from "vitest";
import { decide } from "../../../sidecar/kernel/decide.ts";
import { toolReceiptBody } from "../../../sidecar/kernel/receipts.ts";
import { ReceiptSigner } from "../../../sidecar/kernel/signer.ts";
import { settle, TestStore, TestSystem } from "./library-support.ts";
import { context, keyOf, NOW, toolCall } from "./support.ts";

const KERNEL = keyOf(7);
const body = (n: number) => {
  const call = toolCall(undefined, { n });
  return toolReceiptBody(call, decide(call, context()), {
    scope: "final",
    timestamp: NOW,
    kernelKey: KERNEL.publicKeyHex,
    nonce: String(n),
  });
};

function setUp(limit: number) {
  const store = new TestStore();
  let opened = 0;
  const signer = new ReceiptSigner(
    KERNEL,
    async () => {
      if (opened++ === 0)
        store.open({ publicKeyHex: KERNEL.publicKeyHex } as never, {
          checkpointBatchSize: 0,
          retention: { maxAgeDays: 1, maxBytes: 1e9 },
          now: () => new TestSystem().now(),
        });
      return store;
    },
    limit,
  );
  return { signer, store, opened: () => opened };
}

describe("receipt signer", () => {
  it("starts with the first receipt", async () => {
    const { signer, opened } = setUp(4);
    expect([signer.started, opened()]).toEqual([false, 0]);
    await signer.submit({ body: body(1) });
    expect([signer.pending, opened()]).toEqual([0, 1]);
  });

  it("hands over in one group what came together", async () => {
    const { signer, store } = setUp(100);
    await Promise.all(Array.from({ length: 10 }, (_, n) => signer.submit({ body: body(n) })));
    expect(store.groups.map((group) => group.length)).toEqual([10]);
  });

  it("lets callers wait when its queue is full, in the order in which they came", async () => {
    const { signer, store } = setUp(2);
    const gate = Promise.withResolvers<void>();
    store.hold = gate.promise;
    const done: number[] = [];
    const all = Array.from({ length: 7 }, (_, n) => signer.submit({ body: body(n) }).then(() => done.push(n)));
    await settle();
    expect([signer.pending, done]).toEqual([2, []]);
    gate.resolve();
    await Promise.all(all);
    expect(done).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(store.groups.every((group) => group.length <= 2)).toBe(true);
    expect(signer.pending).toBe(0);
  });

  it("is drained when the waiting ones are done too", async () => {
    const { signer, store } = setUp(1);
    const all = Array.from({ length: 5 }, (_, n) => signer.submit({ body: body(n) }));
    await signer.drain();
    expect(store.entries()).toHaveLength(5);
    await Promise.all(all);
  });

  it("fails those whose group failed, and goes on with the next", async () => {
    const { signer, store } = setUp(1);
    store.failing = new Error("disk full");
    const first = signer.submit({ body: body(1) });
    await expect(first).rejects.toMatchObject({ code: "receipt_not_durable" });
    store.failing = null;
    await signer.submit({ body: body(2) });
    expect(store.entries()).toHaveLength(1);
  });

  it("fails one that cannot be signed, and not its neighbours", async () => {
    const { signer, store } = setUp(10);
    const results = await Promise.allSettled([
      signer.submit({ body: { ...body(1), trust_level: "advisory" } }),
      signer.submit({ body: body(2) }),
    ]);
    expect(results.map((result) => result.status)).toEqual(["rejected", "fulfilled"]);
    expect(store.entries()).toHaveLength(1);
  });
});

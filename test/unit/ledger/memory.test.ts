import { describe, expect, it } from "vitest";
import type { ReceiptSink } from "../../../sidecar/ledger/types.ts";
import { openTestLedger, TestKernel, until } from "./fixture.ts";

const kernel = new TestKernel();

describe("a store in memory", () => {
  it("takes receipts again once its sink does", async () => {
    const sink = {
      name: "late",
      down: true,
      write: async () => sink.down && Promise.reject(new Error("down")),
      flush: async () => {},
      close: async () => {},
    };
    const ledger = await openTestLedger(null, { sinks: [sink as unknown as ReceiptSink] });
    const fill = async () => {
      for (let i = 0; i < 100; i++) await ledger.append(kernel.http({ filler: 500_000 }));
    };
    await expect(fill()).rejects.toMatchObject({ fault: "queue_full" });
    sink.down = false;
    await until("a receipt is taken", () =>
      ledger.append(kernel.http()).then(
        () => true,
        () => false,
      ),
    );
    await ledger.close();
  });

  it("takes receipts of which one batch is more than it keeps", async () => {
    const ledger = await openTestLedger(null);
    for (let i = 0; i < 60; i++) await ledger.append(kernel.http({ filler: 900_000 }));
    expect(ledger.status().receipts).toBeLessThan(40);
    await ledger.close();
  });
});

import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import type { LedgerError } from "../../../sidecar/ledger/errors.ts";
import { type ReceiptFilter, readReceipts } from "../../../sidecar/ledger/read.ts";
import { StoreReader } from "../../../sidecar/ledger/reader.ts";
import type { LedgerEntry } from "../../../sidecar/ledger/types.ts";
import { leafHash } from "../../../sidecar/wire/merkle.ts";
import { openTestLedger, scratch, TestKernel } from "./fixture.ts";

const kernel = new TestKernel();
const T = 1_764_000_000;

async function storeOf(store: string, entries: LedgerEntry[]): Promise<void> {
  const ledger = await openTestLedger(store, { queueLimit: 10_000 });
  await Promise.all(entries.map((entry) => ledger.append(entry)));
  await ledger.close();
}

async function seqs(store: string, filter: ReceiptFilter): Promise<number[]> {
  const found: number[] = [];
  for await (const { seq } of readReceipts(store, filter)) found.push(seq);
  return found;
}

function sql(store: string, statement: string, ...values: (string | number)[]): void {
  const db = new DatabaseSync(store);
  db.prepare(statement).run(...values);
  db.close();
}

describe("filters", () => {
  it("find exactly what matches, together and alone", async () => {
    using dir = scratch();
    await storeOf(dir.store, [
      kernel.http({ timestamp: T, capabilityId: "c1", costUnits: 10n }),
      kernel.http({ timestamp: T + 1, capabilityId: "c2", costUnits: 20n }),
      kernel.http({ timestamp: T + 2, verdict: { verdict: "deny", reason: "r", guard: "G", http_status: 403 } }),
      kernel.http({ timestamp: T + 3, verdict: { verdict: "cancel", reason: "r" } }),
      kernel.tool({ timestamp: T + 4, toolServer: "files", toolName: "read", capabilityId: "c1" }),
      kernel.tool({ timestamp: T + 5, toolServer: "files", toolName: "write" }),
      kernel.tool({ timestamp: T + 6, tenantId: "t1" }),
      kernel.http({ timestamp: T + 7, costUnits: 2n ** 64n - 1n }),
    ]);
    const found = (filter: ReceiptFilter) => seqs(dir.store, filter);
    expect(await found({})).toEqual([1, 2, 3, 4, 5, 6, 8]);
    expect(await found({ allTenants: true })).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await found({ tenantId: "t1" })).toEqual([7]);
    expect(await found({ capabilityId: "c1" })).toEqual([1, 5]);
    expect(await found({ toolServer: "files" })).toEqual([5, 6]);
    expect(await found({ toolName: "write" })).toEqual([6]);
    expect(await found({ outcome: "deny" })).toEqual([3]);
    expect(await found({ outcome: "cancelled" })).toEqual([4]);
    expect(await found({ since: T + 3, until: T + 5 })).toEqual([4, 5, 6]);
    expect(await found({ minCost: 11n })).toEqual([2, 8]);
    expect(await found({ maxCost: 10n })).toEqual([1]);
    expect(await found({ minCost: 2n ** 63n - 1n })).toEqual([8]);
    expect(await found({ capabilityId: "c1", toolServer: "files", since: T })).toEqual([5]);
    expect(await found({ limit: 2 })).toEqual([1, 2]);
    expect(await found({ limit: 2, cursor: 2 })).toEqual([3, 4]);
    expect(await found({ limit: 2, newestFirst: true })).toEqual([8, 6]);
    expect(await found({ newestFirst: true, cursor: 3 })).toEqual([2, 1]);
    expect(await found({ cursor: 8 })).toEqual([]);
  });

  it("work across the stretches that the indexes are cut into", async () => {
    using dir = scratch();
    await storeOf(
      dir.store,
      Array.from({ length: 2_500 }, (_, i) => kernel.http({ timestamp: T + i, capabilityId: i % 500 === 0 ? "rare" : "common" })),
    );
    expect(await seqs(dir.store, { capabilityId: "rare" })).toEqual([1, 501, 1001, 1501, 2001]);
    expect(await seqs(dir.store, { capabilityId: "rare", newestFirst: true, limit: 2 })).toEqual([2001, 1501]);
    expect(await seqs(dir.store, { since: T + 1_020, until: T + 1_026 })).toEqual([1021, 1022, 1023, 1024, 1025, 1026, 1027]);
    const reader = new StoreReader(dir.store);
    const row = reader.rows(1500, 1500, { sql: "", values: [], indexed: false }, "ASC", 1)[0]!;
    expect(reader.find(row.receiptId).seq).toBe(1500);
    expect(reader.find(row.receiptId.slice(0, 12)).seq).toBe(1500);
    expect(() => reader.find("0".repeat(64))).toThrow(/holds no receipt/);
    reader.close();
  });

  it("are answered from the indexes, not by walking the receipts", async () => {
    using dir = scratch();
    await storeOf(dir.store, [kernel.http({ capabilityId: "c1" })]);
    const db = new DatabaseSync(dir.store, { readOnly: true });
    const plan = (condition: string) =>
      db
        .prepare(
          `EXPLAIN QUERY PLAN SELECT * FROM receipts WHERE (seq >> 10) = ? AND +seq BETWEEN ? AND ? AND ${condition} ORDER BY seq LIMIT ?`,
        )
        .all()
        .map((row) => String(row.detail))
        .join("; ");
    expect(plan("capability_id = ?")).toContain("receipts_by_capability");
    expect(plan("timestamp >= ? AND timestamp <= ?")).toContain("receipts_by_time");
    expect(plan("substr(receipt_id, 1, 8) = ?")).toContain("receipts_by_id");
    db.close();
  });
});

describe("a tampered row", () => {
  const cases: [what: string, tamper: (store: string) => void][] = [
    [
      "a changed text",
      (store) =>
        sql(store, "UPDATE receipts SET raw_json = replace(raw_json, '\"response_status\":200', '\"response_status\":201') WHERE seq = 2"),
    ],
    [
      "a changed text with its hash",
      (store) => {
        sql(store, "UPDATE receipts SET raw_json = replace(raw_json, '\"response_status\":200', '\"response_status\":201') WHERE seq = 2");
        rehash(store, 2);
      },
    ],
    [
      "a changed signature",
      (store) => {
        sql(store, `UPDATE receipts SET raw_json = replace(raw_json, '"signature":"', '"signature":"00') WHERE seq = 2`);
        rehash(store, 2);
      },
    ],
    [
      "another receipt's text",
      (store) =>
        sql(store, "UPDATE receipts SET (raw_json, leaf_hash) = (SELECT raw_json, leaf_hash FROM receipts WHERE seq = 1) WHERE seq = 2"),
    ],
    [
      "text that is not canonical",
      (store) => {
        sql(store, "UPDATE receipts SET raw_json = ' ' || raw_json WHERE seq = 2");
        rehash(store, 2);
      },
    ],
    [
      "no JSON at all",
      (store) => {
        sql(store, "UPDATE receipts SET raw_json = 'x' WHERE seq = 2");
        rehash(store, 2);
      },
    ],
    ["a column that hides it", (store) => sql(store, "UPDATE receipts SET outcome = 'deny' WHERE seq = 2")],
    ["a moved time", (store) => sql(store, "UPDATE receipts SET timestamp = timestamp - 1 WHERE seq = 2")],
    ["another capability", (store) => sql(store, "UPDATE receipts SET capability_id = 'c9' WHERE seq = 2")],
    ["another route", (store) => sql(store, "UPDATE receipts SET tool_name = 'GET /' WHERE seq = 2")],
    ["another cost", (store) => sql(store, "UPDATE receipts SET cost_units = 0 WHERE seq = 2")],
    ["another caller", (store) => sql(store, "UPDATE receipts SET subject = 'x' WHERE seq = 2")],
    ["another kind", (store) => sql(store, "UPDATE receipts SET kind = 'tool' WHERE seq = 2")],
    ["a hash that is not its own", (store) => sql(store, "UPDATE receipts SET leaf_hash = zeroblob(32) WHERE seq = 2")],
  ];

  it.each(cases)("is refused with its number and id: %s", async (_what, tamper) => {
    using dir = scratch();
    const entries = [1, 2, 3].map(() => kernel.http({ capabilityId: "c1" }));
    await storeOf(dir.store, entries);
    tamper(dir.store);
    const read: number[] = [];
    const error = await (async () => {
      for await (const { seq } of readReceipts(dir.store)) read.push(seq);
    })().catch((thrown: LedgerError) => thrown);
    expect(read).toEqual([1]);
    expect(error).toMatchObject({ code: "receipt_tampered" });
    expect((error as LedgerError).message).toContain(`receipt seq 2 (${entries[1]!.receiptId})`);

    const reported: string[] = [];
    expect(await seqs(dir.store, { onTampered: ({ code }) => reported.push(code) })).toEqual([1, 3]);
    expect(reported).toEqual(["receipt_tampered"]);
  });
});

describe("reading beside a writer", () => {
  it("sees whole groups, always verifiable, and holds nothing up", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store, { queueLimit: 10_000 });
    await ledger.append(kernel.http());
    let writing = true;
    const writer = (async () => {
      for (let i = 0; i < 40; i++) await Promise.all(Array.from({ length: 40 }, () => ledger.append(kernel.http())));
      writing = false;
    })();
    const counts: number[] = [];
    while (writing) counts.push((await seqs(dir.store, { newestFirst: true, limit: 100 })).length);
    await writer;
    expect(counts.length).toBeGreaterThan(1);
    expect(await seqs(dir.store, {})).toHaveLength(1_601);
    await ledger.close();
  });

  it.each([
    ["no file", "ledger_not_found", (_store: string) => {}],
    ["an empty file", "ledger_not_a_store", (store: string) => sql(store, "SELECT 1")],
    ["another database", "ledger_not_a_store", (store: string) => sql(store, "CREATE TABLE t (a)")],
  ])("says what is wrong with %s", async (_what, code, prepare) => {
    using dir = scratch();
    prepare(dir.store);
    await expect(seqs(dir.store, {})).rejects.toMatchObject({ code, message: expect.stringContaining(dir.store) });
  });
});

function rehash(store: string, seq: number): void {
  const db = new DatabaseSync(store);
  const text = db.prepare("SELECT raw_json FROM receipts WHERE seq = ?").get(seq)?.raw_json as string;
  db.prepare("UPDATE receipts SET leaf_hash = ? WHERE seq = ?").run(leafHash(text), seq);
  db.close();
}

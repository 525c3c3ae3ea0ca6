import { closeSync, copyFileSync, openSync, writeFileSync, writeSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { exportLines } from "../../../sidecar/ledger/export.ts";
import { verifyLedgerFile } from "../../../sidecar/ledger/verify.ts";
import { verifyExport } from "../../../sidecar/ledger/verify-export.ts";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { parseCheckpoint, signCheckpoint } from "../../../sidecar/wire/checkpoint.ts";
import { leafHash, merkleRoot, toMerkleHex } from "../../../sidecar/wire/merkle.ts";
import type { KernelCheckpoint } from "../../../sidecar/wire/types.ts";
import { openTestLedger, scratch, TestKernel, until } from "./fixture.ts";

const kernel = new TestKernel();
const trustedKeys = [kernel.publicKeyHex];

/** 25 receipts: batches 1 to 10, 11 to 20, and 21 to 25 with their checkpoints. */
async function filled(store: string): Promise<void> {
  const ledger = await openTestLedger(store, { checkpoint: { batchSize: 10, intervalMs: 60_000 } });
  await Promise.all(Array.from({ length: 25 }, () => ledger.append(kernel.http({ capabilityId: "c1" }))));
  await ledger.close();
}

function change(store: string, ...statements: string[]): void {
  const db = new DatabaseSync(store);
  for (const statement of statements) db.exec(statement);
  db.close();
}

function checkpointsOf(store: string): KernelCheckpoint[] {
  const db = new DatabaseSync(store);
  const rows = db.prepare("SELECT raw_json FROM checkpoints ORDER BY checkpoint_seq").all();
  db.close();
  return rows.map((row) => parseCheckpoint(row.raw_json as string));
}

/** What somebody without the key could write over a batch: a correct root, signed by a key of their own. */
function forgeCheckpoint(store: string, seq: number, signer: TestKernel): void {
  const db = new DatabaseSync(store);
  const row = db.prepare("SELECT * FROM checkpoints WHERE checkpoint_seq = ?").get(seq)!;
  const { body } = parseCheckpoint(row.raw_json as string);
  const leaves = db
    .prepare("SELECT raw_json FROM receipts WHERE seq BETWEEN ? AND ? ORDER BY seq")
    .all(body.batch_start_seq, body.batch_end_seq)
    .map((receipt) => leafHash(receipt.raw_json as string));
  const forged = signCheckpoint({ ...body, merkle_root: toMerkleHex(merkleRoot(leaves)), kernel_key: signer.publicKeyHex }, signer.keypair);
  db.prepare("UPDATE checkpoints SET raw_json = ? WHERE checkpoint_seq = ?").run(canonicalize(forged), seq);
  db.close();
}

/** Empties the first page of an index, as a bad block might. The table itself is whole. */
function breakIndex(store: string, name: string): void {
  const db = new DatabaseSync(store);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const page = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").get(name)?.rootpage as number;
  db.close();
  const file = openSync(store, "r+");
  // An empty leaf page of an index.
  writeSync(file, Buffer.from([0x0a, 0, 0, 0, 0, 0x10, 0, 0]), 0, 8, (page - 1) * 4096);
  closeSync(file);
}

const codes = (report: { errors: { code: string }[] }) => [...new Set(report.errors.map(({ code }) => code))];

describe("verifyLedgerFile", () => {
  it("accepts a sound store and says what it saw", async () => {
    using dir = scratch();
    await filled(dir.store);
    expect(await verifyLedgerFile(dir.store, { trustedKeys })).toMatchObject({
      ok: true,
      receipts: 25,
      first_seq: 1,
      last_seq: 25,
      checkpoints: 3,
      last_checkpoint: { checkpoint_seq: 3, batch_end_seq: 25 },
      uncheckpointed: null,
      kernel_keys: { [kernel.publicKeyHex]: 28 },
      signers_trusted: true,
      error_count: 0,
    });
    expect(await verifyLedgerFile(dir.store)).toMatchObject({
      ok: true,
      signers_trusted: null,
      notes: [expect.stringContaining("no trusted keys")],
    });
  });

  it("verifies a store that is being written to, and reports its uncovered end and its open decisions", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store, { checkpoint: { batchSize: 10, intervalMs: 60_000 } });
    await Promise.all(Array.from({ length: 12 }, () => ledger.append(kernel.http())));
    const decision = kernel.http({ opens: true });
    await ledger.append(decision);
    await until("the full batch has its checkpoint", () => ledger.status().checkpointSeq === 1);
    expect(await verifyLedgerFile(dir.store, { trustedKeys })).toMatchObject({
      ok: true,
      uncheckpointed: { count: 3, first_seq: 11, last_seq: 13 },
      open_decisions: { count: 1, receipt_ids: [decision.receiptId] },
    });
    await ledger.close();
  });

  const attacks: [what: string, expected: string[], attack: (store: string) => void][] = [
    [
      "a receipt is changed",
      ["receipt_tampered", "merkle_root_mismatch"],
      (s) => change(s, `UPDATE receipts SET raw_json = replace(raw_json, ':200,', ':500,') WHERE seq = 3`),
    ],
    ["a receipt is removed", ["receipt_missing"], (s) => change(s, "DELETE FROM receipts WHERE seq = 13")],
    ["the last receipt is removed", ["receipt_missing"], (s) => change(s, "DELETE FROM receipts WHERE seq = 25")],
    [
      "two receipts change places",
      ["merkle_root_mismatch"],
      (s) =>
        change(
          s,
          "UPDATE receipts SET seq = 900 WHERE seq = 4",
          "UPDATE receipts SET seq = 4 WHERE seq = 5",
          "UPDATE receipts SET seq = 5 WHERE seq = 900",
        ),
    ],
    ["a checkpoint is removed", ["checkpoint_invalid"], (s) => change(s, "DELETE FROM checkpoints WHERE checkpoint_seq = 2")],
    [
      "the first batch is removed",
      ["checkpoint_invalid"],
      (s) => change(s, "DELETE FROM checkpoints WHERE checkpoint_seq = 1", "DELETE FROM receipts WHERE seq <= 10"),
    ],
    [
      "a checkpoint is changed",
      ["checkpoint_invalid"],
      (s) => change(s, `UPDATE checkpoints SET raw_json = replace(raw_json, '"tree_size":10', '"tree_size":11') WHERE checkpoint_seq = 1`),
    ],
    [
      "a checkpoint's columns are changed",
      ["checkpoint_invalid"],
      (s) => change(s, "UPDATE checkpoints SET batch_end_seq = 9 WHERE checkpoint_seq = 1"),
    ],
    [
      "what a checkpoint's row says of its time or hash is changed",
      ["checkpoint_invalid"],
      (s) => change(s, "UPDATE checkpoints SET issued_at = issued_at + 1 WHERE checkpoint_seq = 3"),
    ],
    [
      "the hash that the next checkpoint will name is changed",
      ["checkpoint_invalid"],
      (s) => change(s, "UPDATE checkpoints SET body_sha256 = lower(hex(zeroblob(32))) WHERE checkpoint_seq = 3"),
    ],
    [
      "a receipt is passed off as another kind, whose columns are not compared",
      ["receipt_tampered"],
      (s) => change(s, "UPDATE receipts SET kind = 'child', outcome = 'deny', capability_id = 'c2' WHERE seq = 2"),
    ],
    [
      "batches are removed that no archive has",
      ["checkpoint_missing"],
      (s) =>
        change(
          s,
          "DELETE FROM receipts WHERE seq <= 20",
          "DELETE FROM checkpoints WHERE checkpoint_seq <= 2",
          "INSERT INTO archives VALUES ('receipts.archive-2026-01.sqlite', 1, 10, 1, 1)",
        ),
    ],
    [
      "nothing is left behind the archives",
      ["checkpoint_missing"],
      (s) =>
        change(
          s,
          "DELETE FROM receipts",
          "DELETE FROM checkpoints",
          "INSERT INTO archives VALUES ('receipts.archive-2026-01.sqlite', 1, 25, 1, 3)",
        ),
    ],
    ["an index does not lead to a receipt", ["store_damaged"], (s) => breakIndex(s, "receipts_by_capability")],
    [
      "an index that even a bare list would be read from has lost its receipts",
      ["store_damaged"],
      (s) => breakIndex(s, "receipts_by_time"),
    ],
    ["a checkpoint is no JSON", ["checkpoint_invalid"], (s) => change(s, "UPDATE checkpoints SET raw_json = 'x' WHERE checkpoint_seq = 2")],
    [
      "a batch is replaced and signed by another key",
      ["checkpoint_invalid", "signer_untrusted"],
      (s) => {
        change(
          s,
          "UPDATE receipts SET (receipt_id, raw_json, leaf_hash) = (SELECT receipt_id, raw_json, leaf_hash FROM receipts WHERE seq = 1) WHERE seq = 2",
        );
        forgeCheckpoint(s, 1, new TestKernel(9));
      },
    ],
  ];
  it.each(attacks)("notices when %s", async (_what, expected, attack) => {
    using dir = scratch();
    await filled(dir.store);
    attack(dir.store);
    const report = await verifyLedgerFile(dir.store, { trustedKeys });
    expect(report.ok).toBe(false);
    expect(codes(report)).toEqual(expect.arrayContaining(expected));
    expect(report.error_count).toBeGreaterThan(0);
  });

  it("notices a cut-off tail, or a rewritten one, by checkpoints that were kept elsewhere", async () => {
    using dir = scratch();
    await filled(dir.store);
    const published = checkpointsOf(dir.store);
    expect((await verifyLedgerFile(dir.store, { trustedKeys, knownCheckpoints: published })).ok).toBe(true);
    change(dir.store, "DELETE FROM checkpoints WHERE checkpoint_seq = 3", "DELETE FROM receipts WHERE seq > 20");
    expect((await verifyLedgerFile(dir.store, { trustedKeys })).ok).toBe(true);
    const cut = await verifyLedgerFile(dir.store, { trustedKeys, knownCheckpoints: published });
    expect(cut.errors).toMatchObject([{ code: "checkpoint_missing", checkpoint_seq: 3 }]);
    // The same batch, signed again by the holder of the key: two views of one log.
    const again = signCheckpoint({ ...published[1]!.body, issued_at: published[1]!.body.issued_at + 1 }, kernel.keypair);
    const equivocation = await verifyLedgerFile(dir.store, { trustedKeys, knownCheckpoints: [again] });
    expect(equivocation.errors).toMatchObject([{ code: "checkpoint_mismatch", checkpoint_seq: 2 }]);
  });

  it("notices a store that was put back from an older copy, and went on from there, by either of its two chains", async () => {
    using dir = scratch();
    await filled(dir.store);
    copyFileSync(dir.store, `${dir.store}.copy`);
    const published: KernelCheckpoint[] = [];
    for (const _run of ["first", "after the copy was put back"]) {
      copyFileSync(`${dir.store}.copy`, dir.store);
      await filled(dir.store);
      published.push(...checkpointsOf(dir.store).slice(3));
    }
    for (const knownCheckpoints of [published, published.toReversed()]) {
      const report = await verifyLedgerFile(dir.store, { trustedKeys, knownCheckpoints });
      expect(codes(report)).toEqual(["checkpoint_mismatch"]);
    }
  });

  it("does not miss published checkpoints that retention moved, and says that it did not look", async () => {
    using dir = scratch();
    await filled(dir.store);
    const knownCheckpoints = checkpointsOf(dir.store);
    change(
      dir.store,
      "DELETE FROM receipts WHERE seq <= 10",
      "DELETE FROM checkpoints WHERE checkpoint_seq = 1",
      "INSERT INTO archives VALUES ('receipts.archive-2026-01.sqlite', 1, 10, 1, 1)",
    );
    const report = await verifyLedgerFile(dir.store, { trustedKeys, knownCheckpoints });
    expect(report).toMatchObject({ ok: true, errors: [], from_the_beginning: false });
    expect(report.notes.join()).toContain("1 published checkpoints are older than what was verified");
  });

  it("lists a hundred errors, and counts the others", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store);
    await Promise.all(Array.from({ length: 150 }, () => ledger.append(kernel.http())));
    await ledger.close();
    change(dir.store, "UPDATE receipts SET outcome = 'deny'");
    const report = await verifyLedgerFile(dir.store);
    expect(report.errors).toHaveLength(100);
    expect(report.error_count).toBe(150);
  });

  it("refuses what is no store", async () => {
    using dir = scratch();
    writeFileSync(dir.store, "hello\n".repeat(1000));
    await expect(verifyLedgerFile(dir.store)).rejects.toMatchObject({ code: "ledger_not_a_store" });
  });
});

describe("an export", () => {
  async function exported(store: string): Promise<string[]> {
    const lines: string[] = [];
    for await (const text of exportLines(store, { now: 1_764_000_000 })) lines.push(...text.trimEnd().split("\n"));
    return lines;
  }

  it("stands on its own: every receipt has a proof, and a verifier needs nothing else", async () => {
    using dir = scratch();
    await filled(dir.store);
    const lines = await exported(dir.store);
    expect(lines).toHaveLength(1 + 3 + 25 + 1);
    expect(await verifyExport(lines, { name: "x", trustedKeys })).toMatchObject({
      ok: true,
      receipts: 25,
      checkpoints: 3,
      signers_trusted: true,
      uncheckpointed: null,
    });
  });

  it("also has receipts without a checkpoint, and says that they have no proof", async () => {
    using dir = scratch();
    const ledger = await openTestLedger(dir.store, { checkpoint: { batchSize: 10, intervalMs: 60_000 } });
    await Promise.all(Array.from({ length: 13 }, () => ledger.append(kernel.http())));
    await until("the full batch has its checkpoint", () => ledger.status().checkpointSeq === 1);
    const lines = await exported(dir.store);
    expect(JSON.parse(lines.at(-1)!)).toEqual({ type: "end", receipts: 13, checkpoints: 1, unproven: 3 });
    expect(await verifyExport(lines, { name: "x" })).toMatchObject({ ok: true, uncheckpointed: { count: 3, first_seq: 11, last_seq: 13 } });
    await ledger.close();
  });

  const forgeries: [what: string, code: string, forge: (lines: string[]) => string[]][] = [
    [
      "a receipt is changed",
      "receipt_tampered",
      (lines) => lines.with(2, lines[2]!.replace('"response_status":200', '"response_status":201')),
    ],
    ["a receipt is left out", "receipt_missing", (lines) => lines.toSpliced(4, 1)],
    ["a whole batch is left out", "checkpoint_invalid", (lines) => lines.toSpliced(12, 11)],
    ["two receipts change places", "receipt_missing", (lines) => lines.with(2, lines[3]!).with(3, lines[2]!)],
    ["a proof is another one's", "merkle_root_mismatch", (lines) => lines.with(2, withProofOf(lines[2]!, lines[3]!))],
    ["a proof is missing", "merkle_root_mismatch", (lines) => lines.with(2, JSON.stringify({ ...JSON.parse(lines[2]!), inclusion: null }))],
    ["a checkpoint is changed", "checkpoint_invalid", (lines) => lines.with(1, lines[1]!.replace('"tree_size":10', '"tree_size":9'))],
    ["the end is missing", "receipt_missing", (lines) => lines.slice(0, -1)],
    ["the end claims more", "receipt_missing", (lines) => lines.with(-1, lines.at(-1)!.replace('"receipts":25', '"receipts":26'))],
    ["a line is no JSON", "store_damaged", (lines) => lines.with(5, lines[5]!.slice(0, 40))],
  ];
  it.each(forgeries)("does not verify when %s", async (_what, code, forge) => {
    using dir = scratch();
    await filled(dir.store);
    const report = await verifyExport(forge(await exported(dir.store)), { name: "x", trustedKeys });
    expect(report.ok).toBe(false);
    expect(codes(report)).toContain(code);
  });

  it("is held against checkpoints that were kept elsewhere", async () => {
    using dir = scratch();
    await filled(dir.store);
    const lines = await exported(dir.store);
    const knownCheckpoints = checkpointsOf(dir.store);
    expect((await verifyExport(lines, { name: "x", trustedKeys, knownCheckpoints })).ok).toBe(true);
    const { body } = knownCheckpoints[2]!;
    const next = signCheckpoint({ ...body, checkpoint_seq: 4, batch_start_seq: 26, batch_end_seq: 30 }, kernel.keypair);
    const cut = await verifyExport(lines, { name: "x", trustedKeys, knownCheckpoints: [...knownCheckpoints, next] });
    expect(codes(cut)).toEqual(["checkpoint_missing"]);
  });

  it("is not made of a store with a tampered receipt", async () => {
    using dir = scratch();
    await filled(dir.store);
    change(dir.store, "UPDATE receipts SET raw_json = replace(raw_json, ':200,', ':500,') WHERE seq = 3");
    await expect(exported(dir.store)).rejects.toMatchObject({ code: "receipt_tampered" });
  });

  it("is told from any other file", async () => {
    await expect(verifyExport(["{}"], { name: "other.jsonl" })).rejects.toMatchObject({ code: "ledger_not_a_store" });
    await expect(verifyExport([], { name: "empty.jsonl" })).rejects.toMatchObject({ code: "ledger_not_a_store" });
  });
});

function withProofOf(line: string, other: string): string {
  return JSON.stringify({ ...JSON.parse(line), inclusion: JSON.parse(other).inclusion });
}

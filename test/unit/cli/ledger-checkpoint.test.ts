import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { openTestLedger, scratch, TestKernel } from "../ledger/fixture.ts";
import { runCli } from "./run-cli.ts";

const kernel = new TestKernel();
const other = new TestKernel(9);

async function filled(store: string): Promise<void> {
  const ledger = await openTestLedger(store, { checkpoint: { batchSize: 10, intervalMs: 60_000 } });
  await Promise.all(Array.from({ length: 25 }, () => ledger.append(kernel.http())));
  await ledger.close();
}

function change(store: string, statement: string): void {
  const db = new DatabaseSync(store);
  db.exec(statement);
  db.close();
}

const verify = (...argv: string[]) => runCli(["checkpoint", "verify", ...argv]);

describe("chio checkpoint verify", () => {
  it("exits 0 for a sound store, and says in JSON what holds", async () => {
    using dir = scratch();
    await filled(dir.store);
    const result = await verify("--receipt-db", dir.store, "--trusted-key", kernel.publicKeyHex, other.publicKeyHex);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(result.stdout)).toMatchObject({ ok: true, receipts: 25, checkpoints: 3, signers_trusted: true, errors: [] });
  });

  it("exits 1 and names each problem otherwise", async () => {
    using dir = scratch();
    await filled(dir.store);
    const untrusted = await verify("--receipt-db", dir.store, "--trusted-key", other.publicKeyHex);
    expect(untrusted.code).toBe(1);
    expect(JSON.parse(untrusted.stdout)).toMatchObject({ ok: false, signers_trusted: false });
    change(dir.store, "DELETE FROM receipts WHERE seq = 5");
    const missing = await verify("--receipt-db", dir.store);
    expect(missing.code).toBe(1);
    expect(JSON.parse(missing.stdout).errors).toMatchObject([{ code: "receipt_missing", checkpoint_seq: 1 }]);
  });

  it("compares with checkpoints from a log of the stdout sink", async () => {
    using dir = scratch();
    await filled(dir.store);
    const db = new DatabaseSync(dir.store);
    const lines = db
      .prepare("SELECT raw_json FROM checkpoints")
      .all()
      .map((row) => `{"event":"checkpoint","kind":"chio_checkpoint","checkpoint":${row.raw_json}}`);
    db.close();
    const log = join(dir.path, "log");
    writeFileSync(log, ["other output", ...lines, ""].join("\n"));
    expect(await verify("--receipt-db", dir.store, "--known-checkpoints", log)).toMatchObject({ code: 0 });
    change(dir.store, "DELETE FROM checkpoints WHERE checkpoint_seq = 3");
    change(dir.store, "DELETE FROM receipts WHERE seq > 20");
    expect(await verify("--receipt-db", dir.store)).toMatchObject({ code: 0 });
    const cut = await verify("--receipt-db", dir.store, "--known-checkpoints", log);
    expect(cut.code).toBe(1);
    expect(JSON.parse(cut.stdout).errors).toMatchObject([{ code: "checkpoint_missing", checkpoint_seq: 3 }]);
    const file = join(dir.path, "export");
    expect(await runCli(["receipt", "export", "--receipt-db", dir.store, "--output", file])).toMatchObject({ code: 0 });
    expect(await verify("--export", file)).toMatchObject({ code: 0 });
    expect(await verify("--export", file, "--known-checkpoints", log)).toMatchObject({ code: 1 });
  });

  it("exits 2 for what is no store, no key, no file", async () => {
    using dir = scratch();
    expect(await verify("--receipt-db", dir.store)).toMatchObject({ code: 2, stderr: expect.stringContaining("ledger_not_found") });
    await filled(dir.store);
    expect(await verify("--receipt-db", dir.store, "--trusted-key", "abc")).toMatchObject({ code: 2 });
    expect(await verify("--receipt-db", dir.store, "--known-checkpoints", join(dir.path, "none"))).toMatchObject({ code: 2 });
    const folder = { code: 2, stderr: expect.stringContaining("is a directory") };
    expect(await verify("--receipt-db", dir.store, "--known-checkpoints", dir.path)).toMatchObject(folder);
    expect(await verify("--export", dir.path)).toMatchObject(folder);
    expect(await verify("--export", dir.store, "--receipt-db", dir.store)).toMatchObject({ code: 2 });
    expect(await verify("--export", dir.store)).toMatchObject({ code: 2, stderr: expect.stringContaining("no export of receipts") });
    change(dir.store, "PRAGMA user_version = 7");
    expect(await verify("--receipt-db", dir.store)).toMatchObject({ code: 1, stderr: expect.stringContaining("ledger_schema_version") });
  });
});

describe("chio checkpoint status", () => {
  it("prints the last checkpoint and what it does not cover", async () => {
    using dir = scratch();
    await filled(dir.store);
    const ledger = await openTestLedger(dir.store);
    await ledger.append(kernel.http({ opens: true }));
    const result = await runCli(["checkpoint", "status", "--receipt-db", dir.store]);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(result.stdout)).toMatchObject({
      receipts: 26,
      last_seq: 26,
      uncheckpointed: 1,
      open_decisions: 1,
      last_checkpoint: { body: { checkpoint_seq: 3, batch_end_seq: 25 }, signature_valid: true },
      archives: [],
    });
    await ledger.close();
    change(
      dir.store,
      "UPDATE checkpoints SET raw_json = (SELECT replace(raw_json, substr(raw_json, -10, 8), '00000000')) WHERE checkpoint_seq = 4",
    );
    expect(await runCli(["checkpoint", "status", "--receipt-db", dir.store])).toMatchObject({ code: 1 });
  });

  it("works on an empty store", async () => {
    using dir = scratch();
    await (await openTestLedger(dir.store)).close();
    const result = await runCli(["checkpoint", "status", "--receipt-db", dir.store]);
    expect(JSON.parse(result.stdout)).toMatchObject({ receipts: 0, last_seq: null, uncheckpointed: 0, last_checkpoint: null });
  });
});

import { spawn } from "node:child_process";
import { existsSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LedgerEntry } from "../../../sidecar/ledger/types.ts";
import { openTestLedger, scratch, TestKernel, until } from "../ledger/fixture.ts";
import { runCli } from "./run-cli.ts";

const kernel = new TestKernel();
const T = 1_764_000_000;
const dir = scratch();
const entries: LedgerEntry[] = [
  kernel.http({ timestamp: T, capabilityId: "c1", costUnits: 10n }),
  kernel.http({ timestamp: T + 10, verdict: { verdict: "deny", reason: "no", guard: "G", http_status: 403 } }),
  kernel.tool({ timestamp: T + 20, toolServer: "files", toolName: "read", capabilityId: "c2" }),
  kernel.tool({ timestamp: T + 30, tenantId: "t1" }),
  ...Array.from({ length: 60 }, (_, i) => kernel.http({ timestamp: T + 100 + i })),
];

beforeAll(async () => {
  const ledger = await openTestLedger(dir.store, { checkpoint: { batchSize: 20, intervalMs: 60_000 } });
  for (const entry of entries) await ledger.append(entry);
  await ledger.close();
});
afterAll(() => dir[Symbol.dispose]());

const receipt = (...argv: string[]) => runCli(["receipt", ...argv, "--receipt-db", dir.store]);
const texts = (...at: number[]) => at.map((i) => `${entries[i]!.canonicalJson}\n`).join("");

describe("chio receipt list", () => {
  it("prints the receipts as they were signed, fifty at a time, and how to go on", async () => {
    const withoutTenant = entries.filter(({ index }) => index.tenantId === undefined);
    const first = await receipt("list");
    expect(first.code).toBe(0);
    expect(first.stdout).toBe(
      withoutTenant
        .slice(0, 50)
        .map(({ canonicalJson }) => `${canonicalJson}\n`)
        .join(""),
    );
    expect(first.stderr).toContain("next: --cursor 51\n");
    const second = await receipt("list", "--cursor", "51");
    expect(second.stdout).toBe(
      withoutTenant
        .slice(50)
        .map(({ canonicalJson }) => `${canonicalJson}\n`)
        .join(""),
    );
    expect(second.stderr).not.toContain("next:");
  });

  it.each([
    [["--capability", "c1"], [0]],
    [["--tool-server", "files"], [2]],
    [["--tool-name", "read", "--tool-server", "files"], [2]],
    [["--outcome", "deny"], [1]],
    [
      ["--since", String(T + 10), "--until", String(T + 20)],
      [1, 2],
    ],
    [["--until", "2025-11-24T16:00:05Z"], [0]],
    [["--min-cost", "10", "--max-cost", "10"], [0]],
    [["--min-cost", "11"], []],
    [
      ["--limit", "2"],
      [0, 1],
    ],
    [["--limit", "1", "--newest-first"], [63]],
    [["--tenant", "t1"], [3]],
    [
      ["--admin-all", "--limit", "4"],
      [0, 1, 2, 3],
    ],
  ])("%j prints what matches", async (flags, expected) => {
    expect(await receipt("list", ...flags)).toMatchObject({ code: 0, stdout: texts(...expected) });
  });

  it("leaves receipts of tenants out unless asked, and says so", async () => {
    expect((await receipt("list", "--tool-server", "files")).stderr).toContain("--tenant");
    expect((await receipt("list", "--tenant", "t1")).stderr).toBe("");
    expect((await receipt("list", "--admin-all", "--limit", "1")).stderr).not.toContain("--tenant");
    expect(await receipt("list", "--tenant", "t1", "--admin-all")).toMatchObject({ code: 2 });
  });

  it("finds the store where the sidecar keeps it", async () => {
    const limit = ["receipt", "list", "--limit", "1"];
    expect((await runCli(limit, { env: { CHIO_RECEIPT_STORE: dir.store } })).stdout).toBe(texts(0));
    symlinkSync(dir.store, join(dir.path, "link.sqlite"));
    expect((await runCli(limit, { env: { CHIO_HOME: dir.path } })).stdout).toBe(texts(0));
    expect((await runCli(["--receipt-db", dir.store, ...limit])).stdout).toBe(texts(0));
    expect((await runCli([...limit, "--receipt-db", join(dir.path, "link.sqlite")])).stdout).toBe(texts(0));
  });

  it.each([
    [["--outcome", "maybe"]],
    [["--since", "yesterday"]],
    [["--min-cost", "-1"]],
    [["--limit", "0"]],
    [["--cursor", "x"]],
    [["--capabilty", "c1"]],
  ])("misuse %j exits 2 with one line about it", async (flags) => {
    const result = await receipt("list", ...flags);
    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toMatch(/^error: .+\n/);
  });

  it("refuses tampered receipts, prints the others, and exits 1", async () => {
    using other = scratch();
    const ledger = await openTestLedger(other.store);
    const three = [kernel.http(), kernel.http(), kernel.http()];
    await Promise.all(three.map((entry) => ledger.append(entry)));
    await ledger.close();
    const db = new DatabaseSync(other.store);
    db.exec("UPDATE receipts SET raw_json = replace(raw_json, 'POST', 'HEAD') WHERE seq = 2");
    db.close();
    const result = await runCli(["receipt", "list", "--receipt-db", other.store]);
    expect(result).toMatchObject({ code: 1, stdout: `${three[0]!.canonicalJson}\n${three[2]!.canonicalJson}\n` });
    expect(result.stderr).toMatch(
      new RegExp(`^error: receipt seq 2 \\(${three[1]!.receiptId}\\) was tampered with: .*\\(receipt_tampered\\)\n$`),
    );
    const tail = await runCli(["receipt", "tail", "--no-follow", "--receipt-db", other.store]);
    expect(tail).toMatchObject({ code: 1, stdout: result.stdout });
    const show = await runCli(["receipt", "show", three[1]!.receiptId, "--receipt-db", other.store]);
    expect(show).toMatchObject({ code: 1, stdout: "" });
    const exported = await runCli(["receipt", "export", "--output", join(other.path, "out"), "--receipt-db", other.store]);
    expect(exported).toMatchObject({ code: 1, stdout: "" });
    expect(existsSync(join(other.path, "out")) || existsSync(join(other.path, "out.part"))).toBe(false);
  });
});

describe("chio receipt tail", () => {
  it("prints the newest ones, oldest first", async () => {
    expect(await receipt("tail", "-n", "2", "--no-follow")).toMatchObject({ code: 0, stdout: texts(62, 63) });
    expect(await receipt("tail", "-n", "0", "--no-follow")).toMatchObject({ code: 0, stdout: "" });
    expect(await receipt("tail", "--outcome", "deny", "--no-follow")).toMatchObject({ stdout: texts(1) });
  });

  it.each([
    ["tail", "-n", "1"],
    ["list", "--tail", "--limit", "1"],
  ])(
    "%s %s follows a sidecar that is writing",
    async (...argv) => {
      using other = scratch();
      const ledger = await openTestLedger(other.store);
      const [first, second, third] = [kernel.http(), kernel.http(), kernel.http()];
      await ledger.append(first);
      await ledger.append(second);
      const program = join(import.meta.dirname, "../../../sidecar/cli/main.ts");
      const child = spawn(process.execPath, [program, "receipt", ...argv, "--receipt-db", other.store], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let output = "";
      child.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
      try {
        await until("what was there is printed", () => output === `${second.canonicalJson}\n`);
        await ledger.append(third);
        await until("the new one is printed", () => output === `${second.canonicalJson}\n${third.canonicalJson}\n`);
      } finally {
        child.kill("SIGKILL");
        await ledger.close();
      }
    },
    60_000,
  );
});

describe("chio receipt show", () => {
  it("prints a receipt with its verification and its proof", async () => {
    const { receiptId, canonicalJson } = entries[22]!;
    const result = await receipt("show", receiptId, "--trusted-key", kernel.publicKeyHex);
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).toContain(`"receipt":${canonicalJson}`);
    expect(JSON.parse(result.stdout)).toMatchObject({
      seq: 23,
      kind: "http",
      verification: { ok: true, signature_valid: true, signer_trusted: true },
      inclusion: { checkpoint_seq: 2, receipt_seq: 23, leaf_index: 2, proof: { tree_size: 20, leaf_index: 2 } },
      checkpoint: { body: { checkpoint_seq: 2 } },
    });
    expect((await receipt("show", receiptId.slice(0, 10))).stdout).toContain(receiptId);
  });

  it("says when there is none, and what an id looks like", async () => {
    expect(await receipt("show", "0".repeat(64))).toMatchObject({ code: 1, stderr: expect.stringContaining("holds no receipt 000") });
    expect(await receipt("show", "xyz")).toMatchObject({ code: 2 });
  });
});

describe("chio receipt export", () => {
  it("writes a file that verifies without the store", async () => {
    const file = join(dir.path, "export.jsonl");
    const result = await receipt("export", "--output", file, "--require-proofs");
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(result.stdout)).toEqual({ output: file, receipts: 64, checkpoints: 4, unproven: 0 });
    const verified = await runCli(["checkpoint", "verify", "--export", file, "--trusted-key", kernel.publicKeyHex]);
    expect(verified).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(verified.stdout)).toMatchObject({ ok: true, receipts: 64, checkpoints: 4 });
    expect((await receipt("export", "--output", "-")).stdout.split("\n").slice(1)).toEqual(readFileSync(file, "utf8").split("\n").slice(1));
  });

  it("asks for a file", async () => {
    expect(await receipt("export")).toMatchObject({ code: 2 });
    expect(await receipt("export", "--output", join(dir.path, "missing", "x"))).toMatchObject({ code: 2 });
  });
});

it.each([["list"], ["tail", "--no-follow"], ["show", "0".repeat(64)], ["export", "--output", "-"]])(
  "chio receipt %s without a store is misuse, said in one line",
  async (...argv) => {
    const missing = await runCli(["receipt", ...argv, "--receipt-db", join(dir.path, "none.sqlite")]);
    expect(missing).toMatchObject({ code: 2, stdout: "" });
    expect(missing.stderr).toMatch(/^error: there is no receipt store at .*none\.sqlite \(ledger_not_found\)\nfix: .*\n$/);
    const wrong = await runCli(["receipt", ...argv, "--receipt-db", import.meta.filename]);
    expect(wrong).toMatchObject({ code: 2, stdout: "" });
    expect(wrong.stderr).toMatch(/^error: .* \(ledger_not_a_store\)\nfix: .*\n$/);
  },
);

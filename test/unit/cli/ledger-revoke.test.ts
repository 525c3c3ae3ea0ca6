import { chmodSync, existsSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openTestLedger, scratch, until } from "../ledger/fixture.ts";
import { runCli } from "./run-cli.ts";
import { SEED, Workbench } from "./sidecar-process.ts";
import { Running } from "./start-process.ts";

const SPEC = `openapi: 3.1.0
info: { title: Test, version: "1" }
paths:
  /notes: { get: { responses: { "200": { description: ok } } } }
`;

async function emptyStore(path: string): Promise<void> {
  await (await openTestLedger(path)).close();
}

describe("chio capability revoke", () => {
  it("is honoured by a sidecar that is running, and by the next one", async () => {
    using bench = new Workbench();
    const seedFile = bench.write("issuer.seed", SEED);
    bench.write("openapi.yaml", SPEC);
    const flags = { "--upstream": await bench.upstream((_request, response) => response.end("notes")) };
    const token = async (id: string) => {
      const argv = [
        "capability",
        "issue",
        "--seed-file",
        seedFile,
        "--subject-name",
        "ci",
        "--grant",
        "http:*:invoke",
        "--format",
        "bearer",
      ];
      return (await runCli([...argv, "--id", id])).stdout.trim();
    };
    const [stolen, other] = [await token("cap-stolen"), await token("cap-other")];
    const store = bench.path("receipts.sqlite");
    const call = async (url: string, bearer: string) => {
      const answer = await fetch(`${url}/notes`, { headers: { authorization: `Bearer ${bearer}` } });
      return answer.status === 200 ? "allowed" : ((await answer.json()) as { reason: string }).reason;
    };

    const sidecar = bench.start(bench.flags(flags));
    const url = await sidecar.listening();
    expect(await call(url, stolen)).toBe("allowed");
    const revoked = await runCli([
      "capability",
      "revoke",
      "--file",
      bench.write("token", stolen),
      "--reason",
      "leaked",
      "--receipt-db",
      store,
    ]);
    expect(revoked).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(revoked.stdout)).toEqual({
      capability_id: "cap-stolen",
      revoked: true,
      already_revoked: false,
      store,
      sidecar_running: true,
    });
    await until("the sidecar refuses it", async () => (await call(url, stolen)) === "capability_revoked");
    expect(await call(url, other)).toBe("allowed");
    sidecar.kill("SIGTERM");
    expect(await sidecar.exited).toBe(0);

    const next = bench.start(bench.flags(flags));
    const nextUrl = await next.listening();
    expect([await call(nextUrl, stolen), await call(nextUrl, other)]).toEqual(["capability_revoked", "allowed"]);
  });

  it("says that no sidecar has the store open, and that it was revoked before; revocations lists them", async () => {
    using dir = scratch();
    await emptyStore(dir.store);
    const env = { CHIO_RECEIPT_STORE: dir.store };
    const first = await runCli(["capability", "revoke", "cap-1", "--reason", "lost"], { env });
    expect(first.code).toBe(0);
    expect(JSON.parse(first.stdout)).toMatchObject({ already_revoked: false, sidecar_running: false });
    expect(first.stderr).toBe(`note: no sidecar has ${dir.store} open; the revocation is in force once one is started on it\n`);
    expect(JSON.parse((await runCli(["capability", "revoke", "cap-1"], { env })).stdout)).toMatchObject({ already_revoked: true });
    await runCli(["capability", "revoke", "cap-2"], { env });
    const { code, stdout } = await runCli(["capability", "revocations"], { env });
    expect(code).toBe(0);
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { capability_id: "cap-1", revoked_at: expect.any(Number), reason: "lost" },
      { capability_id: "cap-2", revoked_at: expect.any(Number), reason: null },
    ]);
    const ledger = await openTestLedger(dir.store);
    expect(["cap-1", "cap-2", "cap-3"].map((id) => ledger.isRevoked(id))).toEqual([true, true, false]);
    const running = await runCli(["capability", "revoke", "cap-3"], { env });
    expect(running).toMatchObject({ code: 0, stderr: "" });
    await until("the running ledger has noticed", () => ledger.isRevoked("cap-3"));
    await ledger.close();
  });

  it("fails where there is no store, and makes none", async () => {
    using dir = scratch();
    const absent = await runCli(["capability", "revoke", "cap-1", "--receipt-db", dir.store]);
    expect(absent).toMatchObject({ code: 2, stdout: "" });
    expect(absent.stderr).toContain(`there is no receipt store at ${dir.store} (ledger_not_found)`);
    expect(absent.stderr).toContain("/v1/capabilities/release");
    expect(existsSync(dir.store)).toBe(false);
    writeFileSync(dir.store, "this is a text file, and no store at all");
    for (const verb of [["revoke", "cap-1"], ["revocations"]]) {
      const other = await runCli(["capability", ...verb, "--receipt-db", dir.store]);
      expect(other).toMatchObject({ code: 2, stdout: "" });
      expect(other.stderr).toContain("ledger_not_a_store");
    }
  });

  it("fails where this user may not write", async () => {
    using dir = scratch();
    await emptyStore(dir.store);
    chmodSync(dir.path, 0o555);
    chmodSync(dir.store, 0o444);
    const somebody = process.getuid?.() === 0 ? ["setpriv", "--reuid=65532", "--regid=65532", "--clear-groups"] : [];
    const chio = [process.execPath, "sidecar/cli/main.ts", "capability", "revoke", "cap-1", "--receipt-db", dir.store];
    const { code, stdout, stderr } = await new Running(["/usr/bin/env", ...somebody, ...chio], { PATH: process.env.PATH ?? "" }).ended;
    chmodSync(dir.path, 0o755);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^error: .*\(ledger_read_only\)\nfix: run it as the sidecar's user/);
  });

  it.each([[[]], [[""]], [["cap-1", "--file", "token"]]])("wants one capability: %j is misuse", async (argv) => {
    const { code, stderr } = await runCli(["capability", "revoke", ...argv]);
    expect(code).toBe(2);
    expect(stderr).toContain("give the capability's id, or its token with --file");
  });
});

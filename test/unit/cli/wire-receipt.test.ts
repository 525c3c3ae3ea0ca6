import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { signHttpReceipt } from "../../../sidecar/wire/http-receipt.ts";
import type { JsonObject } from "../../../sidecar/wire/json.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import { signManifest } from "../../../sidecar/wire/manifest.ts";
import { parseJson } from "../../../sidecar/wire/parse.ts";
import { signReceipt } from "../../../sidecar/wire/receipt.ts";
import { httpBody, kernel, toolBody } from "../wire/receipts.ts";
import { runCli } from "./run-cli.ts";

const dir = mkdtempSync(join(tmpdir(), "chio-receipt-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
function file(name: string, content: object | string): string {
  const path = join(dir, name);
  writeFileSync(path, typeof content === "string" ? content : canonicalize(content));
  return path;
}
const vectors = (name: string) => parseJson(readFileSync(new URL(`../../fixtures/vectors/${name}`, import.meta.url))) as JsonObject;
const KEY = kernel.publicKeyHex;
const OTHER_KEY = Keypair.fromSeed(Buffer.alloc(32, 8)).publicKeyHex;

describe("chio receipt verify", () => {
  const tool = signReceipt(toolBody(), kernel);
  const http = signHttpReceipt(httpBody(), kernel);
  const verify = (path: string, ...argv: string[]) => runCli(["receipt", "verify", path, ...argv]);

  it.each([
    ["tool", tool, "Authorized"],
    ["http", http, "allow"],
  ] as const)("is 0 for a good %s receipt of a trusted signer", async (receipt_type, receipt, result) => {
    const answer = await verify(file("good.json", receipt), "--trusted-key", KEY);
    expect(answer).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(answer.stdout)).toEqual({
      ok: true,
      authorized: true,
      signature_valid: true,
      signer_trusted: true,
      receipt_id_valid: true,
      parameter_hash_valid: true,
      receipt_kind: "mediated_decision",
      boundary_class: "prevent",
      trust_level: "mediated",
      result,
      decision: "allow",
      signer_key_hex: KEY,
      receipt_id: receipt.id,
      receipt_type,
    });
  });

  it("reads standard input, log lines and evaluate answers", async () => {
    const line = { event: "receipt", kind: "chio_receipt", verdict: "allow", severity: "INFO", receipt: tool };
    const answer = { verdict: { verdict: "allow" }, receipt: http, evidence: [] };
    for (const value of [tool, line, answer]) {
      expect((await runCli(["receipt", "verify", "-", "--trusted-key", KEY], { stdin: canonicalize(value) })).code).toBe(0);
    }
  });

  it("a valid denial is ok and not authorized", async () => {
    const denied = signReceipt(toolBody({ decision: { verdict: "deny", reason: "no", guard: "g" } }), kernel);
    const { code, stdout } = await verify(file("denied.json", denied), "--trusted-key", KEY);
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { ok: true, authorized: false, decision: "deny", result: "Denied" }]);
  });

  it.each<[string, object, string[], string]>([
    ["no trusted key", tool, [], "no --trusted-key was given"],
    ["another trusted key", tool, ["--trusted-key", OTHER_KEY], "not one of the trusted keys"],
    ["a changed field", { ...tool, tool_name: "x" }, ["--trusted-key", KEY], "content was changed"],
    ["a signature of another receipt", { ...tool, signature: http.signature }, ["--trusted-key", KEY], "signature does not verify"],
    [
      "a wrong parameter hash",
      signReceipt(toolBody({ action: { parameters: {}, parameter_hash: "00".repeat(32) } }), kernel),
      ["--trusted-key", KEY],
      "parameter hash",
    ],
  ])("is 1 for %s", async (_name, receipt, argv, reason) => {
    const answer = await verify(file("bad.json", receipt), ...argv);
    expect([answer.code, JSON.parse(answer.stdout).ok]).toEqual([1, false]);
    expect(answer.stderr).toContain(reason);
  });

  it("prints for every vector what the vector expects", async () => {
    const { cases } = vectors("receipt-v1.json") as unknown as { cases: { receipt: JsonObject; expected: JsonObject }[] };
    expect(cases.length).toBeGreaterThan(0);
    for (const { receipt, expected } of cases) {
      const { code, stdout } = await verify(file("vector.json", receipt));
      expect([code, JSON.parse(stdout)]).toMatchObject([1, expected]);
    }
  });

  it("is 1 and JSON for what is no receipt, 2 on misuse", async () => {
    for (const text of ["{}", "[]", "1", '"{}"', "{"]) {
      const answer = await verify(file("none.json", text), "--trusted-key", KEY);
      expect([answer.code, JSON.parse(answer.stdout)]).toMatchObject([1, { ok: false, signature_valid: false }]);
    }
    expect((await runCli(["receipt", "verify"])).code).toBe(2);
    expect((await runCli(["receipt"])).code).toBe(2);
    expect((await verify(join(dir, "absent"))).code).toBe(2);
    expect((await verify(file("x.json", tool), "--trusted-key", "zz")).code).toBe(2);
  });
});

describe("chio manifest verify", () => {
  const { cases } = vectors("manifest-v1.json") as unknown as {
    cases: { id: string; signed_manifest: JsonObject; expected: JsonObject }[];
  };

  it.each(cases.map((entry) => [entry.id, entry] as const))("prints for the vector %s what it expects", async (_id, entry) => {
    const { code, stdout, stderr } = await runCli(["manifest", "verify", "-"], { stdin: canonicalize(entry.signed_manifest) });
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { ok: false, ...entry.expected }]);
    const failed = Object.keys(entry.expected).filter((key) => entry.expected[key] === false);
    for (const name of failed) expect(stderr).toContain(name);
  });

  it("is 0 for a good one, and 1 when its signer is not the trusted one", async () => {
    const signed = signManifest(
      {
        schema: "chio.manifest.v1",
        server_id: "s",
        name: "n",
        version: "1",
        tools: [{ name: "t", description: "", input_schema: {}, has_side_effects: false }],
        public_key: KEY,
      },
      kernel,
    );
    const path = file("manifest.json", signed);
    const good = await runCli(["manifest", "verify", path]);
    expect([good.code, JSON.parse(good.stdout)]).toEqual([
      0,
      {
        ok: true,
        signature_valid: true,
        structure_valid: true,
        embedded_public_key_valid: true,
        embedded_public_key_matches_signer: true,
        signer_key_hex: KEY,
      },
    ]);
    expect((await runCli(["manifest", "verify", path, "--trusted-key", KEY])).code).toBe(0);
    const other = await runCli(["manifest", "verify", path, "--trusted-key", OTHER_KEY]);
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining("signer_trusted") });
  });

  it("is 1 for what is no manifest and 2 without a file", async () => {
    const answer = await runCli(["manifest", "verify", "-"], { stdin: "{}" });
    expect([answer.code, JSON.parse(answer.stdout)]).toMatchObject([1, { ok: false, error: { code: "invalid_manifest" } }]);
    expect((await runCli(["manifest", "verify"])).code).toBe(2);
  });
});

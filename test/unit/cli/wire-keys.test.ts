import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { run } from "../../../sidecar/cli/program.ts";
import { Keypair, verifySignature } from "../../../sidecar/wire/keys.ts";
import { runCli, testIo } from "./run-cli.ts";

const dir = mkdtempSync(join(tmpdir(), "chio-wire-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const SEED = "07".repeat(32);
const PUBLIC = Keypair.fromSeedHex(SEED).publicKeyHex;
function file(name: string, content: string | Uint8Array): string {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
}
const seedFile = file("kernel.seed", `${SEED}\n`);

describe("chio canonicalize", () => {
  it("prints the canonical bytes and nothing else, from a file or standard input", async () => {
    const text = '{"z":1.0,"a":[9007199254740993,"\\u007f"]}';
    const expected = { code: 0, stdout: '{"a":[9007199254740993,"\\u007f"],"z":1}', stderr: "" };
    expect(await runCli(["canonicalize", file("a.json", text)])).toEqual(expected);
    expect(await runCli(["canonicalize", "-"], { stdin: text })).toEqual(expected);
  });

  it.each([
    ['{"a":1,"a":2}', "duplicate_key"],
    ["{} {}", "trailing_data"],
    ['"\\ud800"', "lone_surrogate"],
    [`${"[".repeat(65)}${"]".repeat(65)}`, "too_deep"],
    ["", "invalid_json"],
  ])("is 1 for %s", async (text, code) => {
    const result = await runCli(["canonicalize", "-"], { stdin: text });
    expect(result).toMatchObject({ code: 1, stdout: "" });
    expect(result.stderr).toContain(code);
  });

  it("is 2 without a file, with two, with one that does not exist, and with an unknown flag", async () => {
    expect((await runCli(["canonicalize"])).code).toBe(2);
    expect((await runCli(["canonicalize", "a", "b"])).code).toBe(2);
    expect(await runCli(["canonicalize", join(dir, "none.json")])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("does not exist"),
    });
    expect((await runCli(["canonicalize", "--pretty", seedFile])).code).toBe(2);
  });

  it.each([
    ["a directory", dir, "is a directory"],
    ["a path below a file", join(seedFile, "x"), "does not exist: it runs through a file"],
    ["a name that is too long", join(dir, "x".repeat(300)), "is too long a name"],
  ])("is 2 for %s, and names it", async (_what, path, problem) => {
    for (const argv of [
      ["canonicalize", path],
      ["sign", "--seed-file", path, seedFile],
      ["capability", "verify", path],
    ]) {
      expect(await runCli(argv)).toEqual({ code: 2, stdout: "", stderr: `error: ${path} ${problem}\n` });
    }
  });
});

it("names the file where the runtime's error does not", async () => {
  const { io, result } = testIo();
  io.readFile = () => Promise.reject(Object.assign(new Error("EISDIR: illegal operation on a directory, read"), { code: "EISDIR" }));
  await run(["canonicalize", "/srv/app"], io);
  expect(result).toEqual({ code: 2, stdout: "", stderr: "error: /srv/app is a directory\n" });
});

describe("chio sign and verify-signature", () => {
  const message = file("message.json", '{ "b": 1, "a": [true] }');
  const verify = (...argv: string[]) => runCli(["verify-signature", ...argv]);

  it("sign over canonical JSON: another spelling of the same value verifies, another value does not", async () => {
    const signed = await runCli(["sign", "--seed-file", seedFile, message]);
    expect(signed.code).toBe(0);
    const { algorithm, public_key: key, signature } = JSON.parse(signed.stdout);
    expect([algorithm, key]).toEqual(["ed25519", PUBLIC]);
    expect(verifySignature(key, '{"a":[true],"b":1}', signature)).toBe(true);
    const same = file("same.json", '{"a":[true],"b":1.0}');
    const good = await verify("--key", key, "--signature", signature, same);
    expect([good.code, JSON.parse(good.stdout), good.stderr]).toEqual([0, { ok: true, public_key: PUBLIC, signature_valid: true }, ""]);
    const other = await verify("--key", key, "--signature", signature, file("other.json", '{"a":[true],"b":2}'));
    expect([other.code, JSON.parse(other.stdout).signature_valid]).toEqual([1, false]);
    expect(other.stderr).toContain("does not verify");
  });

  it("sign the bytes with --raw", async () => {
    const raw = file("raw.bin", Uint8Array.of(0, 255, 10));
    const { signature } = JSON.parse((await runCli(["sign", "--raw", "--seed-file", seedFile, raw])).stdout);
    expect((await verify("--raw", "--key", `0x${PUBLIC.toUpperCase()}`, "--signature", signature.toUpperCase(), raw)).code).toBe(0);
    expect((await verify("--key", PUBLIC, "--signature", signature, raw)).code).toBe(1);
  });

  it("take the seed in every form, also from standard input, and never repeat a bad one", async () => {
    const base64 = file("base64.seed", Buffer.from(SEED, "hex").toString("base64"));
    expect(JSON.parse((await runCli(["sign", "--seed-file", base64, message])).stdout).public_key).toBe(PUBLIC);
    expect(JSON.parse((await runCli(["sign", "--seed-file", "-", message], { stdin: `0x${SEED}` })).stdout).public_key).toBe(PUBLIC);
    const secret = "do-not-print-me-0123456789";
    const bad = await runCli(["sign", "--seed-file", file("bad.seed", secret), message]);
    expect(bad).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("invalid_seed") });
    expect(bad.stderr).not.toContain("do-not");
  });

  it("are 2 on misuse", async () => {
    const signature = "00".repeat(64);
    expect((await runCli(["sign", message])).code).toBe(2);
    expect((await runCli(["sign", "--seed-file", "-", "-"])).stderr).toContain("cannot both");
    expect((await runCli(["sign", "--seed-file", "-", "-"])).code).toBe(2);
    expect((await verify("--signature", signature, message)).code).toBe(2);
    expect(await verify("--key", "xyz", "--signature", signature, message)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("64 hex"),
    });
    expect(await verify("--key", `p256:04${"a".repeat(128)}`, "--signature", signature, message)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("P-256 keys are not supported"),
    });
    expect(await verify("--key", "00".repeat(32), "--signature", signature, message)).toMatchObject({ code: 2 });
  });

  it("say no in JSON to a malformed signature and to a file that is not JSON", async () => {
    const malformed = await verify("--key", PUBLIC, "--signature", "abc", message);
    expect([malformed.code, JSON.parse(malformed.stdout).signature_valid]).toEqual([1, false]);
    expect(malformed.stderr).toContain("128 hex");
    const broken = await verify("--key", PUBLIC, "--signature", "00".repeat(64), file("broken.json", "{"));
    expect([broken.code, JSON.parse(broken.stdout)]).toEqual([
      1,
      { ok: false, signature_valid: false, error: { code: "invalid_json", message: expect.any(String) } },
    ]);
  });
});

describe("chio keygen", () => {
  it("prints a pair that belongs together, and another one each time", async () => {
    const made = JSON.parse((await runCli(["keygen"])).stdout);
    expect(Keypair.fromSeedHex(made.seed).publicKeyHex).toBe(made.public_key);
    expect(JSON.parse((await runCli(["keygen"])).stdout).public_key).not.toBe(made.public_key);
  });

  it("writes the seed to a new file of mode 0600 and prints the public key only", async () => {
    const out = join(dir, "new.seed");
    const result = await runCli(["keygen", "--out", out]);
    const seed = readFileSync(out, "utf8");
    expect(result).toMatchObject({ code: 0, stderr: "" });
    expect(result.stdout).not.toContain(seed.trim());
    expect(JSON.parse(result.stdout)).toEqual({ algorithm: "ed25519", public_key: Keypair.fromSeedHex(seed).publicKeyHex, seed_file: out });
    expect(statSync(out).mode & 0o777).toBe(0o600);

    const again = await runCli(["keygen", "--out", out]);
    expect(again).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("exists and was left as it is") });
    expect(readFileSync(out, "utf8")).toBe(seed);
  });

  it("says why it cannot write", async () => {
    expect(await runCli(["keygen", "--out", join(dir, "no", "such", "x")])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("directory does not exist"),
    });
    const blocked = file("blocked", "");
    chmodSync(blocked, 0o600);
    expect(await runCli(["keygen", "--out", join(blocked, "x")])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("cannot be written: ENOTDIR"),
    });
  });

  it("prints the public key of a seed that exists", async () => {
    expect(JSON.parse((await runCli(["keygen", "--seed-file", seedFile])).stdout)).toEqual({ algorithm: "ed25519", public_key: PUBLIC });
    expect((await runCli(["keygen", "--seed-file", seedFile, "--out", join(dir, "y")])).code).toBe(2);
  });
});

import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AS_ROOT, type LogLine, SEED, Workbench } from "./sidecar-process.ts";

let bench: Workbench;
beforeEach(() => {
  bench = new Workbench();
});
afterEach(() => bench[Symbol.dispose]());

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Runs a start that must be refused, and looks all the while whether anything listens. */
async function refused(
  changed: Record<string, string | null> = {},
  env: Record<string, string> = {},
  asRoot: string[] = AS_ROOT,
): Promise<{ code: number; lines: LogLine[]; listened: boolean; text: string }> {
  const port = await freePort();
  let listened = false;
  const look = setInterval(() => {
    const socket = connect(port, "127.0.0.1", () => {
      listened = true;
      socket.destroy();
    }).on("error", () => {});
  }, 2);
  const argv = bench.flags({ "--listen": `127.0.0.1:${port}`, ...changed }, asRoot);
  const sidecar = bench.start(argv, env);
  const code = await sidecar.exited;
  clearInterval(look);
  expect(sidecar.stdout).toBe("");
  return { code, lines: sidecar.log(), listened, text: sidecar.stderr };
}

describe("a start that is refused", () => {
  it("names the mistyped variable that left a value missing, before what is missing", async () => {
    const { code, lines, text } = await refused({}, { CHIO_SIGNING_KEY: "", CHIO_SIGNNG_KEY: SEED });
    expect(code).toBe(1);
    expect(lines.map(({ severity, message }) => `${severity} ${message.split(":").slice(0, 2).join(":")}`)).toEqual([
      "WARNING CHIO_SIGNNG_KEY: nothing reads this variable; did you mean CHIO_SIGNING_KEY?",
      "ERROR cannot start: CHIO_SIGNING_KEY",
    ]);
    expect(text).not.toContain(SEED);
  });

  const cases: [what: string, code: string, message: RegExp, changed: () => Record<string, string>, env?: Record<string, string>][] = [
    [
      "without a key",
      "signing_key_missing",
      /CHIO_SIGNING_KEY: there is no signing key.* Fix: set CHIO_SIGNING_KEY/,
      () => ({}),
      { CHIO_SIGNING_KEY: "" },
    ],
    ["with a bad key", "signing_key_invalid", /CHIO_SIGNING_KEY: .* Fix: give 64 hex/, () => ({}), { CHIO_SIGNING_KEY: "not-a-key" }],
    ["with a bad issuer", "issuer_key_invalid", /CHIO_TRUSTED_ISSUER_KEYS/, () => ({}), { CHIO_TRUSTED_ISSUER_KEYS: "zz" }],
    [
      "with a policy that is not there",
      "policy_unreadable",
      /none\.yaml: does not exist. Fix: mount the policy/,
      () => ({ "--policy": bench.path("none.yaml") }),
    ],
    [
      "with a bad policy",
      "document_unknown_key",
      /policy\.yaml:2:1.*rulez/,
      () => ({ "--policy": bench.write("policy.yaml", 'hushspec: "0.1.0"\nrulez: {}\n') }),
    ],
    [
      "with a policy that is not text",
      "policy_unreadable",
      /not UTF-8/,
      () => ({ "--policy": bench.write("policy.yaml", Buffer.from([0xc3, 0x28])) }),
    ],
    ["with a spec that is not there", "spec_unreadable", /none\.yaml: does not exist/, () => ({ "--spec": bench.path("none.yaml") })],
    ["with a bad spec", "document_syntax", /openapi\.yaml:\d+:\d+: .*YAML/, () => ({ "--spec": bench.write("openapi.yaml", "a: b: c") })],
    ["with a spec that is a folder", "spec_unreadable", /is a directory/, () => ({ "--spec": bench.dir })],
    [
      "with a store that is no store",
      "ledger_",
      /receipt store: .*not-a-store.*\. Fix: /,
      () => ({ "--receipt-store": bench.write("not-a-store.sqlite", "hello".repeat(1000)) }),
    ],
    [
      "with a store in a folder that is not there",
      "ledger_",
      /receipt store: .*no-folder.*\. Fix: /,
      () => ({ "--receipt-store": bench.path("no-folder/deep/receipts.sqlite") }),
    ],
    [
      "with a store that is a folder",
      "ledger_",
      /receipt store: .*folder.*\. Fix: /,
      () => ({ "--receipt-store": bench.folder("folder") }),
    ],
    [
      "with a kernel.yaml that is not there",
      "config_file_unreadable",
      /CHIO_KERNEL_CONFIG_PATH \(\/nowhere\/kernel\.yaml\): does not exist/,
      () => ({}),
      { CHIO_KERNEL_CONFIG_PATH: "/nowhere/kernel.yaml" },
    ],
    [
      "with a remote policy",
      "config_unsupported",
      /gs:\/\/ is not served. Fix: use a file path/,
      () => ({}),
      { CHIO_POLICY_SOURCE: "gs://b/policy.yaml" },
    ],
    [
      "with a remote sink",
      "config_unsupported",
      /bigquery:\/\/ is not served. Fix: use sqlite/,
      () => ({}),
      { CHIO_RECEIPT_SINK: "bigquery://p.d.t" },
    ],
  ];
  for (const [what, code, message, changed, env] of cases) {
    it(`${what} says one clear line, exits 1 and never listens`, async () => {
      const result = await refused(changed(), env);
      expect(result.lines).toHaveLength(1);
      const [line] = result.lines;
      expect(line?.severity).toBe("ERROR");
      expect(line?.message).toMatch(/^cannot start: /);
      expect(line?.message).toMatch(message);
      expect(String(line?.code).startsWith(code), String(line?.code)).toBe(true);
      expect(result).toMatchObject({ code: 1, listened: false });
      expect(result.text).not.toContain(SEED);
      expect(result.text).not.toContain("not-a-key");
    });
  }

  it("exits 2 where only the command line is wrong", async () => {
    const result = await refused({ "--upstream": null });
    expect(result).toMatchObject({ code: 2, listened: false });
    expect(result.lines[0]?.message).toMatch(/--upstream: no app to protect was named/);
  });

  it("names everything that is wrong at once: configuration first, then policy and spec together", async () => {
    const env = { CHIO_SIGNING_KEY: "", CHIO_RECEIPT_SINK: "s3://b", CHIO_SHUTDOWN_DRAIN_MS: "soon", CHIO_LISTEN_ADR: "x" };
    const config = await refused({ "--health-path": "x" }, env);
    const [warning, ...errors] = config.lines;
    expect(warning).toMatchObject({ severity: "WARNING", message: expect.stringMatching(/^CHIO_LISTEN_ADR: .*CHIO_LISTEN_ADDR\?$/) });
    expect(errors.map((line) => line.code).sort()).toEqual([
      "config_unsupported",
      "config_value_invalid",
      "config_value_invalid",
      "signing_key_missing",
    ]);
    const rules = await refused({ "--policy": bench.path("p"), "--spec": bench.path("s") });
    expect(rules.lines.map((line) => line.code)).toEqual(["policy_unreadable", "spec_unreadable"]);
  });

  it("as root, unless told so by name", async () => {
    const changed = { "--policy": bench.path("none.yaml") };
    const plain = await refused(changed, {}, []);
    // Where the tests do not run as root, the same start gets past this check and fails at the policy.
    expect(plain.lines.map((line) => line.code)).toEqual([AS_ROOT.length > 0 ? "running_as_root" : "policy_unreadable"]);
    const told = await refused(changed, { CHIO_ALLOW_ROOT: "1" }, []);
    expect(told.lines.map((line) => line.code)).toEqual(["policy_unreadable"]);
  });

  it("on an address that is in use", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const { code, text: stderr } = await refused({ "--listen": `127.0.0.1:${port}` });
    server.close();
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`cannot start: 127.0.0.1:${port}: the address is in use. Fix: .*--listen`));
    expect(stderr).toContain('"code":"listen_failed"');
  });

  it("on an address that this machine does not have", async () => {
    const { code, text: stderr } = await refused({ "--listen": "203.0.113.7:9090" });
    expect(code).toBe(1);
    expect(stderr).toMatch(/cannot start: 203.0.113.7:9090: this machine does not have the address. Fix: .*0\.0\.0\.0/);
  });

  it("by a key file that is not there, which is no misuse", async () => {
    const { lines, code } = await refused({ "--signing-key-file": bench.path("no-key") }, { CHIO_SIGNING_KEY: "" });
    expect(code).toBe(1);
    expect(lines[0]?.message).toMatch(/--signing-key-file \(.*no-key\): does not exist/);
  });
});

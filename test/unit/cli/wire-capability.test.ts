import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseCapability, verifyCapabilitySignature } from "../../../sidecar/wire/capability.ts";
import { verifyDelegationChain } from "../../../sidecar/wire/delegation.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import { subjectKeypair } from "../../../sidecar/wire/subject.ts";
import type { CapabilityToken } from "../../../sidecar/wire/types.ts";
import { runCli } from "./run-cli.ts";

const dir = mkdtempSync(join(tmpdir(), "chio-capability-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function file(name: string, content: unknown): string {
  const path = join(dir, name);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
}
const pair = (byte: number) => Keypair.fromSeed(Buffer.alloc(32, byte));
const [issuer, subject, stranger] = [pair(0x0b), pair(0x0c), pair(0x0e)];
const issuerSeed = file("issuer.seed", "0b".repeat(32));
const subjectSeed = file("subject.seed", "0c".repeat(32));
const strangerSeed = file("stranger.seed", "0e".repeat(32));

const AT = 1_710_000_000;
const ISSUE = ["capability", "issue", "--seed-file", issuerSeed, "--subject", subject.publicKeyHex, "--issued-at", String(AT)];

async function issue(...argv: string[]): Promise<CapabilityToken> {
  const result = await runCli([...ISSUE, ...argv]);
  expect(result).toMatchObject({ code: 0, stderr: "" });
  expect(result.stdout.split("\n")).toHaveLength(2);
  return parseCapability(result.stdout);
}

it("standard input stands for one file only: naming it twice is misuse", async () => {
  for (const argv of [
    ["issue", "--seed-file", "-", "--scope-file", "-", "--subject-name", "ci"],
    ["attenuate", "-", "--seed-file", "-", "--subject-name", "ci"],
    ["attenuate", "-", "--seed-file", issuerSeed, "--scope-file", "-", "--subject-name", "ci"],
  ]) {
    const stdin =
      argv[0] === "issue"
        ? '{"grants":[]}'
        : (await runCli(["capability", "issue", "--seed-file", issuerSeed, "--subject-name", "a", "--grant", "s:t"])).stdout;
    const result = await runCli(["capability", ...argv], { stdin });
    expect(result).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("stdin_taken") });
  }
});

describe("chio capability issue", () => {
  it("makes a token that verifies", async () => {
    const token = await issue("--grant", "srv-files:file_read:invoke,read_result", "--ttl", "15m", "--id", "cap-1");
    expect(verifyCapabilitySignature(token)).toBe(true);
    expect(token).toMatchObject({
      id: "cap-1",
      issuer: issuer.publicKeyHex,
      subject: subject.publicKeyHex,
      scope: { grants: [{ server_id: "srv-files", tool_name: "file_read", operations: ["invoke", "read_result"] }] },
      issued_at: AT,
      expires_at: AT + 900,
    });
  });

  it.each([
    ["http:GET /pets/{id}:invoke", "http", "GET /pets/{id}", ["invoke"]],
    ["http:POST /pets", "http", "POST /pets", ["invoke"]],
    ["*:*", "*", "*", ["invoke"]],
    ["srv:ns:tool:invoke", "srv", "ns:tool", ["invoke"]],
    ["srv:tool:read,get", "srv", "tool", ["read", "get"]],
  ])("reads the grant %s", async (text, server_id, tool_name, operations) => {
    expect((await issue("--grant", text)).scope).toEqual({ grants: [{ server_id, tool_name, operations }] });
  });

  it("lives an hour from now and has an id of its own by default", async () => {
    const argv = ["capability", "issue", "--authority-seed-file", issuerSeed, "--subject-name", "ci", "--grant", "a:b", "--grant", "c:d"];
    const [first, second] = [parseCapability((await runCli(argv)).stdout), parseCapability((await runCli(argv)).stdout)];
    expect(first.expires_at - first.issued_at).toBe(3600);
    expect(Math.abs(first.issued_at - Date.now() / 1000)).toBeLessThan(60);
    expect(first.id).not.toBe(second.id);
    expect(first.subject).toBe(subjectKeypair("ci").publicKeyHex);
    expect(first.subject).not.toBe(subjectKeypair("ci", "job-1").publicKeyHex);
    expect(first.scope.grants).toHaveLength(2);
  });

  it("takes constraints and budgets from a scope file, plain or inside a token", async () => {
    const grant = {
      server_id: "s",
      tool_name: "t",
      operations: ["invoke"],
      constraints: [{ type: "path_prefix", value: "/w/" }],
      max_invocations: 3,
    };
    const scope = { grants: [grant], prompt_grants: [{ prompt_name: "p", operations: ["get"] }] };
    expect((await issue("--scope-file", file("scope.json", scope))).scope).toEqual(scope);
    const extra = await issue("--scope-file", file("wrapped.json", { scope }), "--grant", "x:y");
    expect(extra.scope.grants).toEqual([grant, { server_id: "x", tool_name: "y", operations: ["invoke"] }]);
  });

  it("refuses a scope that a kernel would refuse", async () => {
    const unknown = file("unknown.json", {
      grants: [{ server_id: "s", tool_name: "t", operations: ["invoke"], constraints: [{ type: "moon" }] }],
    });
    expect(await runCli([...ISSUE, "--scope-file", unknown])).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("unknown_constraint"),
    });
    expect(await runCli([...ISSUE, "--scope-file", file("typo.json", { grant: [] })])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("unknown field"),
    });
  });

  it.each<[string, string[], string]>([
    ["no grant", [], "--grant or --scope-file"],
    ["no colon in a grant", ["--grant", "srv"], "server:tool"],
    ["an unknown operation", ["--grant", "srv:tool:admin"], "'admin' is no operation"],
    ["no tool", ["--grant", "srv:"], "server:tool"],
    ["two subjects", ["--grant", "a:b", "--subject-name", "x"], "one of --subject"],
    ["a time that is none", ["--grant", "a:b", "--ttl", "soon"], "1h or 7d"],
    ["no time at all", ["--grant", "a:b", "--ttl", "0"], "1h or 7d"],
    ["another format", ["--grant", "a:b", "--format", "jwt"], "json, bearer"],
    ["an unknown flag", ["--grant", "a:b", "--grants", "x"], "--grant"],
  ])("is 2 for %s", async (_name, argv, message) => {
    expect(await runCli([...ISSUE, ...argv])).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(message) });
  });

  it("is 2 without seed or subject, and for a subject that is no key", async () => {
    expect((await runCli(["capability", "issue", "--subject-name", "x", "--grant", "a:b"])).code).toBe(2);
    expect((await runCli(["capability", "issue", "--seed-file", issuerSeed, "--grant", "a:b"])).code).toBe(2);
    expect((await runCli(["capability", "issue", "--seed-file", issuerSeed, "--grant", "a:b", "--subject", "me"])).code).toBe(2);
    expect((await runCli(["capability"])).code).toBe(2);
  });
});

describe("chio capability verify and inspect", () => {
  const verify = (path: string, ...argv: string[]) => runCli(["capability", "verify", path, "--at", String(AT + 5), ...argv]);

  it("verify a good token, as JSON, as bearer text, from standard input", async () => {
    const bearer = (await runCli([...ISSUE, "--grant", "a:b", "--format", "bearer"])).stdout;
    expect(bearer.trim()).toMatch(/^[A-Za-z0-9_-]+$/);
    const json = Buffer.from(bearer, "base64url").toString();
    for (const [path, stdin] of [
      [file("t.json", json), ""],
      [file("t.bearer", bearer), ""],
      ["-", json],
      ["-", bearer],
    ] as const) {
      const result = await runCli(["capability", "verify", path, "--at", String(AT + 5)], { stdin });
      expect(result).toMatchObject({ code: 0, stderr: "" });
      expect(JSON.parse(result.stdout)).toMatchObject({
        ok: true,
        signature_valid: true,
        delegation_chain_shape_valid: true,
        time_valid: true,
        time_status: "valid",
        delegation_depth: 0,
      });
    }
  });

  it("is 1 with the reason when time, signature, chain or issuer do not hold, and inspect is 0 for the same", async () => {
    const token = await issue("--grant", "a:b");
    const path = file("token.json", token);
    const delegated = JSON.parse(
      (
        await runCli([
          "capability",
          "attenuate",
          path,
          "--seed-file",
          subjectSeed,
          "--subject",
          stranger.publicKeyHex,
          "--issued-at",
          String(AT),
        ])
      ).stdout,
    );
    const cases: [string, string[], object, string][] = [
      [path, ["--at", String(AT - 1)], { time_valid: false, time_status: "not_yet_valid" }, "it begins at"],
      [path, ["--at", String(AT + 3600)], { time_valid: false, time_status: "expired" }, "it expired at"],
      [file("forged.json", { ...token, id: "other" }), ["--at", String(AT)], { signature_valid: false }, "signature does not verify"],
      [path, ["--at", String(AT), "--issuer", stranger.publicKeyHex], { issuer_trusted: false }, "not one of the trusted"],
      [
        file("deep.json", delegated),
        ["--at", String(AT), "--max-delegation-depth", "0"],
        { delegation_chain_shape_valid: false },
        "1 links, the limit is 0",
      ],
    ];
    for (const [file_, argv, fields, reason] of cases) {
      const verified = await runCli(["capability", "verify", file_, ...argv]);
      expect([verified.code, JSON.parse(verified.stdout)]).toMatchObject([1, { ok: false, ...fields }]);
      expect(verified.stderr).toContain(reason);
      const inspected = await runCli(["capability", "inspect", file_, ...argv]);
      expect([inspected.code, inspected.stderr]).toEqual([0, ""]);
      expect(JSON.parse(inspected.stdout)).toMatchObject({ ok: false, ...fields, scope: token.scope });
    }
  });

  it("take several issuers in every spelling", async () => {
    const path = file("i.json", await issue("--grant", "a:b"));
    const [a, b] = [stranger.publicKeyHex, issuer.publicKeyHex];
    const at = ["--at", String(AT)];
    for (const argv of [
      [path, "--issuer", a, "--issuer", b],
      [path, "--issuer", a, b],
      ["--issuer", a, b, path],
      ["--issuer", `${a},${b}`, path],
      [path, "--issuer", `0x${b.toUpperCase()}`],
    ]) {
      expect((await runCli(["capability", "verify", ...at, ...argv])).code).toBe(0);
    }
    expect((await runCli(["capability", "verify", ...at, path, "--issuer", a, subject.publicKeyHex])).code).toBe(1);
  });

  it("are 1 and still JSON for a token that is refused", async () => {
    const token = await issue("--grant", "a:b");
    const refused: [unknown, string][] = [
      [{ ...token, note: 1 }, "invalid_capability"],
      [{ ...token, scope: { grants: [{ ...token.scope.grants?.[0], constraints: [{ type: "moon" }] }] } }, "unknown_constraint"],
      [{ ...token, algorithm: "p256" }, "unsupported_algorithm"],
      ["{", "invalid_json"],
      ["eyJub3QiOiJhIHRva2VuIn0", "invalid_capability"],
    ];
    for (const [value, code] of refused) {
      const path = file("refused.json", value);
      for (const verb of ["verify", "inspect"]) {
        const result = await runCli(["capability", verb, path]);
        expect(result.code).toBe(1);
        expect(JSON.parse(result.stdout)).toMatchObject({ ok: false, signature_valid: false, error: { code } });
        expect(result.stderr).toContain(code);
      }
    }
  });

  it("are 2 on misuse", async () => {
    const path = file("m.json", await issue("--grant", "a:b"));
    for (const argv of [
      [],
      [path, path],
      [path, "--at", "noon"],
      [path, "--issuer", "me"],
      [path, "--max-delegation-depth", "-1"],
      [join(dir, "none")],
    ]) {
      expect((await runCli(["capability", "verify", ...argv])).code).toBe(2);
    }
    expect((await verify(path, stranger.publicKeyHex)).code).toBe(2);
  });
});

describe("chio capability attenuate", () => {
  const scope = {
    grants: [
      {
        server_id: "srv",
        tool_name: "*",
        operations: ["invoke", "read"],
        constraints: [{ type: "path_prefix", value: "/w/" }],
        max_invocations: 5,
        dpop_required: true,
      },
    ],
  };
  const attenuate = async (...argv: string[]) => {
    const parent = file("parent.json", await issue("--scope-file", file("parent-scope.json", scope), "--id", "cap-parent"));
    return runCli(["capability", "attenuate", parent, "--issued-at", String(AT + 10), "--subject", stranger.publicKeyHex, ...argv]);
  };

  it.each([
    ["subject", subjectSeed, subject],
    ["issuer", issuerSeed, issuer],
  ])("makes a narrower child with the seed of the %s; a grant keeps the parent's restrictions", async (_name, seedFile, signer) => {
    const result = await attenuate("--seed-file", seedFile, "--grant", "srv:file_read:invoke", "--ttl", "60s", "--id", "cap-child");
    expect(result).toMatchObject({ code: 0, stderr: "" });
    const child = parseCapability(result.stdout);
    expect(child).toMatchObject({
      id: "cap-child",
      issuer: signer.publicKeyHex,
      subject: stranger.publicKeyHex,
      expires_at: AT + 70,
      scope: { grants: [{ ...scope.grants[0], tool_name: "file_read", operations: ["invoke"] }] },
    });
    expect(verifyDelegationChain(child, 1).valid).toBe(true);
    const path = file("child.json", result.stdout);
    expect((await runCli(["capability", "verify", path, "--at", String(AT + 11), "--issuer", signer.publicKeyHex])).code).toBe(0);
  });

  it("keeps the parent's scope and end by default", async () => {
    const child = parseCapability((await attenuate("--seed-file", subjectSeed)).stdout);
    expect([child.scope, child.expires_at]).toEqual([scope, AT + 3600]);
  });

  it.each<[string, string[], string]>([
    ["another server", ["--seed-file", subjectSeed, "--grant", "other:tool"], "not a subset"],
    ["another operation", ["--seed-file", subjectSeed, "--grant", "srv:tool:delegate"], "not a subset"],
    ["a longer life", ["--seed-file", subjectSeed, "--ttl", "2h"], "outlive"],
    ["a stranger's seed", ["--seed-file", strangerSeed], "neither the parent's subject nor its issuer"],
  ])("refuses %s", async (_name, argv, message) => {
    expect(await attenuate(...argv)).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(message) });
  });

  it("refuses a scope file that drops a constraint", async () => {
    const loose = file("loose.json", { grants: [{ ...scope.grants[0], constraints: [] }] });
    expect(await attenuate("--seed-file", subjectSeed, "--scope-file", loose)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("attenuation_refused"),
    });
  });

  it("is 2 without a seed or a parent", async () => {
    expect((await attenuate()).code).toBe(2);
    expect((await runCli(["capability", "attenuate", "--seed-file", subjectSeed, "--subject-name", "x"])).code).toBe(2);
  });
});

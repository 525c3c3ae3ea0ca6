import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { redact, secretLeakGuard } from "../../../sidecar/guards/secret-leak.ts";
import { SECRET_PATTERNS } from "../../../sidecar/policy/defaults.ts";
import { PolicyError } from "../../../sidecar/policy/errors.ts";
import { httpRequest, toolCall } from "./input.ts";

const guard = secretLeakGuard({ patterns: [], skip_paths: [] });
const writes = (content: string, path = "/srv/app/main.py") => guard.check(toolCall("write_file", { path, content }));
const sends = (body: string | Uint8Array) => guard.check(httpRequest(body));

/** Put together at run time, so that no scanner takes this file for a leak. */
const secret = (...parts: string[]) => parts.join("");
const letters = (length: number) => "aB3dE5fG7hJ9".repeat(20).slice(0, length);

const SAMPLES: Record<string, string> = {
  aws_access_key: secret("AKIA", "IOSFODNN7EXAMPLE"),
  aws_secret_key: secret("aws_secret_access_key", " = '", letters(40), "'"),
  github_token: secret("ghp", "_", letters(36)),
  github_pat: secret("github", "_pat_", letters(22), "_", letters(59)),
  openai_key: secret("sk", "-", letters(48)),
  openai_project_key: secret("sk", "-proj-", letters(48)),
  anthropic_key: secret("sk", "-ant-", letters(95)),
  anthropic_api03_key: secret("sk", "-ant-api03-", letters(80), "_", letters(12)),
  private_key: secret("-----BEGIN RSA ", "PRIVATE KEY-----"),
  npm_token: secret("npm", "_", letters(36)),
  slack_token: secret("xoxb", "-12345678901-12345678901-", letters(10)),
  stripe_secret_key: secret("sk", "_live_", letters(24)),
  stripe_restricted_key: secret("rk", "_live_", letters(24)),
  gcp_service_account: secret('"type": ', '"service_account"'),
  azure_key_vault_token: secret("AZURE_KV_TOKEN=", letters(32)),
  gitlab_pat: secret("glpat", "-", letters(20)),
  generic_api_key: secret("api_key: ", letters(32)),
  generic_secret: secret("password", ' = "', "hunter2hunter2", '"'),
};

describe("insecure: secrets in files", () => {
  test("there is a sample of every built-in pattern", () => expect(Object.keys(SAMPLES)).toEqual(SECRET_PATTERNS.map(({ name }) => name)));

  test.each(Object.entries(SAMPLES))("%s", (name, sample) => {
    const verdict = writes(`line one\nx = 1\n${sample}\n`);
    expect(verdict.allow).toBe(false);
    // sk-ant-api03-… is also the older kind of Anthropic key.
    expect(verdict.details).toContain(name === "anthropic_api03_key" ? "anthropic_" : name);
  });

  test.each([
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN EC PRIVATE KEY-----",
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "-----BEGIN PGP PRIVATE KEY BLOCK-----",
  ])("%s", (text) => expect(writes(text).allow).toBe(false));

  test.each<[string, Record<string, unknown>]>([
    ["write_file", { path: "/a", contents: SAMPLES.github_token }],
    ["edit_file", { path: "/a", edits: [{ oldText: "x", newText: SAMPLES.github_token }] }],
    ["apply_patch", { path: "/a", patch: `--- a\n+++ b\n+token = ${SAMPLES.github_token}\n` }],
    ["fs", { path: "/a", action: "append", text: SAMPLES.github_token }],
  ])("%s: every string of the call is looked at", (tool, args) => expect(guard.check(toolCall(tool, args as never)).allow).toBe(false));
});

describe("secure: ordinary content passes", () => {
  test.each([
    "def main():\n    pass\n",
    "the password is set in the environment",
    "password = os.environ['PW']",
    "AKIA is a prefix; AKIA1234 is too short",
    "sk-short",
    "-----BEGIN PUBLIC KEY-----",
    '"type": "user_account"',
    "npm_package_name",
    "",
  ])("%j", (content) => expect(writes(content).allow).toBe(true));

  test("reading, and other tools, are not its business", () => {
    expect(guard.check(toolCall("read_file", { path: SAMPLES.github_token as string })).allow).toBe(true);
    expect(guard.check(toolCall("crm_note", { text: SAMPLES.github_token as string })).allow).toBe(true);
  });
});

describe("HTTP bodies", () => {
  test("tokens are denied", () => {
    for (const name of ["aws_access_key", "github_token", "private_key", "gcp_service_account"]) {
      expect([name, sends(`{"note": ${JSON.stringify(SAMPLES[name])}}`).allow]).toEqual([name, false]);
      expect([name, sends(SAMPLES[name] as string).allow]).toEqual([name, false]);
    }
  });

  test.each([
    '{"username": "ann", "password": "correct-horse-battery"}',
    "password=hunter2hunter2&next=/",
    `{"api_key": "${letters(32)}"}`,
  ])("an ordinary login passes: %s", (body) => expect(sends(body).allow).toBe(true));

  test("what an app would undo does not hide a token", () => {
    const key = SAMPLES.aws_access_key as string;
    const escaped = [...key].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
    expect(sends(`{"note":"${escaped}"}`).allow).toBe(false);
    expect(sends(`{"${escaped}":1}`).allow).toBe(false);
    expect(sends(`{"a":1,"a":2,"note":"${escaped}"}`).allow).toBe(false);
    expect(sends(`note=%41%4b${key.slice(2)}`).allow).toBe(false);
    expect(sends(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(key), Buffer.from([0xff])])).allow).toBe(false);
    expect(sends(Buffer.from(key, "utf16le")).allow).toBe(false);
  });

  test("a body that was not kept is denied", () => {
    const input = httpRequest("", { http: { method: "POST", routePattern: "/n", path: "/n", query: {}, bodyMissing: true } });
    expect(guard.check(input)).toEqual({
      allow: false,
      details: "the request body is streamed, encoded or too large, so it cannot be scanned for secrets",
    });
  });

  test("binary without a secret passes", () => expect(sends(new Uint8Array(4096).map((_, i) => (i * 37) & 255)).allow).toBe(true));
});

describe("skipped paths", () => {
  const own = secretLeakGuard({ patterns: [], skip_paths: ["**/tests/**", "**/*.test.*"] });
  const passes = (path: string) => own.check(toolCall("write_file", { path, content: SAMPLES.github_token as string })).allow;

  test.each([
    ["/app/tests/fixture.json", true],
    ["tests/x", true],
    ["/app/a.test.ts", true],
    ["/app/main.ts", false],
    ["/app/tests/../main.ts", false],
    ["/app/tests%2f..%2fmain.ts", false],
    ["/app/TESTS/x", false],
    ["/app/tests\u0000/x", false],
  ])("%j", (path, expected) => expect(passes(path)).toBe(expected));
});

describe("the operator's own patterns", () => {
  const own = secretLeakGuard({ patterns: [{ name: "ticket", pattern: "(?i)\\btk_[a-z0-9]{8}\\b", severity: "warn" }], skip_paths: [] });

  test("hold in files and in bodies, besides the built-in ones", () => {
    expect(own.check(toolCall("write_file", { path: "/a", content: "TK_ABCD1234" })).details).toBe(
      "content holds what looks like a secret: ticket, ending at character 11",
    );
    expect(own.check(httpRequest("tk_abcd1234")).allow).toBe(false);
    expect(own.check(httpRequest("tk_abcd12345")).allow).toBe(true);
    expect(own.check(toolCall("write_file", { path: "/a", content: SAMPLES.npm_token as string })).allow).toBe(false);
  });

  test("unusable ones are refused", () => {
    expect(() => secretLeakGuard({ patterns: [{ name: "x", pattern: "(", severity: "warn" }], skip_paths: [] })).toThrow(PolicyError);
    expect(() => secretLeakGuard({ patterns: [], skip_paths: ["a**"] })).toThrow(PolicyError);
  });
});

describe("details never carry the secret", () => {
  test("a token shows four characters at each end", () => {
    expect(writes(`key = ${SAMPLES.aws_access_key}`).details).toBe(
      "content holds what looks like a secret: aws_access_key, ending at character 26 (AKIA************MPLE)",
    );
    expect(redact("short")).toBe("*****");
    expect(redact("x".repeat(19))).toBe("*".repeat(19));
  });

  test("no more than that, for any of them", () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.values(SAMPLES)), fc.string({ maxLength: 20 }), (sample, before) => {
        const details = writes(`${before}\n${sample}`).details ?? "";
        for (let at = 0; at + 6 <= sample.length; at += 1) {
          const piece = sample.slice(at, at + 6);
          // The pattern's name may well be part of the text; the secret is not.
          if (!/^[a-z_" :=']+$/i.test(piece)) expect(details).not.toContain(piece);
        }
      }),
    );
  });
});

describe("size", () => {
  test("10 MiB are scanned in linear time", () => {
    const text = "password ".repeat((10 << 20) / 9);
    writes("warm up");
    const start = performance.now();
    expect(writes(text).allow).toBe(true);
    expect(performance.now() - start).toBeLessThan(15_000);
  });

  test("more than the limit is denied, because nobody looked", () => {
    expect(writes("x".repeat((16 << 20) + 1))).toEqual({ allow: false, details: "content is too large to be scanned" });
  });
});

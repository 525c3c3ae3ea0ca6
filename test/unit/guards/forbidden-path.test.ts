import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { forbiddenPathGuard } from "../../../sidecar/guards/forbidden-path.ts";
import { pathReadings, resolvedPath } from "../../../sidecar/guards/paths.ts";
import { PolicyError } from "../../../sidecar/policy/errors.ts";
import { defaultPolicy } from "../../../sidecar/policy/load.ts";
import type { Json } from "../../../sidecar/wire/json.ts";
import { toolCall } from "./input.ts";

const settings = defaultPolicy().guards.forbidden_path;
if (settings === undefined) throw new Error("the default policy has no forbidden paths");
const guard = forbiddenPathGuard(settings);
const reads = (path: string) => guard.check(toolCall("read_file", { path })).allow;

describe("secure: ordinary paths pass", () => {
  test.each([
    "/srv/app/main.ts",
    "src/index.ts",
    "/home/ann/project/README.md",
    "/etc/hosts",
    "/etc/shadow.txt.bak/../../tmp/x",
    "/srv/passport/scan.png",
    "/app/environment.ts",
    "/app/.envrc",
    "docs/ssh.md",
    "/100%/done",
    "~/notes.txt",
    "C:\\Users\\ann\\report.docx",
    "a:b",
  ])("%s", (path) => expect(reads(path)).toBe(true));
});

// One file, in every spelling that some layer between here and the disk undoes.
describe("insecure: every spelling of a forbidden path is denied", () => {
  test.each([
    "/etc/shadow",
    "/etc//shadow",
    "/etc/./shadow",
    "/etc/x/../shadow",
    "/../../etc/shadow",
    "//etc/shadow",
    "etc/shadow",
    "../../../../etc/shadow",
    "./../etc/shadow",
    "/ETC/Shadow",
    "\\etc\\shadow",
    "/etc\\shadow",
    "/etc/shadow/",
    "/etc/shadow.",
    "/etc/shadow ",
    "/etc/shadow...",
    "/etc /shadow",
    "/etc/shadow::$DATA",
    "/etc/%73hadow",
    "%2fetc%2fshadow",
    "%252fetc%252fshadow",
    "/etc/%2e%2e/etc/shadow",
    "..%2f..%2f..%2fetc%2fshadow",
    "..%5c..%5cetc%5cshadow",
    "%c0%ae%c0%ae/etc/shadow",
    "/etc%c0%afshadow",
    "%e0%80%af%e0%80%aeetc/%e0%80%ae%e0%80%ae/etc/shadow",
    "%u002fetc%u002fshadow",
    "file:///etc/shadow",
    "file:/etc/shadow",
    "FILE://localhost/etc/shadow",
    "file:///etc/%73hadow",
    "file://etc/shadow",
    "file:\\\\etc\\shadow",
    "file:///%65tc/shadow",
    "/proc/self/root/etc/shadow",
    "/proc/1/root/etc/shadow",
    "/proc/thread-self/root/etc/shadow",
    "/proc/self/task/7/root/etc/shadow",
    "/proc/self/cwd/etc/shadow",
    "/proc/self/root/../etc/shadow",
    "/proc/self/root/x/../../../etc/shadow",
    "/proc/self/root/proc/self/root/etc/shadow",
    "/proc/self/x/../root/etc/shadow",
    "proc/self/root/../etc/shadow",
    "../proc/self/root/etc/shadow",
    "../../../proc/1/root/../etc/shadow",
    "./../proc/self/task/7/cwd/etc/shadow",
    "../private/etc/shadow",
    "..\\..\\proc\\self\\root\\etc\\shadow",
    "/proc/self/fd/3",
    "/proc/self/task/7/environ",
    "/private/etc/shadow",
    "\\\\?\\etc\\shadow",
    "C:/etc/shadow",
    "\uff0fetc\uff0fshadow",
    "/etc/\uff53hadow",
    "/\u2024\u2024/etc/shadow",
    "/home/ann/.ssh",
    "/home/ann/.ssh/id_ed25519",
    "~/.ssh/config",
    "~ann/.ssh/config",
    "$HOME/.ssh/config",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell writes it so
    "${HOME}/.aws/credentials",
    "%USERPROFILE%\\.aws\\credentials",
    "C:\\Users\\ann\\.ssh\\id_rsa",
    ".env",
    ".env.production",
    "app/.ENV",
    "/app/.env./",
    "/srv/app/.git-credentials",
    "/var/run/secrets/kubernetes.io/serviceaccount/token",
    "/proc/42/environ",
  ])("%s", (path) => expect(reads(path)).toBe(false));

  test.each([
    "/etc/shadow\u0000.txt",
    "/tmp/%00/x",
    "/tmp/a\nb",
    "",
    "x".repeat(40_000),
    "%25252525252525252e",
    "/proc/self/root/../../..".repeat(30),
  ])("%j is no path", (path) => {
    const verdict = guard.check(toolCall("read_file", { path }));
    expect(verdict.allow).toBe(false);
  });

  test("spellings that mean the same file get the same verdict", () => {
    // Only an absolute path can have something put before it and stay the same file.
    const under = (prefix: string) => (path: string) => (path.startsWith("/") ? `${prefix}${path}` : path);
    const decorate = fc.constantFrom<(path: string) => string>(
      (path) => path.replaceAll("/", "//"),
      (path) => path.replaceAll("/", "/./"),
      (path) => path.replaceAll("/", "/x/../"),
      (path) => path.replaceAll("/", "\\"),
      (path) => `${path}/`,
      under("/.."),
      under("file://"),
      (path) => encodeURIComponent(path),
      (path) => path.replaceAll(/[a-z]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
      (path) => path.toUpperCase(),
      under("/proc/self/root"),
    );
    const path = fc
      .array(fc.constantFrom("etc", "shadow", "home", "ann", ".ssh", "id_rsa", ".env", "src", "main.ts", "passwd"), {
        minLength: 1,
        maxLength: 4,
      })
      .map((segments) => `/${segments.join("/")}`);
    fc.assert(
      fc.property(path, fc.array(decorate, { maxLength: 3 }), (plain, decorations) => {
        const spelled = decorations.reduce((text, apply) => apply(text), plain);
        if (!reads(plain)) expect([spelled, reads(spelled)]).toEqual([spelled, false]);
      }),
      { numRuns: 2000 },
    );
  });

  test("a path that passes has no forbidden reading", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom("/", ".", "\\", "%", "2", "e", "f", "~", "etc", "shadow", " ", ":"), maxLength: 14 }),
        (path) => {
          const readings = pathReadings(path);
          if (reads(path) && "paths" in readings)
            expect(readings.paths.map((reading) => reading.toLowerCase())).not.toContain("/etc/shadow");
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe("every path that a call names", () => {
  test.each<[string, Json]>([
    ["read_file", { path: "/tmp/ok", file: "/etc/shadow" }],
    ["read_file", { path: "/tmp/ok", filePath: "/etc/shadow" }],
    ["read_file", { path: "/tmp/ok", PATH: "/etc/shadow" }],
    ["write_file", { path: "/tmp/ok", content: "x", options: { destination: "/etc/shadow" } }],
    ["edit_file", { path: "/tmp/ok", files: [{ path: "/etc/shadow" }] }],
    ["read_multiple_files", { paths: ["/tmp/ok", "/etc/shadow"] }],
    ["move_file", { source: "/etc/shadow", destination: "/tmp/x" }],
    ["upload_files", { files: { "/srv/a": "text", "/etc/shadow": "text" } }],
    ["write_file", { path: "/srv/a", files: { "etc/shadow": "text" } }],
    ["write_file", { path: "/srv/a", target: { "/root/.ssh/authorized_keys": "text" } }],
    ["directory_tree", { path: "/home/ann/.ssh" }],
    ["searchFiles", { dir: "/home/ann/.aws" }],
    ["apply_patch", { path: ".", patch: "--- a/x\n+++ b/.env\n@@ -0,0 +1 @@\n+X=1\n" }],
    ["apply_patch", { path: ".", patch: "diff --git a/x b/.ssh/config\nrename to .ssh/config\n" }],
    ["apply_patch", { path: ".", patch: "*** Begin Patch\n*** Update File: /etc/passwd\n" }],
    ["browser_navigate", { url: "file:///etc/shadow" }],
    ["browser_navigate", { url: "view-source:file:///etc/shadow" }],
  ])("%s %j is denied", (tool, args) => expect(guard.check(toolCall(tool, args)).allow).toBe(false));

  test.each<[string, Json]>([
    ["crm_search", { path: "/etc/shadow" }],
    ["bash", { command: "cat /etc/shadow" }],
    ["fetch", { url: "https://example.com/etc/shadow" }],
    ["apply_patch", { path: "src", patch: "--- /dev/null\n+++ b/src/a.ts\n+const x = '.env';\n" }],
    ["screenshot", {}],
  ])("%s %j is not its business", (tool, args) => expect(guard.check(toolCall(tool, args)).allow).toBe(true));
});

describe("exceptions", () => {
  const excepting = forbiddenPathGuard({ patterns: ["**/.env*", "/srv/data/**"], exceptions: ["**/.env.example", "/srv/data/public/*"] });
  const passes = (path: string) => excepting.check(toolCall("read_file", { path })).allow;

  test.each([
    ["/app/.env", false],
    ["/app/.env.example", true],
    [".env.example", true],
    ["/app/.env.EXAMPLE", false],
    ["/srv/data/public/a", true],
    ["/srv/data/public/a/b", false],
    ["/srv/data/public/../secret", false],
    ["/srv/data/public%2f..%2fsecret", false],
    ["/app/.env.example/../.env", false],
  ])("%s", (path, expected) => expect(passes(path)).toBe(expected));
});

describe("links", () => {
  const links: Record<string, string> = { "/tmp/link": "/etc", "/srv/pub": "/srv/data/public", "/projects": "/home/ann" };
  const existing = new Set(["/", "/tmp", "/etc", "/etc/shadow", "/srv", "/srv/data", "/srv/data/public", "/home", "/home/ann", "/etc/app"]);
  const resolvePath = (path: string): string | null => (path === "." ? "/home/ann" : (links[path] ?? (existing.has(path) ? path : null)));
  const passes = (path: string, own = guard) => own.check(toolCall("read_file", { path }, { resolvePath })).allow;

  test.each([
    ["/tmp/link/shadow", false],
    ["/tmp/link/app/../shadow", false],
    ["/tmp/link/new-file", true],
    ["/projects/.ssh/new", false],
    ["/projects/notes", true],
    ["../../tmp/link/shadow", false],
  ])("%s", (path, expected) => expect(passes(path)).toBe(expected));

  test("an exception for the written path does not cover the resolved one", () => {
    const own = forbiddenPathGuard({ patterns: ["/srv/**", "/etc/**"], exceptions: ["/srv/pub/**", "/srv/data/public/**"] });
    expect(passes("/srv/pub/a", own)).toBe(true);
    const trap = forbiddenPathGuard({ patterns: ["/srv/**", "/etc/**"], exceptions: ["/srv/pub/**"] });
    expect(passes("/srv/pub/a", trap)).toBe(false);
  });

  test("components are followed in order, as the system does", () => {
    expect(resolvedPath("/tmp/link/../x", resolvePath)).toBe("/x");
    expect(resolvedPath("a/b", resolvePath)).toBe("/home/ann/a/b");
    expect(resolvedPath("~/x", resolvePath)).toBeNull();
  });
});

test("details name the path and the pattern", () => {
  expect(guard.check(toolCall("read_file", { path: "/etc/shadow" }))).toEqual({
    allow: false,
    details: "path /etc/shadow is forbidden by /etc/shadow",
  });
});

test("settings that no policy file would pass with are refused", () => {
  expect(() => forbiddenPathGuard({ patterns: ["a**b"], exceptions: [] })).toThrow(PolicyError);
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileGlobs, GlobSyntaxError } from "../../../sidecar/policy/glob.ts";

const permits = (pattern: string, path: string) => compileGlobs([pattern], { mode: "permit" }).match(path) !== null;
const forbids = (pattern: string, path: string) => compileGlobs([pattern], { mode: "forbid" }).match(path) !== null;

describe("permit: only what is named", () => {
  test.each([
    ["/etc/shadow", "/etc/shadow", true],
    ["/etc/shadow", "/etc/Shadow", false],
    ["/etc/shadow", "/etc/shadow/x", false],
    ["/etc/*", "/etc/shadow", true],
    ["/etc/*", "/etc/a/b", false],
    ["/etc/*", "/etc/", true],
    ["/etc/**", "/etc", true],
    ["/etc/**", "/etc/a/b", true],
    ["/etc/**", "/etcetera", false],
    ["**/.env", "/a/b/.env", true],
    ["**/.env", ".env", true],
    ["**/.env", "/.env", true],
    ["**/.env", "/a/x.env", false],
    ["/a/**/z", "/a/z", true],
    ["/a/**/z", "/a/b/c/z", true],
    ["/a/**/z", "/az", false],
    ["**", "/any/thing", true],
    ["/**", "/any/thing", true],
    ["/**", "relative", false],
    ["**/**/x", "x", true],
    ["**/*.test.*", "/src/a.test.ts", true],
    ["docs/a.md", "docs/a.md", true],
    ["docs/a.md", "/docs/a.md", true],
    ["docs/a.md", "/srv/docs/a.md", false],
    ["/f?o", "/foo", true],
    ["/f?o", "/f/o", false],
    ["/[a-c]x", "/bx", true],
    ["/[!a-c]x", "/bx", false],
    ["/[!a-c]x", "//x", false],
    ["/[]]x", "/]x", true],
    ["/{a,b*}.txt", "/bcd.txt", true],
    ["/{a,b*}.txt", "/c.txt", false],
    ["/\\*", "/*", true],
    ["/\\*", "/a", false],
    ["/a//b", "/a/b", true],
    ["~/.bashrc", "/home/ann/.bashrc", true],
    ["~/.bashrc", "~/.bashrc", true],
    ["~/.bashrc", "/root/.bashrc", true],
    ["~/.bashrc", "/srv/.bashrc", false],
    ["~ann/x", "/home/ann/x", true],
    ["~ann/x", "/home/bob/x", false],
    ["C:/Users/*/x", "C:/Users/ann/x", true],
  ])("%s on %s", (pattern, path, expected) => expect(permits(pattern, path)).toBe(expected));
});

describe("forbid: as widely as it can be meant", () => {
  test.each([
    ["/etc/shadow", "/ETC/shadow", true],
    ["/srv/secrets", "/srv/secrets/a/b", true],
    ["/srv/secrets", "/srv/secrets2", false],
    [".env", "/deep/down/.env", true],
    ["keys/*.pem", "/srv/keys/a.pem", true],
    ["**/id_rsa*", "/h/id_rsa.d/x", true],
    ["**/.ssh/**", "/home/ann/.ssh", true],
    ["**/[A-C]x", "/bx", true],
    ["**/[!a]x", "/Ax", false],
  ])("%s on %s", (pattern, path, expected) => expect(forbids(pattern, path)).toBe(expected));

  test("the answer is the index of a pattern that matches", () => {
    expect(compileGlobs(["/a", "/b/**", "**/c"], { mode: "forbid" }).match("/b/x")).toBe(1);
    expect(compileGlobs([], { mode: "forbid" }).match("/b/x")).toBeNull();
  });
});

describe("refusals", () => {
  test.each([
    ["", "is empty"],
    ["/a**b", "has ** inside a segment; ** must stand between slashes"],
    ["/a/**b", "has ** inside a segment; ** must stand between slashes"],
    ["/[a", "has a [ that is not closed in its segment"],
    ["/[a/b]", "has a [ that is not closed in its segment"],
    ["/[b-a]", "has a class range that ends below where it begins"],
    ["/{a,b", "has a { that is not closed in its segment"],
    ["/{a,{b}}", "has {} inside {}"],
    ["/a\\", "has a backslash with nothing to escape"],
    ["/a\u0000", "has a control character"],
    ["/".padEnd(1025, "a"), "is longer than 1024 characters"],
  ])("%j", (pattern, message) => {
    expect(() => compileGlobs([pattern], { mode: "permit" })).toThrow(new GlobSyntaxError(message));
  });
});

/** The same rules, written for clarity: segments one by one, backtracking. */
function reference(pattern: string[], path: string[]): boolean {
  const [head, ...rest] = pattern;
  if (head === undefined) return path.length === 0;
  if (head === "**") return reference(rest, path) || (path.length > 0 && reference(pattern, path.slice(1)));
  const [first, ...others] = path;
  return first !== undefined && referenceSegment(head, first) && reference(rest, others);
}

function referenceSegment(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  if (pattern[0] === "*") return referenceSegment(pattern.slice(1), text) || (text !== "" && referenceSegment(pattern, text.slice(1)));
  return text !== "" && (pattern[0] === "?" || pattern[0] === text[0]) && referenceSegment(pattern.slice(1), text.slice(1));
}

test("agrees with a naive matcher", () => {
  const segment = fc
    .string({ unit: fc.constantFrom("a", "b", "*", "?"), minLength: 1, maxLength: 4 })
    .filter((text) => !text.includes("**"));
  const pattern = fc.array(fc.oneof(segment, fc.constant("**")), { minLength: 1, maxLength: 5 });
  const path = fc.array(fc.string({ unit: fc.constantFrom("a", "b", "A"), minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(pattern, path, (glob, segments) => {
      expect(permits(`/${glob.join("/")}`, `/${segments.join("/")}`)).toBe(reference(glob, segments));
      const lower = segments.map((text) => text.toLowerCase());
      const below = lower.some((_, index) => reference(glob, lower.slice(0, index + 1)));
      expect(forbids(`/${glob.join("/")}`, `/${segments.join("/")}`)).toBe(below || reference(glob, lower));
    }),
    { numRuns: 2000 },
  );
});

test("stars do not multiply the time", () => {
  const glob = compileGlobs([`/${"*a".repeat(60)}b`], { mode: "permit" });
  const start = performance.now();
  expect(glob.match(`/${"a".repeat(20_000)}`)).toBeNull();
  expect(performance.now() - start).toBeLessThan(15_000);
});

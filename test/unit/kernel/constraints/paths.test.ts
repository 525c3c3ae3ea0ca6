import { describe, expect, it } from "vitest";
import { allows, allowsHttp, table } from "./harness.ts";

const P = "/workspace/safe";

table("path_prefix", [
  [P, { path: "/workspace/safe/report.txt" }, true],
  [P, { path: "/workspace/safe" }, true],
  [P, { path: "/workspace/./safe//a" }, true],
  [P, { path: "/workspace/safe/a/../b" }, true],
  [P, { files: ["/workspace/safe/a", "/workspace/safe/b"] }, true],
  ["/workspace/safe/", { path: "/workspace/safe/x" }, true],
  [P, { path: "file:///workspace/safe/x" }, true],
  [P, { path: "/workspace/safe/../secret.txt" }, false],
  [P, { path: "/workspace/safeX/report.txt" }, false],
  [P, { path: "workspace/safe/x" }, false],
  [P, { path: "safe" }, false],
  [P, { path: "~/x" }, false],
  [P, { path: "~" }, false],
  [P, { path: "" }, false],
  [P, { path: "/workspace/safe/%2e%2e/%2e%2e/etc" }, false],
  [P, { path: "/workspace/safe/..%2fx" }, false],
  [P, { path: "\\workspace\\safe\\..\\..\\etc" }, false],
  [P, { path: "/workspace/safe/a\u0000/../../etc" }, false],
  [P, { path: "/workspace/safe/a", target: "/etc/passwd" }, false],
  [P, { path: "/workspace/safe/a", nested: { deep: ["/etc/passwd"] } }, false],
  [P, { path: "/workspace/safe/a", uri: "file:///etc/passwd" }, false],
  [P, { path: "/workspace/safe/a", uri: "FILE:/etc/passwd" }, false],
  [P, { path: ["/workspace/safe/a", 3] }, true],
  // A bare name is relative to a directory that nobody here knows, under every name that tools give to paths.
  [P, { path: "/workspace/safe/a", destination: "passwd" }, false],
  [P, { source: "/workspace/safe/a", dest: ".." }, false],
  [P, { path: "/workspace/safe/a", newPath: "b" }, false],
  [P, { path: "/workspace/safe/a", out: ".." }, false],
  // Files by name: the keys are paths.
  [P, { files: { "/workspace/safe/a": "text", "/workspace/safe/b": "text" } }, true],
  [P, { path: "/workspace/safe/a", files: { "/etc/cron.d/x": "text" } }, false],
  [P, { path: "/workspace/safe/a", files: { passwd: "text" } }, false],
  [P, { file: { path: "/workspace/safe/a", type: "text" } }, true],
  // A percent sign in a file name is one; only a URL decodes it.
  [P, { path: "/workspace/safe/100%.txt" }, true],
  ["/a b", { path: "/a%20b/c" }, false],
  // Nothing to judge: it cannot be evaluated.
  [P, { query: "hello" }, false],
  [P, {}, false],
  [P, null, false],
  // `..` above the root is no path at all.
  ["/", { path: "/../x" }, false],
  ["/", { path: "/anything" }, true],
  ["docs", { path: "docs/a.md" }, true],
  ["docs", { path: "/docs/a.md" }, false],
]);

describe("path_prefix and symlinks", () => {
  const links: Record<string, string> = {
    "/workspace/safe/link": "/etc",
    "/workspace/safe/ok": "/workspace/safe/real",
    "/link": "/data/work",
  };
  const resolve = (path: string) => links[path] ?? (path.startsWith("/new") ? null : path);

  it("follows a link out of the prefix", () => {
    expect(allows("path_prefix", P, { path: "/workspace/safe/link" }, {}, resolve)).toBe(false);
    expect(allows("path_prefix", P, { path: "/workspace/safe/link" })).toBe(true);
  });
  it("allows a link inside it, and a path that does not exist yet", () => {
    expect(allows("path_prefix", P, { path: "/workspace/safe/ok" }, {}, resolve)).toBe(true);
    expect(allows("path_prefix", "/new", { path: "/new/file" }, {}, resolve)).toBe(true);
  });
  it("follows a link above a file that does not exist yet", () => {
    const existing = new Map([
      ["/workspace/safe", "/workspace/safe"],
      ["/workspace/safe/link", "/etc"],
    ]);
    const real = (path: string) => existing.get(path) ?? null;
    expect(allows("path_prefix", P, { path: "/workspace/safe/new/file" }, {}, real)).toBe(true);
    expect(allows("path_prefix", P, { path: "/workspace/safe/link/new/file" }, {}, real)).toBe(false);
    // `..` climbs out of where the link led.
    expect(allows("path_prefix", P, { path: "/workspace/safe/link/../new" }, {}, real)).toBe(false);
  });
  it("allows a prefix that is itself a link", () => {
    const both = (path: string) => path.replace(/^\/link/, "/data/work");
    expect(allows("path_prefix", "/link", { path: "/link/a" }, {}, both)).toBe(true);
  });
});

describe("path_prefix on an HTTP request", () => {
  it("means the request's own path", () => {
    expect(allowsHttp("path_prefix", "/files", { path: "/files/a" })).toBe(true);
    expect(allowsHttp("path_prefix", "/files/a%20b", { path: "/files/a%20b" })).toBe(true);
    expect(allowsHttp("path_prefix", "/files/a b", { path: "/files/a%20b" })).toBe(true);
    expect(allowsHttp("path_prefix", "/files/a", { path: "/files/b" })).toBe(false);
    expect(allowsHttp("path_prefix", "/files", { path: "/files/%2e%2e/admin" })).toBe(false);
    expect(allowsHttp("path_prefix", "/files", { path: "/files/%zz" })).toBe(false);
  });
  it("is not satisfied or spoilt by a query", () => {
    expect(allowsHttp("path_prefix", "/files/a", { path: "/files/b", query: { path: "/files/a" } })).toBe(false);
    expect(allowsHttp("path_prefix", "/files/a", { path: "/files/a", query: { next: "/other" } })).toBe(true);
  });
});

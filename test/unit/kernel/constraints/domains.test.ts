import { describe, expect, it } from "vitest";
import { allowsHttp, table } from "./harness.ts";

table("domain_exact", [
  ["api.example.com", { url: "https://api.example.com/v1" }, true],
  ["api.example.com", { url: "https://API.Example.com.:443/v1?x=y#z" }, true],
  ["API.example.com", { host: "api.example.com" }, true],
  ["api.example.com", { url: "https://api.example.com", note: "see you" }, true],
  ["api.example.com", { url: "https://evil.example.com/" }, false],
  ["api.example.com", { url: "https://api.example.com.evil.com/" }, false],
  ["api.example.com", { url: "https://api.example.com@evil.com/" }, false],
  ["api.example.com", { url: "https://evil.com#@api.example.com/" }, false],
  ["api.example.com", { url: "https://evil.com\\@api.example.com/" }, false],
  ["api.example.com", { url: "https:evil.com" }, false],
  ["api.example.com", { url: "\\\\evil.com\\share" }, false],
  ["api.example.com", { url: "//evil.com/x" }, false],
  ["api.example.com", { url: "ftp://api.example.com/" }, false],
  ["api.example.com", { url: "https://api.example.com", callback: "http://metadata/" }, false],
  ["api.example.com", { url: "https://api.example.com", proxy: "evil.com" }, false],
  ["api.example.com", { url: "https://api.example.com", text: "get http://evil.com now" }, false],
  ["api.example.com", { url: "https://api.example.com", text: "get https://api.example.com/x now" }, true],
  ["api.example.com", { url: "https://api.example.com", ip: "169.254.169.254" }, false],
  ["api.example.com", { url: "https://api.example.com", ip: "[::1]" }, false],
  ["api.example.com", { url: "https://api.example.com", where: "localhost" }, false],
  ["127.0.0.1", { url: "http://0x7f000001/" }, true],
  ["api.example.com", { url: "" }, false],
  ["api.example.com", { url: "intranet" }, false],
  ["api.example.com", { text: "no host here" }, false],
  ["api.example.com", {}, false],
]);

table("domain_glob", [
  ["*.example.com", { url: "https://a.example.com" }, true],
  ["*.example.com", { url: "https://a.b.example.com" }, true],
  ["*.example.com", { url: "https://example.com" }, false],
  ["*.example.com", { url: "https://a.example.com.evil.com" }, false],
  ["*.example.com", { url: "https://aexample.com" }, false],
  ["api-*.example.com", { url: "https://api-eu.example.com" }, true],
  ["api-*.example.com", { url: "https://api-.evil.com/.example.com" }, false],
  ["*", { url: "https://anything.org" }, true],
  ["*", { text: "no host" }, false],
]);

describe("domains on an HTTP request", () => {
  it("never hold: the upstream is fixed, so there is nothing to judge", () => {
    expect(allowsHttp("domain_exact", "api.example.com", { path: "/files/a", query: { url: "https://api.example.com" } })).toBe(false);
    expect(allowsHttp("domain_glob", "*", { path: "/files/a" })).toBe(false);
  });
});

import { describe, expect, it } from "vitest";
import { decide } from "../../../../sidecar/kernel/decide.ts";
import { context, grant, httpCall, issue } from "../support.ts";
import { allows, allowsHttp, table } from "./harness.ts";

table("regex_match", [
  ["^[a-z]+$", { name: "abc" }, true],
  ["(?i)^select ", { query: "SELECT 1" }, true],
  ["b", { name: "abc" }, true],
  ["^[a-z]+$", { name: "ABC" }, false],
  ["^[a-z]+$", { name: "abc\n" }, false],
  // A decoy does not do it for the argument that matters.
  ["^SELECT", { query: "DROP TABLE x", comment: "SELECT" }, false],
  ["^x$", { count: 3 }, false],
  ["^x$", {}, false],
  // Unusable here: back reference, lookaround, malformed.
  ["(a)\\1", { name: "aa" }, false],
  ["a(?=b)", { name: "ab" }, false],
  ["(", { name: "(" }, false],
]);

describe("regex_match", () => {
  it("takes no exponential time", () => {
    const before = performance.now();
    expect(allows("regex_match", "^(a+)+$", { text: `${"a".repeat(10_000)}!` })).toBe(false);
    expect(performance.now() - before).toBeLessThan(15_000);
  });
  it("is about the raw path of a request", () => {
    expect(allowsHttp("regex_match", "^/files/[a-z]+$", { path: "/files/abc" })).toBe(true);
    expect(allowsHttp("regex_match", "^/files/[a-z]+$", { path: "/files/1", query: { x: "/files/abc" } })).toBe(false);
  });
});

table("max_length", [
  [5, { text: "12345" }, true],
  [5, { text: "123456" }, false],
  [5, { text: "äöü" }, false],
  [6, { text: "äöü" }, true],
  [5, { list: ["1", "123456"] }, false],
  [0, { count: 10 ** 9 }, true],
  [5, {}, true],
]);

table("max_args_size", [
  [11, { a: "12345" }, false],
  [13, { a: "12345" }, true],
  [2, {}, true],
  [1, {}, false],
]);

describe("sizes of a request", () => {
  it("count the query, the path and the body", () => {
    expect(allowsHttp("max_length", 8, { path: "/files/a" })).toBe(true);
    expect(allowsHttp("max_length", 7, { path: "/files/a" })).toBe(false);
    expect(allowsHttp("max_length", 9, { path: "/files/a", query: { q: "0123456789" } })).toBe(false);
    expect(allowsHttp("max_length", 9, { path: "/files/a", body: "0123456789" })).toBe(false);
    expect(allowsHttp("max_args_size", 12, { path: "/files/a", body: "0123456789" })).toBe(true);
    expect(allowsHttp("max_args_size", 11, { path: "/files/a", body: "0123456789" })).toBe(false);
  });
  it.each(["max_length", "max_args_size"])("%s does not hold for a body that nobody has seen", (type) => {
    const token = issue({ grants: [grant("http", "POST /x", { constraints: [{ type, value: 1_000_000 }] })] });
    const seen = httpCall(token, { pattern: "/x", body: "hello" });
    expect(decide(seen, context()).allow).toBe(true);
    const unseen = httpCall(token, { pattern: "/x", body: "hello" });
    delete unseen.http!.body;
    expect(decide(unseen, context()).reasonCode).toBe("constraint_violated");
    const streamed = httpCall(token, { pattern: "/x", route: { streamBody: true } });
    expect(decide(streamed, context()).reasonCode).toBe("constraint_violated");
  });
});

table("custom", [
  [["rate_limit", "10/min"], { rate_limit: "10/min" }, true],
  [["rate_limit", "10/min"], { nested: { RATE_LIMIT: "10/min" } }, true],
  [["rate_limit", "10/min"], { rate_limit: "99/min" }, false],
  [["rate_limit", "10/min"], { rate_limit: "10/min", nested: { rate_limit: "99/min" } }, false],
  [["rate_limit", "10/min"], { rate_limit: 10 }, false],
  [["rate_limit", "10/min"], { other: "10/min" }, false],
  [["rate_limit", "10/min"], {}, false],
]);

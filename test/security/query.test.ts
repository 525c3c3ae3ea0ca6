import { describe, expect, test } from "vitest";
import { get, world } from "./harness/world.ts";

const w = world();

describe("17 queries that readers take apart differently", () => {
  test.each([
    ["a repeated name", "a=1&a=2", "duplicate_query_parameter"],
    ["a repeated name, once encoded", "a=1&%61=2", "duplicate_query_parameter"],
    ["a repeated name with + and %20", "a+b=1&a%20b=2", "duplicate_query_parameter"],
    ["a repeated array name", "a[]=1&a[]=2", "duplicate_query_parameter"],
    ["a name both plain and as an array", "a=1&a[]=2", "ambiguous_query"],
    ["a semicolon", "a=1;b=2", "ambiguous_query"],
    ["an empty name", "=1", "ambiguous_query"],
    ["NUL in a name", "a%00b=1", "encoded_control"],
    ["a line end in a name", "a%0ab=1", "encoded_control"],
    ["NUL in a value", "a=%00", "encoded_control"],
    ["a broken escape", "a=%zz", "bad_percent_encoding"],
    ["a broken escape in a name", "%a=1", "bad_percent_encoding"],
    ["overlong UTF-8", "a=%c0%ae", "invalid_utf8"],
    ["a backslash", "a=\\", "backslash"],
  ])("%s: ?%s", async (_name, query, reason) => {
    await w.refused(get(`/open?${query}`), 400, reason);
  });

  test.each([
    "",
    "a",
    "a=",
    "a&b",
    "a=1&&b=2",
    "x=+%2B%20",
    "q=a/b?c:d@e",
    "f[x]=1&f[y]=2",
    "caf%C3%A9=%E2%82%AC",
    "x=%0d%0aSet-Cookie:evil",
    "a=1|2^{3}",
  ])("arrives byte for byte: ?%s", async (query) => {
    const { seen } = await w.forwarded(get(`/open?${query}`));
    expect(seen.target).toBe(`/open?${query}`);
  });

  test("27 names that objects have of themselves", async () => {
    await w.forwarded(get("/open?__proto__=1&constructor=2&toString=3&hasOwnProperty=4"));
    await w.refused(get("/open?__proto__=1&__proto__=2"), 400, "duplicate_query_parameter");
  });
});

describe("18 too many parameters, and capabilities in two places", () => {
  test("one beyond the limit", async () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => `p${i}=1`).join("&");
    await w.forwarded(get(`/open?${many(256)}`));
    await w.refused(get(`/open?${many(256)}&hidden=1`), 400, "too_many_query_parameters");
  });
  test("a target beyond its limit", async () => {
    await w.forwarded(get(`/open?x=${"a".repeat(8_192 - "/open?x=".length)}`));
    await w.refused(get(`/open?x=${"a".repeat(8_193 - "/open?x=".length)}`), 414, "target_too_long");
    // Beyond the parser's own limit; what it can still tell about such a request differs between Node and Bun.
    const { answers } = await w.harmless(get(`/${"a".repeat(100_000)}`));
    expect([414, 431]).toContain(answers[0]?.status);
  });
  test("a capability in the query and another in the header", async () => {
    const other = JSON.stringify(w.sidecar.capability());
    await w.refused(
      get(`/admin?chio_capability=${encodeURIComponent(w.token)}`, `X-Chio-Capability: ${other}`),
      400,
      "capability_conflict",
    );
    await w.refused(
      get("/admin", `X-Chio-Capability: ${w.token}`, `Authorization: Bearer ${Buffer.from(other).toString("base64url")}`),
      400,
      "capability_conflict",
    );
  });
  test("the same one twice is one", async () => {
    const { seen } = await w.forwarded(get(`/admin?chio_capability=${encodeURIComponent(w.token)}`, `X-Chio-Capability: ${w.token}`));
    expect(JSON.stringify(seen.headers) + seen.target).not.toContain("signature");
  });
  test("a repeated capability parameter", async () => {
    const once = `chio_capability=${encodeURIComponent(w.token)}`;
    await w.refused(get(`/admin?${once}&${once}`), 400, "duplicate_query_parameter");
  });
});

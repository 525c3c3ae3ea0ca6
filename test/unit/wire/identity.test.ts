import { describe, expect, test } from "vitest";
import { canonicalize } from "../../../sidecar/wire/canonical.ts";
import { sha256Hex } from "../../../sidecar/wire/hash.ts";
import { callerIdentityHash, extractCaller, httpContentHash } from "../../../sidecar/wire/identity.ts";

const ANONYMOUS = { subject: "anonymous", auth_method: { method: "anonymous" }, verified: false };

describe("the caller", () => {
  test("by bearer token: its hash, never the token", () => {
    const caller = extractCaller("Bearer s3cret-token", "key");
    const hash = sha256Hex("s3cret-token");
    expect(caller).toEqual({
      subject: `bearer:${hash.slice(0, 16)}`,
      auth_method: { method: "bearer", token_hash: hash },
      verified: false,
    });
    expect(canonicalize(caller)).not.toContain("s3cret");
  });

  test("by API key where there is no bearer token", () => {
    const hash = sha256Hex("key-1");
    const expected = {
      subject: `apikey:${hash.slice(0, 16)}`,
      auth_method: { method: "api_key", key_name: "x-api-key", key_hash: hash },
      verified: false,
    };
    for (const authorization of [
      undefined,
      "",
      "Basic abc",
      "bearer lower",
      "Bearer",
      "Bearer ",
      "Bearer  two",
      "Bearer tail ",
      "Bearer \t",
    ]) {
      expect(extractCaller(authorization, "key-1")).toEqual(expected);
    }
  });

  test("else anonymous, as a value of its own each time", () => {
    for (const key of [undefined, "", " ", " key"]) expect(extractCaller(undefined, key)).toEqual(ANONYMOUS);
    extractCaller(undefined, undefined).subject = "changed";
    expect(extractCaller(undefined, undefined)).toEqual(ANONYMOUS);
  });

  test("two callers never share a hash", () => {
    const hashes = [
      extractCaller("Bearer a", undefined),
      extractCaller("Bearer b", undefined),
      extractCaller(undefined, "a"),
      extractCaller(undefined, undefined),
    ].map(callerIdentityHash);
    expect(new Set(hashes).size).toBe(4);
  });
});

describe("the content hash", () => {
  const content = { method: "POST", path: "/pets", query: {}, routePattern: "/pets", bodyHash: null };
  test("binds every part", () => {
    const hashes = [
      content,
      { ...content, method: "PUT" },
      { ...content, path: "/pets/" },
      { ...content, query: { a: "1" } },
      { ...content, query: { a: ["1", "2"] } },
      { ...content, routePattern: "/{x}" },
      { ...content, bodyHash: sha256Hex("") },
    ].map(httpContentHash);
    expect(new Set(hashes).size).toBe(7);
  });

  test("writes an absent body as null, and sorts the query", () => {
    expect(httpContentHash(content)).toBe(
      sha256Hex('{"body_hash":null,"method":"POST","path":"/pets","query":{},"route_pattern":"/pets"}'),
    );
    expect(httpContentHash({ ...content, query: { b: "1", a: "2" } })).toBe(httpContentHash({ ...content, query: { a: "2", b: "1" } }));
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HttpRefusal } from "../../../sidecar/http/errors.ts";
import { decodedSegments, parseTarget } from "../../../sidecar/http/target.ts";

const LIMITS = { maxTargetBytes: 8_192, maxQueryParameters: 4 };
const reason = (target: string): string => {
  try {
    parseTarget(target, LIMITS);
    return "accepted";
  } catch (error) {
    if (error instanceof HttpRefusal) return error.code;
    throw error;
  }
};

describe("paths", () => {
  test.each([
    "/",
    "/a",
    "/a/",
    "/a/b.c",
    "/.well-known/x",
    "/a%20b",
    "/caf%C3%A9",
    "/a:b@c,d=e",
    "/100%25off",
    "/~user",
    "/%2525",
    "/%3Fwhat%23",
  ])("%s is accepted as it is", (path) => {
    expect(parseTarget(path, LIMITS)).toMatchObject({ path, rawQuery: null, pairs: [] });
  });

  // What a reader that decodes once, and a reader that does not decode, may both do with an accepted path.
  test("an accepted path has no second reading", () => {
    const piece = fc.constantFrom(
      "a",
      "/",
      ".",
      "..",
      "%2e",
      "%2F",
      "%5c",
      "\\",
      ";",
      "%25",
      "2e",
      "2f",
      "%00",
      "%c3%a9",
      "%C0",
      "%AE",
      "#",
      "?",
      "//",
      "%EF%BC%8F",
      " ",
      "%7e",
      "%zz",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const target = `/${pieces.join("")}`;
        if (reason(target) !== "accepted") return;
        const { path } = parseTarget(target, LIMITS);
        const segments = decodedSegments(path);
        expect(segments.join("/").split("/")).toEqual(segments);
        expect(segments.slice(0, -1)).not.toContain("");
        for (const segment of segments) {
          expect(segment === "." || segment === "..").toBe(false);
          expect(segment).not.toMatch(/[\\\0-\x1f\x7f;]/);
          expect(segment.normalize("NFKC")).not.toMatch(/[/\\]/);
          // Decoded once more, it is still one segment and no dot segment.
          expect(segment).not.toMatch(/%(?:2e|2f|5c|00)/i);
        }
        // The WHATWG parser, which rewrites what it can, finds nothing to rewrite.
        expect(new URL(path, "http://h").pathname).toBe(path);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("queries", () => {
  test("names and values are decoded, the pairs kept as they came", () => {
    const { query, pairs, rawQuery } = parseTarget("/x?a=1+2&b=%C3%A9&c", LIMITS);
    expect({ ...query }).toEqual({ a: "1 2", b: "é", c: "" });
    expect(pairs.map(({ raw }) => raw)).toEqual(["a=1+2", "b=%C3%A9", "c"]);
    expect(rawQuery).toBe("a=1+2&b=%C3%A9&c");
  });
  test("the record has no prototype", () => {
    const { query } = parseTarget("/x?__proto__=1&constructor=2", LIMITS);
    expect(Object.getPrototypeOf(query)).toBeNull();
    expect(Object.keys(query)).toEqual(["__proto__", "constructor"]);
  });
  test("an empty query is not none", () => {
    expect(parseTarget("/x?", LIMITS)).toMatchObject({ rawQuery: "", pairs: [] });
  });
  test("the limit on parameters", () => {
    expect(reason("/x?a&b&c&d")).toBe("accepted");
    expect(reason("/x?a&b&c&d&e")).toBe("too_many_query_parameters");
  });
  test("agrees with URLSearchParams on everything that it accepts", () => {
    const piece = fc.constantFrom("a", "b", "=", "&", "+", "%20", "%26", "%3D", "%C3%A9", "%", ";", "[]", "1");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const raw = pieces.join("");
        if (reason(`/x?${raw}`) !== "accepted") return;
        const expected = Object.assign(Object.create(null), Object.fromEntries(new URLSearchParams(raw)));
        expect(parseTarget(`/x?${raw}`, LIMITS).query).toEqual(expected);
      }),
      { numRuns: 2_000 },
    );
  });
});

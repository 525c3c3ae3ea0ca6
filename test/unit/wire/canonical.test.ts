import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalBytes, canonicalize, canonicalMembers, joinMembers } from "../../../sidecar/wire/canonical.ts";
import { WireError } from "../../../sidecar/wire/errors.ts";
import type { Json } from "../../../sidecar/wire/json.ts";
import { parseJson } from "../../../sidecar/wire/parse.ts";
import { json } from "./arbitraries.ts";

function doubleOf(hex: string): number {
  return Buffer.from(hex, "hex").readDoubleBE(0);
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
  return "nothing thrown";
}

describe("RFC 8785", () => {
  // Appendix B.
  test.each([
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555554", "333333333.33333325"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ])("double %s is %s", (hex, expected) => {
    expect(canonicalize(doubleOf(hex))).toBe(expected);
  });

  test("the sample of section 3.2", () => {
    const input = String.raw`{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
      "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}`;
    expect(canonicalize(parseJson(input))).toBe(
      String.raw`{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  test("keys are sorted by UTF-16 units, section 3.2.3", () => {
    const keys = ["\u20ac", "\r", "\ufb33", "1", "\ud83d\ude00", "\u0080", "\u00f6"];
    const sorted = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\ud83d\ude00", "\ufb33"];
    const text = canonicalize(Object.fromEntries(keys.map((key) => [key, 0])));
    expect(Object.keys(parseJson(text) as object).filter((key) => key !== "1")).toEqual(sorted.filter((key) => key !== "1"));
    expect(text).toBe('{"\\r":0,"1":0,"\\u0080":0,"ö":0,"€":0,"😀":0,"\ufb33":0}');
  });

  test("many keys are sorted too", () => {
    const keys = Array.from({ length: 200 }, (_, i) => `k${(i * 7919) % 200}`);
    const written = [...canonicalize(Object.fromEntries(keys.map((key) => [key, 1]))).matchAll(/"(k\d+)"/g)].map((match) => match[1]);
    expect(written).toEqual([...keys].sort());
  });
});

describe("where this format differs from RFC 8785", () => {
  test("U+007F to U+009F are escaped, their neighbours are not", () => {
    expect(canonicalize("\u007e\u007f\u0080\u009f\u00a0\u2028\u2029/")).toBe('"~\\u007f\\u0080\\u009f\u00a0\u2028\u2029/"');
  });

  test("integers of 64 bits keep every digit", () => {
    expect(canonicalize([2n ** 53n + 1n, 2n ** 64n - 1n, -(2n ** 63n), 5n, -0n])).toBe(
      "[9007199254740993,18446744073709551615,-9223372036854775808,5,0]",
    );
  });
});

describe("what has no JSON form is refused", () => {
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  test.each<[string, unknown, string]>([
    ["NaN", Number.NaN, "number_out_of_range"],
    ["Infinity", [Number.POSITIVE_INFINITY], "number_out_of_range"],
    ["an integer over u64", 2n ** 64n, "number_out_of_range"],
    ["an integer under i64", -(2n ** 63n) - 1n, "number_out_of_range"],
    ["a high surrogate alone", "a\ud800", "lone_surrogate"],
    ["a low surrogate alone in a key", { "\udc00": 1 }, "lone_surrogate"],
    ["undefined", undefined, "not_json"],
    ["undefined in an array", [undefined], "not_json"],
    ["a hole in an array", new Array(2), "not_json"],
    ["a function", () => 1, "not_json"],
    ["a symbol", { s: Symbol("s") }, "not_json"],
    ["a date", new Date(0), "not_json"],
    ["a map", new Map(), "not_json"],
    ["bytes", new Uint8Array(2), "not_json"],
    ["a cycle", cyclic, "too_deep"],
  ])("%s", (_name, value, code) => {
    expect(codeOf(() => canonicalize(value as Json))).toBe(code);
  });

  test("an undefined property is absent, an own __proto__ is a key", () => {
    expect(canonicalize({ b: undefined, a: 1 })).toBe('{"a":1}');
    expect(canonicalize(parseJson('{"__proto__":{"x":1},"a":2}'))).toBe('{"__proto__":{"x":1},"a":2}');
    expect(canonicalize(Object.assign(Object.create(null), { z: 1 }))).toBe('{"z":1}');
  });
});

describe("properties", () => {
  test("the canonical form is a fixed point", () => {
    fc.assert(
      fc.property(json, (value) => {
        const once = canonicalize(value);
        expect(canonicalize(parseJson(once))).toBe(once);
        expect(Buffer.from(canonicalBytes(value)).toString("utf8")).toBe(once);
      }),
      { numRuns: 500 },
    );
  });

  test("the order in which keys were written does not matter", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), fc.nat(), (object, seed) => {
        const entries = Object.entries(object);
        const turned = [...entries.slice(seed % (entries.length + 1)), ...entries.slice(0, seed % (entries.length + 1))];
        expect(canonicalize(Object.fromEntries(turned))).toBe(canonicalize(object));
      }),
    );
  });

  test("equal text means equal values", () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        fc.pre(canonicalize(a) !== canonicalize(b));
        expect(parseJson(canonicalize(a))).not.toEqual(parseJson(canonicalize(b)));
      }),
    );
  });

  test("members joined again are the object, with what was added in its place", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), json), fc.string(), (object, id) => {
        const { id: _id, signature: _signature, ...body } = object;
        const parts = canonicalMembers(body);
        expect(joinMembers(parts, [])).toBe(canonicalize(body));
        expect(
          joinMembers(parts, [
            ["id", id],
            ["signature", "s"],
          ]),
        ).toBe(canonicalize({ ...body, id, signature: "s" }));
      }),
    );
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WireError } from "../../../sidecar/wire/errors.ts";
import { type ParseOptions, parseJson } from "../../../sidecar/wire/parse.ts";
import { anyText } from "../any-text.ts";

function refusal(text: string | Uint8Array, options?: ParseOptions): string {
  try {
    parseJson(text, options);
  } catch (error) {
    if (error instanceof WireError) return error.code;
    throw error;
  }
  return "accepted";
}

const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);

describe("refuses", () => {
  test.each<[string, string | Uint8Array, string]>([
    ["nothing", "", "invalid_json"],
    ["space only", " \n\t ", "invalid_json"],
    ["two values", "1 2", "trailing_data"],
    ["a comma after the value", "{},", "trailing_data"],
    ["a NUL after the value", "1\u0000", "trailing_data"],
    ["a duplicate key", '{"a":1,"b":2,"a":3}', "duplicate_key"],
    ["a duplicate key by escape", '{"a":1,"\\u0061":2}', "duplicate_key"],
    ["a duplicate key deep inside", '[{"x":{"k":1,"k":1}}]', "duplicate_key"],
    ["a duplicate __proto__", '{"__proto__":1,"__proto__":2}', "duplicate_key"],
    ["a byte order mark", "\ufeff{}", "byte_order_mark"],
    ["a byte order mark in bytes", Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d), "byte_order_mark"],
    ["UTF-16 bytes", Buffer.from("{}", "utf16le"), "invalid_json"],
    ["an overlong sequence", Uint8Array.of(0x22, 0xc0, 0x80, 0x22), "invalid_utf8"],
    ["a surrogate in UTF-8", Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22), "invalid_utf8"],
    ["a sequence cut off", Uint8Array.of(0x22, 0xe2, 0x82), "invalid_utf8"],
    ["a lone high surrogate", '"\ud800"', "lone_surrogate"],
    ["an escaped lone high surrogate", '"\\ud800"', "lone_surrogate"],
    ["an escaped lone low surrogate in a key", '{"\\udc00":1}', "lone_surrogate"],
    ["an escaped pair in the wrong order", '"\\udc00\\ud800"', "lone_surrogate"],
    ["an escaped high surrogate before a letter", '"\\ud83dx"', "lone_surrogate"],
    ["a trailing comma in an object", '{"a":1,}', "invalid_json"],
    ["a trailing comma in an array", "[1,]", "invalid_json"],
    ["a missing comma", "[1 2]", "invalid_json"],
    ["a missing colon", '{"a" 1}', "invalid_json"],
    ["single quotes", "{'a':1}", "invalid_json"],
    ["an unquoted key", "{a:1}", "invalid_json"],
    ["a comment", "{}//x", "trailing_data"],
    ["a comment before", "/*x*/{}", "invalid_json"],
    ["an unclosed object", '{"a":1', "invalid_json"],
    ["an unclosed array", "[", "invalid_json"],
    ["an unclosed string", '"abc', "invalid_json"],
    ["a string cut off in an escape", '"abc\\', "invalid_json"],
    ["a raw newline in a string", '"a\nb"', "invalid_json"],
    ["a raw NUL in a string", '"a\u0000b"', "invalid_json"],
    ["a raw tab after an escape", '"\\n\tb"', "invalid_json"],
    ["an unknown escape", '"\\x41"', "invalid_json"],
    ["a short unicode escape", '"\\u12"', "invalid_json"],
    ["a unicode escape with a sign", '"\\u+123"', "invalid_json"],
    ["a leading zero", "01", "invalid_json"],
    ["a leading zero after minus", "-012", "invalid_json"],
    ["a plus sign", "+1", "invalid_json"],
    ["a lone minus", "-", "invalid_json"],
    ["a bare fraction", ".5", "invalid_json"],
    ["a bare point", "1.", "invalid_json"],
    ["an empty exponent", "1e", "invalid_json"],
    ["a signed empty exponent", "1e+", "invalid_json"],
    ["hexadecimal", "0x10", "trailing_data"],
    ["NaN", "NaN", "invalid_json"],
    ["Infinity", "Infinity", "invalid_json"],
    ["minus Infinity", "-Infinity", "invalid_json"],
    ["a number over any double", "1e400", "number_out_of_range"],
    ["an integer over any double", "9".repeat(400), "number_out_of_range"],
    ["upper-case literals", "True", "invalid_json"],
    ["a literal cut off", "nul", "invalid_json"],
    ["a no-break space", "\u00a01", "invalid_json"],
    ["65 levels", nested(65), "too_deep"],
    ["65 levels of objects", `${'{"a":'.repeat(65)}1${"}".repeat(65)}`, "too_deep"],
    ["a very deep array", "[".repeat(1_000_000), "too_deep"],
  ])("%s", (_name, text, code) => {
    expect(refusal(text)).toBe(code);
  });

  test("more bytes than the limit, counted in UTF-8", () => {
    expect(refusal('"abc"', { maxBytes: 5 })).toBe("accepted");
    expect(refusal('"abcd"', { maxBytes: 5 })).toBe("too_large");
    expect(refusal('"é€"', { maxBytes: 7 })).toBe("accepted");
    expect(refusal('"é€"', { maxBytes: 6 })).toBe("too_large");
    expect(refusal(Buffer.from('"é€"'), { maxBytes: 6 })).toBe("too_large");
    expect(refusal(`"${"a".repeat(10 * 1024 * 1024)}"`)).toBe("too_large");
  });

  test("the message says where, on one line, and never repeats a long text", () => {
    expect(() => parseJson('{\n  "a": 1,\n  "a": 2\n}')).toThrow('duplicate key "a" (line 3, column 3)');
    expect(() => parseJson("[1, x]")).toThrow('a JSON value was expected, not "x" (line 1, column 5)');
    const long = "k".repeat(5000);
    try {
      parseJson(`{"${long}":1,"${long}":1}`);
      expect.unreachable();
    } catch (error) {
      expect((error as Error).message.length).toBeLessThan(120);
      expect((error as Error).message).not.toContain("\n");
    }
  });
});

describe("reads", () => {
  test("64 levels", () => {
    expect(refusal(nested(64))).toBe("accepted");
    expect(refusal(nested(65), { maxDepth: 65 })).toBe("accepted");
  });

  test("siblings do not add up to depth", () => {
    expect(refusal(`[${Array.from({ length: 1000 }, () => "[[]]").join(",")}]`, { maxDepth: 3 })).toBe("accepted");
  });

  test("integers of 64 bits exactly, everything else as a double", () => {
    const text =
      "[9007199254740991,9007199254740992,9007199254740993,-9007199254740993,9223372036854775807,-9223372036854775808,18446744073709551615]";
    expect(parseJson(text)).toEqual([
      9007199254740991,
      9007199254740992n,
      9007199254740993n,
      -9007199254740993n,
      9223372036854775807n,
      -9223372036854775808n,
      18446744073709551615n,
    ]);
    expect(parseJson("[18446744073709551616,-9223372036854775809,1.0,1e2,9007199254740993.0,-0,-0.0,0]")).toEqual([
      2 ** 64,
      -(2 ** 63),
      1,
      100,
      9007199254740992,
      0,
      0,
      0,
    ]);
  });

  test("an own __proto__ without touching any prototype", () => {
    const value = parseJson('{"__proto__":{"polluted":true},"constructor":1,"hasOwnProperty":2}') as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(["__proto__", "constructor", "hasOwnProperty"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect((value as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test("every escape, and pairs in both spellings", () => {
    expect(parseJson('"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uD83D\\ude00😀\\u0000"')).toBe('"\\/\b\f\n\r\tA😀😀\u0000');
  });
});

describe("properties", () => {
  test("agrees with JSON.parse on what JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 2), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        fc.pre(text.isWellFormed() && !/\\ud[89a-f]/i.test(text) && !hasUnsafeInteger(value));
        expect(parseJson(text)).toEqual(noMinusZero(JSON.parse(text)));
        expect(parseJson(Buffer.from(text))).toEqual(noMinusZero(JSON.parse(text)));
      }),
      { numRuns: 500 },
    );
  });

  test("accepts nothing that JSON.parse refuses, and refuses with WireError only", () => {
    const soup = fc.array(
      fc.constantFrom(
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"',
        "\\",
        "u",
        "0",
        "1",
        "-",
        ".",
        "e",
        "E",
        "+",
        " ",
        "\n",
        "true",
        "null",
        "a",
        '"k"',
        "\\ud83d",
      ),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          soup.map((parts) => parts.join("")),
          anyText(),
        ),
        (text) => {
          const code = refusal(text);
          if (code !== "accepted") return;
          expect(() => JSON.parse(text)).not.toThrow();
        },
      ),
      { numRuns: 1500 },
    );
  });

  test("arbitrary bytes give a value or a WireError", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(typeof refusal(bytes)).toBe("string");
      }),
      { numRuns: 1000 },
    );
  });

  test("a changed byte of a valid text gives a value or a WireError", () => {
    const text = Buffer.from('{"a":[1,2.5e3,"x\\n😀"],"b":{"c":null,"d":true},"e":18446744073709551615}');
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const changed = Uint8Array.from(text);
        changed[at] = byte;
        expect(typeof refusal(changed)).toBe("string");
      }),
      { numRuns: 1000 },
    );
  });
});

function noMinusZero(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(noMinusZero);
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).map(([key, item]) => [key, noMinusZero(item)] as const);
    return Object.fromEntries(entries);
  }
  return value === 0 ? 0 : value;
}

/** JSON.stringify writes big doubles as digits; read back exactly they are a bigint here and a double there. */
function hasUnsafeInteger(value: unknown): boolean {
  if (typeof value === "number") return Number.isInteger(value) && !Number.isSafeInteger(value);
  if (typeof value === "object" && value !== null) return Object.values(value).some(hasUnsafeInteger);
  return false;
}

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OPENAPI_LIMITS, POLICY_LIMITS, readDocument } from "../../../sidecar/policy/document.ts";
import { PolicyError } from "../../../sidecar/policy/errors.ts";
import { nearest } from "../../../sidecar/policy/nearest.ts";

const read = (text: string) => readDocument(text, "doc.yaml", POLICY_LIMITS);

function problems(text: string): string[] {
  try {
    read(text);
  } catch (error) {
    if (error instanceof PolicyError) return error.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
    throw error;
  }
  return [];
}

describe("values", () => {
  test("are what YAML 1.2 says", () => {
    expect(read("a: yes\nb: true\nc: 010\nd: 0x10\ne: ~\nf: 1.5\ng: 2020-01-01\nh: 18446744073709551615\n1: x\n").value).toEqual({
      a: "yes",
      b: true,
      c: 10,
      d: 16,
      e: null,
      f: 1.5,
      g: "2020-01-01",
      h: 18446744073709551615n,
      1: "x",
    });
  });

  test("an alias repeats its anchor", () => expect(read("a: &x [1]\nb: *x\n").value).toEqual({ a: [1], b: [1] }));

  test("__proto__ is a key like any other", () => {
    for (const text of ["__proto__: {polluted: true}\n", '{"__proto__": {"polluted": true}}']) {
      const value = read(text).value as object;
      expect(Object.keys(value)).toEqual(["__proto__"]);
      expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    }
  });

  test("JSON means the same by both readers", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue({ maxDepth: 3 })), (object) => {
        const json = JSON.stringify(object);
        // Refused in YAML, even in quotes: readers disagree about what it means there.
        fc.pre(!json.includes('"<<"'));
        // A comment makes it YAML.
        expect(read(`${json} # yaml`).value).toEqual(read(json).value);
      }),
    );
  });
});

describe("refusals", () => {
  test.each([
    ["a: 1\na: 2\n", '2:1 key "a" stands twice in the same mapping'],
    ['{"a": 1,\n "a": 2}', '2:2 key "a" stands twice in the same mapping'],
    ["a: 1\n---\nb: 2\n", "2:1 holds more than one YAML document"],
    ["%YAML 1.1\n---\na: yes\n", "1:1 asks for YAML 1.1"],
    ["a: !secret x\n", "1:4 is not valid YAML: Unresolved tag: !secret"],
    ["a: &x [*x]\n", "1:8 alias *x contains itself"],
    ["a: *nowhere\n", "1:4 alias *nowhere has no anchor before it"],
    ["<<: {a: 1}\n", "1:1 merge keys (<<) are not YAML 1.2"],
    ["a: .inf\n", "1:4 is not a JSON value (infinity, NaN and dates have no place here)"],
    ["? [a]\n: 1\n", "1:3 is not valid YAML: With stringKeys, all keys must be strings"],
    ["[".repeat(50_000), "0:0 is nested too deeply to be read"],
    ["a: ".padEnd((1 << 20) + 1, "x"), `0:0 is ${(1 << 20) + 1} characters long; the limit is ${1 << 20}`],
  ])("$1", (text, problem) => expect(problems(text)).toContain(problem));

  test("aliases may not multiply a small text into a large one", () => {
    const lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let i = 1; i < 9; i += 1)
      lines.push(
        `a${i}: &a${i} [${Array(10)
          .fill(`*a${i - 1}`)
          .join(", ")}]`,
      );
    const start = performance.now();
    expect(problems(lines.join("\n"))[0]).toContain("expands to more than 100000 values");
    expect(performance.now() - start).toBeLessThan(15_000);
  });

  test("deep JSON is refused, not crashed on", () => {
    const text = `{"a":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
    expect(() => readDocument(text, "x", OPENAPI_LIMITS)).toThrow(PolicyError);
  });
});

describe("places", () => {
  const document = read("top:\n  list:\n    - one\n    - {k: v}\n  empty:\nalias: &a {inner: 5}\nuse: *a\n");
  test.each([
    [["top"], "1:1"],
    [["top", "list"], "2:3"],
    [["top", "list", 0], "3:7"],
    [["top", "list", 1, "k"], "4:11"],
    [["top", "empty"], "5:3"],
    [["use", "inner"], "6:19"],
    [["top", "missing"], "1:1"],
    [[], "1:1"],
  ])("%j stands at %s", (path, place) => {
    const { line, column } = document.problem("document_wrong_value", path, "m");
    expect(`${line}:${column}`).toBe(place);
  });

  test("the key, when the key is meant", () => {
    const { line, column } = document.problem("document_unknown_key", ["top", "list", 1, "k"], "m", { at: "key" });
    expect(`${line}:${column}`).toBe("4:8");
  });

  test("JSON, too", () => {
    const json = readDocument('{\n\t"a": {"b": [1, 2]}\n}', "j", POLICY_LIMITS);
    const { line, column, path } = json.problem("document_wrong_value", ["a", "b", 1], "m");
    expect([line, column, path]).toEqual([2, 17, "a.b[1]"]);
  });
});

describe("nearest", () => {
  test.each([
    ["egres", "egress"],
    ["defualt", "default"],
    ["EGRESS", "egress"],
    ["zzz", undefined],
  ])("%s", (word, expected) => expect(nearest(word, ["egress", "default", "tool_access"])).toBe(expected));
});

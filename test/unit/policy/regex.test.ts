import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileRegex, compileRegexSet, RegexSyntaxError } from "../../../sidecar/policy/regex/index.ts";
import { MAX_PATTERN_LENGTH } from "../../../sidecar/policy/regex/parse.ts";

describe("matching", () => {
  test.each([
    ["abc", "xxabcxx", true],
    ["^abc$", "xabc", false],
    ["^abc$", "abc", true],
    ["a{2,3}b", "ab", false],
    ["a{2,3}b", "aaab", true],
    ["^a{2,3}$", "aaaa", false],
    ["a{2,}", "a", false],
    ["(?i)aKiA", "AkIa", true],
    ["x(?i:y)z", "xYz", true],
    ["x(?i:y)z", "xYZ", false],
    ["(?i)[^a]", "A", false],
    ["a.c", "a\nc", false],
    ["(?s)a.c", "a\nc", true],
    ["(?m)^b$", "a\nb\nc", true],
    ["^b$", "a\nb\nc", false],
    ["\\bkey\\b", "a key.", true],
    ["\\bkey\\b", "monkey", false],
    ["\\Bkey", "monkey", true],
    ["\\Akey\\z", "key", true],
    ["[[:alpha:]]+[[:digit:]]", "ab1", true],
    ["[[:^digit:]]", "123", false],
    ["[\\d\\-x]y", "-y", true],
    ["[]a]b", "]b", true],
    ["\\x41\\u0042\\x{43}", "ABC", true],
    ["(?P<name>a)|b", "b", true],
    ["(?<name>a)+", "a", true],
    ["a|", "", true],
    ["(a*)*b", "aaab", true],
    ["(|a)*b", "aab", true],
    ["\\s=", "\u00a0=", true],
    ["^.$", "\u{1f511}", true],
    ["\u{1f511}{2}", "\u{1f511}\u{1f511}", true],
    ["(?i)\u00e9", "\u00c9", true],
    ["[\u{1f510}-\u{1f512}]", "\u{1f511}", true],
  ])("%s on %j", (pattern, text, expected) => {
    expect(compileRegex(pattern).test(text)).toBe(expected);
  });

  test("a set reports the first pattern at the earliest end", () => {
    const set = compileRegexSet(["zzz", "b+c", "bc"]);
    expect(set.search("aabbcd")).toEqual({ pattern: 1, end: 5 });
    expect(set.search("nothing")).toBeNull();
  });

  test("agrees with the platform's engine on every pattern both can read", () => {
    const atom = fc.constantFrom("a", "b", "c", ".", "[ab]", "[^b]", "\\w", "\\d", "\\s", "\\b", "^", "$", "\n");
    const { pattern } = fc.letrec<{ pattern: string; item: string; group: string }>((tie) => ({
      pattern: fc.oneof(
        { maxDepth: 3 },
        fc.array(tie("item"), { minLength: 1, maxLength: 4 }).map((items) => items.join("")),
        tie("group"),
      ),
      item: fc.oneof(
        { maxDepth: 3 },
        atom,
        fc
          .tuple(fc.constantFrom("a", "b", ".", "[^a]"), fc.constantFrom("*", "+", "?", "{2}", "{1,2}", "{0,}", "*?"))
          .map((pair) => pair.join("")),
        fc.tuple(tie("group"), fc.constantFrom("", "*", "+", "?", "{2}")).map((pair) => pair.join("")),
      ),
      group: fc.tuple(tie("pattern"), tie("pattern")).map(([left, right]) => `(?:${left}|${right})`),
    }));
    const text = fc.string({ unit: fc.constantFrom("a", "b", "c", "1", " ", "\n", "_"), maxLength: 12 });
    fc.assert(
      fc.property(pattern, text, (source, subject) => {
        fc.pre(source.length <= MAX_PATTERN_LENGTH);
        expect(compileRegex(source).test(subject)).toBe(new RegExp(source).test(subject));
      }),
      { numRuns: 500 },
    );
  });
});

describe("time", () => {
  test.each(["(a+)+$b", "(a|a)*b", "(a*)*b", "(.*a){20}b", "a*a*a*a*a*a*b", "(?:a?){50}b"])("%s takes linear time", (pattern) => {
    const regex = compileRegex(pattern);
    const text = "a".repeat(300_000);
    regex.test(text);
    const start = performance.now();
    expect(regex.test(text)).toBe(false);
    // A backtracking engine needs longer than the age of the universe for most of these.
    expect(performance.now() - start).toBeLessThan(15_000);
  });

  test("more states than the cache holds are no obstacle", () => {
    // Which of the last 14 characters were an a: 16384 states.
    const regex = compileRegex("a.{14}b");
    let seed = 1;
    let text = "";
    for (let i = 0; i < 60_000; i += 1) {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      text += seed % 3 === 0 ? "a" : "c";
    }
    expect(regex.test(text)).toBe(false);
    expect(regex.test(`${text}a${"c".repeat(14)}b`)).toBe(true);
  });
});

describe("refusals", () => {
  test.each([
    ["(a", "a ( is not closed, at character 3"],
    ["a)", "unexpected ), at character 2"],
    ["[a", "a [ is not closed, at character 1"],
    ["*a", "nothing before * to repeat, at character 1"],
    ["a{2", "{ begins no count like {2}, {2,} or {2,5}; write \\{ for the character, at character 2"],
    ["a{3,2}", "a count ends below where it begins, at character 2"],
    ["a{1001}", "a count is over 1000, at character 2"],
    ["(?=a)", "lookaround is not supported, because it cannot be matched in linear time, at character 3"],
    ["(?<!a)b", "lookaround is not supported, because it cannot be matched in linear time, at character 3"],
    ["(a)\\1", "back references are not supported, because they cannot be matched in linear time, at character 4"],
    ["\\p{L}", "\\p is not supported, at character 3"],
    ["\\Z", "\\Z is not supported, at character 3"],
    ["a++", "possessive repetition is not supported, at character 3"],
    ["[z-a]", "a range ends below where it begins, at character 5"],
    ["[a&&b]", "set operations inside a class are not supported, at character 3"],
    ["[[:nope:]]", "[:nope:] is not a class, at character 2"],
    ["(?x)a", "this kind of group or flag is not supported (i, m and s are), at character 3"],
    ["\\x{110000}", "a hexadecimal escape is not a code point, at character 3"],
    ["a\\", "the pattern ends too early, at character 3"],
    ["^*", "an anchor cannot be repeated, at character 3"],
    ["(a{1000}){1000}", "the patterns are too large together, at character 1"],
    ["((a{99}){99}){99}", "the patterns are too large together, at character 1"],
    ["a".repeat(1025), "the pattern is longer than 1024 characters, at character 1025"],
    ["(".repeat(41), "groups are nested more than 40 deep, at character 42"],
  ])("%s", (pattern, message) => {
    expect(() => compileRegex(pattern)).toThrow(
      new RegexSyntaxError(message.replace(/, at character \d+$/, ""), Number(/(\d+)$/.exec(message)?.[1]) - 1),
    );
  });

  test("any text either compiles or is refused with a RegexSyntaxError", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."ab(){}[]|*+?^$.\\-,:=!<>P0d1&"), maxLength: 20 }), (source) => {
        try {
          compileRegex(source).test("ab0");
        } catch (error) {
          expect(error).toBeInstanceOf(RegexSyntaxError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

import fc from "fast-check";

const SURROGATES = { first: 0xd800, count: 0x800 };
const LAST = 0x10ffff;

/** Any code point that is a character. With the way back, so that fast-check still mixes in the names that break objects, like `__proto__`. */
const character = fc.nat({ max: LAST - SURROGATES.count }).map(
  (index) => String.fromCodePoint(index < SURROGATES.first ? index : index + SURROGATES.count),
  (text) => {
    const point = typeof text === "string" && text.isWellFormed() ? (text.codePointAt(0) ?? -1) : -1;
    if (point < 0 || text !== String.fromCodePoint(point)) throw new Error("not one character");
    return point < SURROGATES.first ? point : point - SURROGATES.count;
  },
);

/** The strings of `fc.string({ unit: "binary" })`, without the table of every character that it makes first: more than a second. */
export function anyText(lengths: { minLength?: number; maxLength?: number } = {}): fc.Arbitrary<string> {
  return fc.string({ ...lengths, unit: character });
}

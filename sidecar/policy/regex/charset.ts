/** A set of Unicode code points as sorted, disjoint, inclusive ranges: `[lo, hi, lo, hi, …]`. */
export type CharSet = readonly number[];

export const MAX_CODE_POINT = 0x10ffff;
export const ANY: CharSet = [0, MAX_CODE_POINT];
export const DIGIT: CharSet = [0x30, 0x39];
export const WORD: CharSet = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];
export const SPACE: CharSet = [
  0x09, 0x0d, 0x20, 0x20, 0x85, 0x85, 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000,
  0x3000,
];

/** The `[:name:]` classes of POSIX, ASCII only. */
export const POSIX: Readonly<Record<string, CharSet>> = {
  alnum: [0x30, 0x39, 0x41, 0x5a, 0x61, 0x7a],
  alpha: [0x41, 0x5a, 0x61, 0x7a],
  ascii: [0, 0x7f],
  blank: [0x09, 0x09, 0x20, 0x20],
  cntrl: [0, 0x1f, 0x7f, 0x7f],
  digit: DIGIT,
  graph: [0x21, 0x7e],
  lower: [0x61, 0x7a],
  print: [0x20, 0x7e],
  punct: [0x21, 0x2f, 0x3a, 0x40, 0x5b, 0x60, 0x7b, 0x7e],
  space: [0x09, 0x0d, 0x20, 0x20],
  upper: [0x41, 0x5a],
  word: WORD,
  xdigit: [0x30, 0x39, 0x41, 0x46, 0x61, 0x66],
};

/** Sorts and joins ranges given in any order. */
export function union(...sets: CharSet[]): CharSet {
  const ranges: [number, number][] = [];
  for (const set of sets) for (let i = 0; i < set.length; i += 2) ranges.push([set[i] ?? 0, set[i + 1] ?? 0]);
  ranges.sort((a, b) => a[0] - b[0]);
  const joined: number[] = [];
  for (const [lo, hi] of ranges) {
    const last = joined.length - 1;
    if (last > 0 && lo <= (joined[last] ?? 0) + 1) joined[last] = Math.max(joined[last] ?? 0, hi);
    else joined.push(lo, hi);
  }
  return joined;
}

export function negate(set: CharSet): CharSet {
  const result: number[] = [];
  let next = 0;
  for (let i = 0; i < set.length; i += 2) {
    if ((set[i] ?? 0) > next) result.push(next, (set[i] ?? 0) - 1);
    next = (set[i + 1] ?? 0) + 1;
  }
  if (next <= MAX_CODE_POINT) result.push(next, MAX_CODE_POINT);
  return result;
}

export function contains(set: CharSet, codePoint: number): boolean {
  for (let i = 0; i < set.length; i += 2) if (codePoint >= (set[i] ?? 0) && codePoint <= (set[i + 1] ?? 0)) return true;
  return false;
}

/** Adds the other case: of every ASCII letter, and of the single letters outside ASCII that the set names one by one. */
export function foldCase(set: CharSet): CharSet {
  const extra: number[] = [];
  for (let i = 0; i < set.length; i += 2) {
    const lo = set[i] ?? 0;
    const hi = set[i + 1] ?? 0;
    addShifted(extra, lo, hi, 0x41, 0x5a, 32);
    addShifted(extra, lo, hi, 0x61, 0x7a, -32);
    if (hi - lo > 512) continue;
    for (let codePoint = Math.max(lo, 0x80); codePoint <= hi; codePoint += 1) {
      const text = String.fromCodePoint(codePoint);
      for (const other of [text.toLowerCase(), text.toUpperCase()]) {
        const folded = other.codePointAt(0) ?? codePoint;
        if (folded !== codePoint && other.length === (folded > 0xffff ? 2 : 1)) extra.push(folded, folded);
      }
    }
  }
  return extra.length === 0 ? set : union(set, extra);
}

function addShifted(extra: number[], lo: number, hi: number, first: number, last: number, shift: number): void {
  const from = Math.max(lo, first);
  const to = Math.min(hi, last);
  if (from <= to) extra.push(from + shift, to + shift);
}

import { ANY, type CharSet, DIGIT, foldCase, MAX_CODE_POINT, negate, POSIX, SPACE, union, WORD } from "./charset.ts";

export type Assertion = "text_start" | "text_end" | "line_start" | "line_end" | "word_edge" | "not_word_edge";

/** Syntax tree of a pattern. Groups leave no trace: nothing is captured. */
export type RegexNode =
  | { type: "set"; set: CharSet }
  | { type: "cat"; items: RegexNode[] }
  | { type: "alt"; items: RegexNode[] }
  | { type: "repeat"; item: RegexNode; min: number; max: number }
  | { type: "assert"; kind: Assertion };

/** Why a pattern cannot be used; `at` counts characters from 0. */
export class RegexSyntaxError extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(`${message}, at character ${at + 1}`);
    this.at = at;
  }
}

export const MAX_PATTERN_LENGTH = 1024;
const MAX_REPEAT = 1000;
const MAX_NESTING = 40;
const NEWLINE: CharSet = [0x0a, 0x0a];
const NO_LOOKAROUND = "lookaround is not supported, because it cannot be matched in linear time";

interface Flags {
  ignoreCase: boolean;
  dotAll: boolean;
  multiLine: boolean;
}

/**
 * Reads the syntax that RE2 and Rust's regex share: classes, POSIX classes, alternation, groups, counted and open repetition, anchors, `\b`, and the
 * flags i, m and s. Back references and lookaround are refused.
 */
export function parseRegex(pattern: string): RegexNode {
  if (pattern.length > MAX_PATTERN_LENGTH)
    throw new RegexSyntaxError(`the pattern is longer than ${MAX_PATTERN_LENGTH} characters`, MAX_PATTERN_LENGTH);
  return new Parser(pattern).pattern();
}

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #flags: Flags = { ignoreCase: false, dotAll: false, multiLine: false };

  constructor(text: string) {
    this.#text = text;
  }

  pattern(): RegexNode {
    const node = this.#alternation();
    if (this.#at < this.#text.length) throw this.#fail("unexpected )");
    return node;
  }

  #alternation(): RegexNode {
    const items = [this.#sequence()];
    while (this.#take("|")) items.push(this.#sequence());
    return items.length === 1 ? (items[0] as RegexNode) : { type: "alt", items };
  }

  #sequence(): RegexNode {
    const items: RegexNode[] = [];
    while (this.#at < this.#text.length && this.#peek() !== "|" && this.#peek() !== ")") {
      const item = this.#atom();
      if (item !== null) items.push(this.#repetition(item));
    }
    return items.length === 1 ? (items[0] as RegexNode) : { type: "cat", items };
  }

  #atom(): RegexNode | null {
    const char = this.#next();
    switch (char) {
      case "(":
        return this.#group();
      case "[":
        return this.#set(this.#characterClass());
      case ".":
        return { type: "set", set: this.#flags.dotAll ? ANY : negate(NEWLINE) };
      case "^":
        return { type: "assert", kind: this.#flags.multiLine ? "line_start" : "text_start" };
      case "$":
        return { type: "assert", kind: this.#flags.multiLine ? "line_end" : "text_end" };
      case "\\":
        return this.#escape();
      case "*":
      case "+":
      case "?":
        this.#at -= 1;
        throw this.#fail(`nothing before ${char} to repeat`);
      default:
        return this.#literal(char);
    }
  }

  #literal(char: string): RegexNode {
    const codePoint = char.codePointAt(0) ?? 0;
    return this.#set([codePoint, codePoint]);
  }

  #set(set: CharSet): RegexNode {
    return { type: "set", set: this.#flags.ignoreCase ? foldCase(set) : set };
  }

  #repetition(item: RegexNode): RegexNode {
    let node = item;
    for (;;) {
      const bounds = this.#quantifier();
      if (bounds === null) return node;
      if (node.type === "assert") throw this.#fail("an anchor cannot be repeated");
      node = { type: "repeat", item: node, min: bounds[0], max: bounds[1] };
      // Greedy or lazy decides which text is captured, never whether there is a match.
      if (!this.#take("?") && this.#peek() === "+") throw this.#fail("possessive repetition is not supported");
    }
  }

  #quantifier(): [number, number] | null {
    if (this.#take("*")) return [0, Number.POSITIVE_INFINITY];
    if (this.#take("+")) return [1, Number.POSITIVE_INFINITY];
    if (this.#take("?")) return [0, 1];
    if (this.#peek() !== "{") return null;
    const match = /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(this.#text.slice(this.#at, this.#at + 12));
    if (match === null) throw this.#fail("{ begins no count like {2}, {2,} or {2,5}; write \\{ for the character");
    const min = Number(match[1]);
    const max = match[2] === undefined ? min : match[3] === "" ? Number.POSITIVE_INFINITY : Number(match[3]);
    if (min > MAX_REPEAT || (max !== Number.POSITIVE_INFINITY && max > MAX_REPEAT)) throw this.#fail(`a count is over ${MAX_REPEAT}`);
    if (max < min) throw this.#fail("a count ends below where it begins");
    this.#at += match[0].length;
    return [min, max];
  }

  #group(): RegexNode | null {
    this.#depth += 1;
    if (this.#depth > MAX_NESTING) throw this.#fail(`groups are nested more than ${MAX_NESTING} deep`);
    const outer = this.#flags;
    if (this.#take("?")) {
      if (this.#inlineFlags()) {
        this.#depth -= 1;
        return null;
      }
    }
    const node = this.#alternation();
    if (!this.#take(")")) throw this.#fail("a ( is not closed");
    this.#depth -= 1;
    this.#flags = outer;
    return node;
  }

  /** After `(?`. True when it was flags for the rest of the enclosing group, `(?i)`; false when a group's body follows. */
  #inlineFlags(): boolean {
    const rest = this.#text.slice(this.#at, this.#at + 80);
    if (/^(=|!|<=|<!)/.test(rest)) throw this.#fail(NO_LOOKAROUND);
    const name = /^P?<[A-Za-z_]\w*>/.exec(rest);
    if (name !== null) {
      this.#at += name[0].length;
      return false;
    }
    const flags = /^([ims]*)(?:-([ims]+))?([:)])/.exec(rest);
    if (flags === null) throw this.#fail("this kind of group or flag is not supported (i, m and s are)");
    const on = flags[1] ?? "";
    const off = flags[2] ?? "";
    if (flags[3] === ")" && on + off === "") throw this.#fail("(?) is empty");
    const value = (flag: string, now: boolean): boolean => (off.includes(flag) ? false : on.includes(flag) ? true : now);
    this.#flags = {
      ignoreCase: value("i", this.#flags.ignoreCase),
      multiLine: value("m", this.#flags.multiLine),
      dotAll: value("s", this.#flags.dotAll),
    };
    this.#at += flags[0].length;
    return flags[3] === ")";
  }

  #escape(): RegexNode {
    const start = this.#at - 1;
    const char = this.#next();
    if (char === "b") return { type: "assert", kind: "word_edge" };
    if (char === "B") return { type: "assert", kind: "not_word_edge" };
    if (char === "A") return { type: "assert", kind: "text_start" };
    if (char === "z") return { type: "assert", kind: "text_end" };
    if (/[1-9]/.test(char) || char === "k") {
      this.#at = start;
      throw this.#fail("back references are not supported, because they cannot be matched in linear time");
    }
    this.#at = start + 1;
    const set = this.#escapedSet();
    return this.#set(set);
  }

  /** After a backslash: one character or one class. */
  #escapedSet(): CharSet {
    const char = this.#next();
    const classes: Record<string, CharSet> = { d: DIGIT, w: WORD, s: SPACE };
    const known = classes[char.toLowerCase()];
    if (known !== undefined) return char === char.toLowerCase() ? known : negate(known);
    const controls: Record<string, number> = { t: 0x09, n: 0x0a, v: 0x0b, f: 0x0c, r: 0x0d, a: 0x07, "0": 0 };
    const control = controls[char];
    if (control !== undefined) return [control, control];
    if (char === "x" || char === "u") return this.#hex(char === "x" ? 2 : 4);
    if (/[A-Za-z0-9]/.test(char)) throw this.#fail(`\\${char} is not supported`);
    const codePoint = char.codePointAt(0) ?? 0;
    return [codePoint, codePoint];
  }

  #hex(digits: number): CharSet {
    const rest = this.#text.slice(this.#at, this.#at + 10);
    const match = rest.startsWith("{") ? /^\{([0-9A-Fa-f]{1,6})\}/.exec(rest) : new RegExp(`^([0-9A-Fa-f]{${digits}})`).exec(rest);
    const codePoint = match === null ? Number.POSITIVE_INFINITY : Number.parseInt(match[1] ?? "", 16);
    if (match === null || codePoint > MAX_CODE_POINT) throw this.#fail("a hexadecimal escape is not a code point");
    this.#at += match[0].length;
    return [codePoint, codePoint];
  }

  #characterClass(): CharSet {
    const start = this.#at - 1;
    const negated = this.#take("^");
    let set: CharSet = [];
    let first = true;
    for (;;) {
      if (this.#at >= this.#text.length) {
        this.#at = start;
        throw this.#fail("a [ is not closed");
      }
      if (!first && this.#take("]")) break;
      first = false;
      set = union(set, this.#classItem());
    }
    // Folded before it is negated: `(?i)[^a]` leaves out A, too.
    const folded = this.#flags.ignoreCase ? foldCase(set) : set;
    return negated ? negate(folded) : folded;
  }

  #classItem(): CharSet {
    if (/^(&&|--|~~)/.test(this.#text.slice(this.#at, this.#at + 2))) throw this.#fail("set operations inside a class are not supported");
    const posix = /^\[:(\^?)([a-z]+):\]/.exec(this.#text.slice(this.#at, this.#at + 14));
    if (posix !== null) {
      const named = Object.hasOwn(POSIX, posix[2] ?? "") ? POSIX[posix[2] ?? ""] : undefined;
      if (named === undefined) throw this.#fail(`[:${posix[2]}:] is not a class`);
      this.#at += posix[0].length;
      return posix[1] === "^" ? negate(named) : named;
    }
    const low = this.#classCharacter();
    if (low.length !== 2 || low[0] !== low[1] || this.#peek() !== "-" || this.#text[this.#at + 1] === "]") return low;
    this.#at += 1;
    const high = this.#classCharacter();
    const [from = 0] = low;
    const [to = 0, end] = high;
    if (high.length !== 2 || to !== end) throw this.#fail("a range must end in one character");
    if (to < from) throw this.#fail("a range ends below where it begins");
    return [from, to];
  }

  #classCharacter(): CharSet {
    const char = this.#next();
    if (char === "[") throw this.#fail("write \\[ for the character inside a class");
    if (char === "\\") return this.#peek() === "b" ? this.#backspace() : this.#escapedSet();
    const codePoint = char.codePointAt(0) ?? 0;
    return [codePoint, codePoint];
  }

  #backspace(): CharSet {
    this.#at += 1;
    return [0x08, 0x08];
  }

  #peek(): string {
    return this.#text[this.#at] ?? "";
  }

  /** The next whole code point. */
  #next(): string {
    if (this.#at >= this.#text.length) throw this.#fail("the pattern ends too early");
    const char = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    this.#at += char.length;
    return char;
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at += 1;
    return true;
  }

  #fail(message: string): RegexSyntaxError {
    return new RegexSyntaxError(message, Math.min(this.#at, this.#text.length));
  }
}

import { ANY, type CharSet, foldCase, negate, union } from "./regex/charset.ts";
import { Automaton, type RegexNode } from "./regex/index.ts";

/** Why a glob cannot be used. */
export class GlobSyntaxError extends Error {}

export interface GlobOptions {
  /**
   * `forbid` reads a pattern as widely as it can be meant: any letter case, everything below what it names, and, without a leading slash, at
   * any depth. `permit` reads it as narrowly: exact case, only what it names, and without a leading slash from the root only.
   */
  mode: "forbid" | "permit";
}

export interface GlobSet {
  /** Index of a pattern that matches the whole path, null when none does. Paths use `/` and have no dot segments. */
  match(path: string): number | null;
}

export const MAX_GLOB_LENGTH = 1024;
const SLASH: CharSet = [0x2f, 0x2f];
const NOT_SLASH = negate(SLASH);
const EMPTY: RegexNode = { type: "cat", items: [] };

/**
 * Compiles path globs: `*` and `?` stay inside a segment, `**` is any number of whole segments, `[a-z]` and `[!a-z]` are classes, `{a,b}` are
 * alternatives, a backslash takes the next character literally. `dir/**` matches `dir` itself, too, and a leading `~/` means any home directory.
 * Matching takes time linear in the path. Throws GlobSyntaxError.
 */
export function compileGlobs(patterns: readonly string[], options: GlobOptions): GlobSet {
  const trees = patterns.map((pattern) => parseGlob(pattern, options));
  let automaton: Automaton;
  try {
    automaton = new Automaton(trees, { anchored: true });
  } catch (cause) {
    if (cause instanceof RangeError) throw new GlobSyntaxError(cause.message);
    throw cause;
  }
  return { match: (path) => automaton.search(path)?.pattern ?? null };
}

function parseGlob(pattern: string, { mode }: GlobOptions): RegexNode {
  if (pattern === "") throw new GlobSyntaxError("is empty");
  if (pattern.length > MAX_GLOB_LENGTH) throw new GlobSyntaxError(`is longer than ${MAX_GLOB_LENGTH} characters`);
  if (/[\u0000-\u001f\u007f]/.test(pattern)) throw new GlobSyntaxError("has a control character");
  const bodies = anchors(pattern, mode).map((anchored) => new GlobParser(anchored, mode).parse());
  const below: RegexNode[] = mode === "forbid" ? [optional(cat(set(SLASH), anything()))] : [];
  return cat(alt(bodies), ...below, { type: "assert", kind: "text_end" });
}

/** The pattern from the root of the file system: one for each place that its beginning can stand for. */
function anchors(pattern: string, mode: GlobOptions["mode"]): string[] {
  const home = /^~([^/]*)\/(.*)$/s.exec(pattern);
  if (home !== null) {
    const [, user = "", rest = ""] = home;
    if (user !== "") return [pattern, `/home/${user}/${rest}`, `/Users/${user}/${rest}`];
    return [`~*/${rest}`, `/root/${rest}`, `/home/*/${rest}`, `/Users/*/${rest}`, `/var/root/${rest}`];
  }
  if (/^(\/|\*\*(\/|$)|[A-Za-z]:\/)/.test(pattern)) return [pattern];
  return mode === "forbid" ? [`**/${pattern}`] : [pattern, `/${pattern}`];
}

class GlobParser {
  readonly #text: string;
  readonly #ignoreCase: boolean;
  #at = 0;

  constructor(text: string, mode: GlobOptions["mode"]) {
    this.#text = text.replaceAll(/\/{2,}/g, "/");
    this.#ignoreCase = mode === "forbid";
  }

  parse(): RegexNode {
    const items: RegexNode[] = [];
    while (this.#at < this.#text.length) {
      const star = this.#doubleStar();
      items.push(star ?? this.#item("/"));
    }
    return cat(...items);
  }

  /** `**` as a whole segment, together with the slashes around it. */
  #doubleStar(): RegexNode | null {
    const rest = this.#text.slice(this.#at);
    const atStart = this.#at === 0;
    const whole = /^(\/?)((?:\*\*\/)*\*\*)(\/|$)/.exec(rest);
    if (whole === null || !(atStart || whole[1] === "/")) return null;
    const [text, before = "", , after = ""] = whole;
    this.#at += text.length;
    if (before === "/" && after === "/") return cat(set(SLASH), optional(cat(anything(), set(SLASH))));
    if (before === "/") return atStart ? cat(set(SLASH), anything()) : optional(cat(set(SLASH), anything()));
    return after === "/" ? optional(cat(anything(), set(SLASH))) : anything();
  }

  /** One element outside or inside an alternative. */
  #item(context: "/" | "{"): RegexNode {
    const char = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    this.#at += char.length;
    switch (char) {
      case "*":
        if (this.#text[this.#at] === "*") throw new GlobSyntaxError("has ** inside a segment; ** must stand between slashes");
        return { type: "repeat", item: set(NOT_SLASH), min: 0, max: Number.POSITIVE_INFINITY };
      case "?":
        return set(NOT_SLASH);
      case "[":
        return this.#class();
      case "{":
        if (context === "{") throw new GlobSyntaxError("has {} inside {}");
        return this.#alternatives();
      case "\\":
        return this.#escaped();
      default:
        return this.#literal(char);
    }
  }

  #alternatives(): RegexNode {
    const options: RegexNode[] = [];
    let items: RegexNode[] = [];
    for (;;) {
      const char = this.#text[this.#at];
      if (char === undefined || char === "/") throw new GlobSyntaxError("has a { that is not closed in its segment");
      if (char === "," || char === "}") {
        this.#at += 1;
        options.push(cat(...items));
        items = [];
        if (char === "}") return alt(options);
      } else {
        items.push(this.#item("{"));
      }
    }
  }

  #class(): RegexNode {
    const end = this.#text.indexOf("]", this.#at + (/^[!^]?\]/.exec(this.#text.slice(this.#at))?.[0].length ?? 0));
    const body = end < 0 ? "" : this.#text.slice(this.#at, end);
    if (end < 0 || body.includes("/")) throw new GlobSyntaxError("has a [ that is not closed in its segment");
    this.#at = end + 1;
    const negated = /^[!^]/.test(body);
    const chars = [...body.slice(negated ? 1 : 0)];
    let members: CharSet = [];
    for (let index = 0; index < chars.length; index += 1) {
      const low = chars[index]?.codePointAt(0) ?? 0;
      const ranged = chars[index + 1] === "-" && chars[index + 2] !== undefined;
      const high = ranged ? (chars[index + 2]?.codePointAt(0) ?? 0) : low;
      if (high < low) throw new GlobSyntaxError("has a class range that ends below where it begins");
      members = union(members, [low, high]);
      if (ranged) index += 2;
    }
    if (members.length === 0) throw new GlobSyntaxError("has an empty class");
    const folded = this.#ignoreCase ? foldCase(members) : members;
    return set(negated ? negate(union(folded, SLASH)) : negate(union(negate(folded), SLASH)));
  }

  #escaped(): RegexNode {
    const char = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    if (this.#at >= this.#text.length || char === "/") throw new GlobSyntaxError("has a backslash with nothing to escape");
    this.#at += char.length;
    return this.#literal(char);
  }

  #literal(char: string): RegexNode {
    const codePoint = char.codePointAt(0) ?? 0;
    return set(this.#ignoreCase ? foldCase([codePoint, codePoint]) : [codePoint, codePoint]);
  }
}

function set(members: CharSet): RegexNode {
  return { type: "set", set: members };
}

function cat(...items: RegexNode[]): RegexNode {
  return items.length === 1 ? (items[0] as RegexNode) : { type: "cat", items };
}

function alt(items: RegexNode[]): RegexNode {
  return items.length === 1 ? (items[0] as RegexNode) : { type: "alt", items };
}

function optional(item: RegexNode): RegexNode {
  return alt([item, EMPTY]);
}

function anything(): RegexNode {
  return { type: "repeat", item: set(ANY), min: 0, max: Number.POSITIVE_INFINITY };
}

import { WireError, type WireErrorCode } from "./errors.ts";
import type { Json, JsonObject } from "./json.ts";

/** Arrays and objects inside one another: 64 are read, a 65th is refused. */
export const MAX_JSON_DEPTH = 64;
/** 10 MiB: the largest body that any route takes. */
export const MAX_JSON_BYTES = 10 * 1024 * 1024;

const I64_MIN = -(2n ** 63n);
const U64_MAX = 2n ** 64n - 1n;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export interface ParseOptions {
  /** Bytes of UTF-8. Default {@link MAX_JSON_BYTES}. */
  maxBytes?: number;
  /** Default {@link MAX_JSON_DEPTH}. */
  maxDepth?: number;
}

/**
 * Reads one JSON value of RFC 8259 as strictly as a signed format needs it: no duplicate keys, no lone surrogates, no byte order mark, nothing
 * after the value. Integers that fit i64 or u64 stay exact (`bigint` where a double would round); any other number is a double.
 * An object may own the key `__proto__`: it is data like any other and never reaches the prototype.
 * Throws only WireError.
 */
export function parseJson(text: string | Uint8Array, options: ParseOptions = {}): Json {
  const maxBytes = options.maxBytes ?? MAX_JSON_BYTES;
  const source = typeof text === "string" ? checkedText(text, maxBytes) : decode(text, maxBytes);
  if (source.charCodeAt(0) === 0xfeff) {
    throw new WireError("byte_order_mark", "the text begins with a byte order mark", { fix: "save it as UTF-8 without BOM" });
  }
  return new Parser(source, options.maxDepth ?? MAX_JSON_DEPTH).document();
}

function decode(bytes: Uint8Array, maxBytes: number): string {
  if (bytes.length > maxBytes) throw tooLarge(bytes.length, maxBytes);
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new WireError("invalid_utf8", "the text is not valid UTF-8", { cause });
  }
}

function checkedText(text: string, maxBytes: number): string {
  // A UTF-16 unit is 1 to 3 bytes of UTF-8, so most texts need no exact count.
  if (text.length > maxBytes || (text.length * 3 > maxBytes && Buffer.byteLength(text) > maxBytes)) {
    throw tooLarge(Buffer.byteLength(text), maxBytes);
  }
  if (!text.isWellFormed()) throw new WireError("lone_surrogate", "the text holds a lone surrogate");
  return text;
}

function tooLarge(size: number, limit: number): WireError {
  return new WireError("too_large", `the text has ${size} bytes, the limit is ${limit}`);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;

/** Recursive descent over UTF-16 units. The depth limit bounds the stack. */
class Parser {
  readonly #text: string;
  readonly #maxDepth: number;
  #at = 0;
  #depth = 0;

  constructor(text: string, maxDepth: number) {
    this.#text = text;
    this.#maxDepth = maxDepth;
  }

  document(): Json {
    this.#skipSpace();
    const value = this.#value();
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#fail("trailing_data", "unexpected text after the JSON value");
    return value;
  }

  #value(): Json {
    const code = this.#text.charCodeAt(this.#at);
    switch (code) {
      case QUOTE:
        return this.#string();
      case 0x7b:
        return this.#object();
      case 0x5b:
        return this.#array();
      case 0x74:
        return this.#literal("true", true);
      case 0x66:
        return this.#literal("false", false);
      case 0x6e:
        return this.#literal("null", null);
      default:
        if (code === 0x2d || (code >= 0x30 && code <= 0x39)) return this.#number();
        throw this.#unexpected();
    }
  }

  #literal<T extends Json>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.#unexpected();
    this.#at += word.length;
    return value;
  }

  #object(): JsonObject {
    this.#enter();
    const object: JsonObject = {};
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) === 0x7d) {
      this.#at++;
      this.#depth--;
      return object;
    }
    for (;;) {
      if (this.#text.charCodeAt(this.#at) !== QUOTE) throw this.#unexpected("an object key");
      const keyAt = this.#at;
      const key = this.#string();
      if (Object.hasOwn(object, key)) {
        this.#at = keyAt;
        throw this.#fail("duplicate_key", `duplicate key ${quote(key)}`);
      }
      this.#skipSpace();
      if (this.#text.charCodeAt(this.#at) !== 0x3a) throw this.#unexpected("':'");
      this.#at++;
      this.#skipSpace();
      const value = this.#value();
      if (key === "__proto__") Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
      else object[key] = value;
      this.#skipSpace();
      const next = this.#text.charCodeAt(this.#at);
      if (next === COMMA) {
        this.#at++;
        this.#skipSpace();
      } else if (next === 0x7d) {
        this.#at++;
        this.#depth--;
        return object;
      } else throw this.#unexpected("',' or '}'");
    }
  }

  #array(): Json[] {
    this.#enter();
    const array: Json[] = [];
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) === 0x5d) {
      this.#at++;
      this.#depth--;
      return array;
    }
    for (;;) {
      array.push(this.#value());
      this.#skipSpace();
      const next = this.#text.charCodeAt(this.#at);
      if (next === COMMA) {
        this.#at++;
        this.#skipSpace();
      } else if (next === 0x5d) {
        this.#at++;
        this.#depth--;
        return array;
      } else throw this.#unexpected("',' or ']'");
    }
  }

  #enter(): void {
    if (++this.#depth > this.#maxDepth) {
      throw this.#fail("too_deep", `more than ${this.#maxDepth} arrays and objects inside one another`);
    }
    this.#at++;
  }

  #string(): string {
    const text = this.#text;
    const start = ++this.#at;
    for (let at = start; ; at++) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        return text.slice(start, at);
      }
      if (code === BACKSLASH) return this.#escapedString(start, at);
      // NaN, past the end, fails the comparison too.
      if (!(code >= 0x20)) {
        this.#at = at;
        throw this.#unexpected("a closing quote");
      }
    }
  }

  #escapedString(start: number, firstEscape: number): string {
    const text = this.#text;
    let result = "";
    let from = start;
    let at = firstEscape;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.#at = at + 1;
        result += text.slice(from, at);
        // Only an escape can bring half a pair in: the raw text was checked when it was decoded.
        if (!result.isWellFormed()) {
          this.#at = start;
          throw this.#fail("lone_surrogate", "a string escapes a lone surrogate");
        }
        return result;
      }
      if (code === BACKSLASH) {
        result += text.slice(from, at) + this.#escape(at + 1);
        at = this.#at;
        from = at;
      } else if (code >= 0x20) {
        at++;
      } else {
        this.#at = at;
        throw this.#unexpected("a closing quote");
      }
    }
  }

  /** `at` is behind the backslash. Leaves the position behind the escape. */
  #escape(at: number): string {
    this.#at = at + 1;
    switch (this.#text.charCodeAt(at)) {
      case QUOTE:
        return '"';
      case BACKSLASH:
        return "\\";
      case 0x2f:
        return "/";
      case 0x62:
        return "\b";
      case 0x66:
        return "\f";
      case 0x6e:
        return "\n";
      case 0x72:
        return "\r";
      case 0x74:
        return "\t";
      case 0x75: {
        let unit = 0;
        for (let i = at + 1; i <= at + 4; i++) {
          const digit = hexDigit(this.#text.charCodeAt(i));
          if (digit < 0) {
            this.#at = i;
            throw this.#unexpected("four hex digits");
          }
          unit = unit * 16 + digit;
        }
        this.#at = at + 5;
        return String.fromCharCode(unit);
      }
      default:
        this.#at = at;
        throw this.#unexpected("an escape");
    }
  }

  #number(): number | bigint {
    const text = this.#text;
    const start = this.#at;
    let at = start;
    if (text.charCodeAt(at) === 0x2d) at++;
    const integerFrom = at;
    at = this.#digits(at);
    if (text.charCodeAt(integerFrom) === 0x30 && at > integerFrom + 1) {
      this.#at = integerFrom + 1;
      throw this.#fail("invalid_json", "a number has a leading zero");
    }
    let integer = true;
    if (text.charCodeAt(at) === 0x2e) {
      integer = false;
      at = this.#digits(at + 1);
    }
    const exponent = text.charCodeAt(at);
    if (exponent === 0x65 || exponent === 0x45) {
      integer = false;
      const sign = text.charCodeAt(at + 1);
      at = this.#digits(sign === 0x2b || sign === 0x2d ? at + 2 : at + 1);
    }
    this.#at = at;
    const literal = text.slice(start, at);
    const value = Number(literal);
    if (integer && !Number.isSafeInteger(value)) {
      // Over 20 digits cannot fit, and BigInt of a long literal would cost quadratic time.
      if (at - integerFrom <= 20) {
        const exact = BigInt(literal);
        if (exact >= I64_MIN && exact <= U64_MAX) return exact;
      }
    }
    if (!Number.isFinite(value)) {
      this.#at = start;
      throw this.#fail("number_out_of_range", "a number is larger than any double");
    }
    return value === 0 ? 0 : value;
  }

  #digits(from: number): number {
    let at = from;
    for (;;) {
      const code = this.#text.charCodeAt(at);
      if (!(code >= 0x30 && code <= 0x39)) break;
      at++;
    }
    if (at === from) {
      this.#at = at;
      throw this.#unexpected("a digit");
    }
    return at;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #unexpected(expected = "a JSON value"): WireError {
    if (this.#at >= this.#text.length) return this.#fail("invalid_json", `the text ends where ${expected} was expected`);
    const found = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    return this.#fail("invalid_json", `${expected} was expected, not ${quote(found)}`);
  }

  #fail(code: WireErrorCode, what: string): WireError {
    let line = 1;
    let lineStart = 0;
    for (let i = this.#text.indexOf("\n"); i >= 0 && i < this.#at; i = this.#text.indexOf("\n", i + 1)) {
      line++;
      lineStart = i + 1;
    }
    return new WireError(code, `${what} (line ${line}, column ${this.#at - lineStart + 1})`);
  }
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  if (code >= 0x61 && code <= 0x66) return code - 0x57;
  if (code >= 0x41 && code <= 0x46) return code - 0x37;
  return -1;
}

/** For messages: short, on one line, printable. */
function quote(text: string): string {
  const short = text.length > 40 ? `${text.slice(0, 40).toWellFormed()}…` : text;
  return JSON.stringify(short);
}

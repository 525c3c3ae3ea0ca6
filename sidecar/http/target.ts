import { HttpRefusal } from "./errors.ts";

export interface QueryPair {
  /** `name=value` as it came, still encoded. */
  raw: string;
  name: string;
  value: string;
}

/** The request target, read once. What is decided and what is forwarded both come from here. */
export interface Target {
  /** As it came: begins with one slash, percent-encoding untouched, free of everything that two readers could take for different paths. */
  path: string;
  /** As it came, without the `?`; null where there was none. */
  rawQuery: string | null;
  pairs: readonly QueryPair[];
  /** Decoded names and values. Has no prototype, so that no name can collide with an inherited one. */
  query: Readonly<Record<string, string>>;
}

const REFUSED = 0;
const PLAIN = 1;
const PERCENT = 2;
const SLASH = 3;

const PATH_CLASS = new Uint8Array(128);
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,=:@") PATH_CLASS[char.charCodeAt(0)] = PLAIN;
PATH_CLASS[0x25] = PERCENT;
PATH_CLASS[0x2f] = SLASH;

const NO_PAIRS: readonly QueryPair[] = [];
const NO_QUERY: Readonly<Record<string, string>> = Object.freeze(Object.create(null) as Record<string, string>);

/** `/…` without a query is the common case and allocates one object. Throws {@link HttpRefusal} for everything that can be read two ways. */
export function parseTarget(target: string, limits: { maxTargetBytes: number; maxQueryParameters: number }): Target {
  if (target.length > limits.maxTargetBytes) {
    throw new HttpRefusal(414, "target_too_long", `path and query are ${target.length} bytes, past ${limits.maxTargetBytes}`);
  }
  const mark = target.indexOf("?");
  if (mark < 0) {
    checkPath(target);
    return { path: target, rawQuery: null, pairs: NO_PAIRS, query: NO_QUERY };
  }
  const path = target.slice(0, mark);
  checkPath(path);
  const rawQuery = target.slice(mark + 1);
  const pairs = parseQuery(rawQuery, limits.maxQueryParameters);
  return { path, rawQuery, pairs, query: toRecord(pairs) };
}

/** Throws for a path that two readers could take for different ones. Also used for the `path` of an evaluate request. */
export function checkPath(path: string): void {
  if (path.charCodeAt(0) !== 0x2f) {
    throw new HttpRefusal(400, "absolute_target", "the request target must be a path that begins with a slash", {
      fix: "send the path in the request line and the host in the Host header",
    });
  }
  let segmentStart = 1;
  let beyondAscii = false;
  const { length } = path;
  for (let at = 1; at <= length; at++) {
    const code = at < length ? path.charCodeAt(at) : 0x2f;
    const kind = code < 128 ? PATH_CLASS[code] : REFUSED;
    if (kind === PLAIN) continue;
    if (kind === SLASH) {
      checkSegment(path, segmentStart, at, length);
      segmentStart = at + 1;
    } else if (kind === PERCENT) {
      if (checkEscape(path, at)) beyondAscii = true;
      at += 2;
    } else {
      throw refusedCharacter(path, at);
    }
  }
  if (beyondAscii) checkDecoded(path);
}

function checkSegment(path: string, start: number, end: number, length: number): void {
  const size = end - start;
  if (size === 0) {
    // The empty segment behind a trailing slash, or of the root, is one thing to everybody.
    if (end < length) throw new HttpRefusal(400, "empty_segment", "the path holds `//`", { fix: "send one slash" });
    return;
  }
  if (size > 2 || path.charCodeAt(start) !== 0x2e) return;
  if (size === 1 || path.charCodeAt(start + 1) === 0x2e) {
    throw new HttpRefusal(400, "dot_segment", "the path holds a `.` or `..` segment", { fix: "send the path that it resolves to" });
  }
}

/** True when the escape is part of a character beyond ASCII. */
function checkEscape(path: string, at: number): boolean {
  const value = escapeValue(path, at);
  if (value < 0) {
    throw new HttpRefusal(400, "bad_percent_encoding", "a `%` in the path is not followed by two hex digits", {
      fix: "encode a percent sign as %25",
    });
  }
  if (value >= 0x80) return true;
  if (value === 0x25) {
    checkSecondEncoding(path, at + 3);
  } else if (value === 0x2f || value === 0x5c) {
    throw new HttpRefusal(400, "encoded_separator", "the path holds an encoded slash or backslash", {
      fix: "pass such a value in the query or the body",
    });
  } else if (value < 0x20 || value === 0x7f) {
    throw new HttpRefusal(400, "encoded_control", "the path holds an encoded control character");
  } else if (value === 0x3b) {
    throw new HttpRefusal(400, "path_parameter", "the path holds an encoded `;`", { fix: "pass such a value in the query or the body" });
  } else if (isUnreserved(value)) {
    throw new HttpRefusal(
      400,
      "encoded_unreserved",
      `the path encodes ${JSON.stringify(String.fromCharCode(value))}, which needs no encoding`,
      {
        fix: "send it as it is",
      },
    );
  }
  return false;
}

/**
 * `%25` is a percent sign. What a second decoding would make of it must not be a separator, a control character or one that needs no encoding (a dot; a
 * letter of a literal segment, `/%2561dmin`), however often it was encoded.
 */
function checkSecondEncoding(path: string, from: number): void {
  let at = from;
  while (path.charCodeAt(at) === 0x32 && path.charCodeAt(at + 1) === 0x35) at += 2;
  const value = escapeValue(path, at - 1);
  if (isUnreserved(value) || value === 0x2f || value === 0x5c || value === 0x3b || value === 0x7f || (value >= 0 && value < 0x20)) {
    throw new HttpRefusal(400, "double_encoding", "the path holds an encoding of an encoded character", {
      fix: "encode once, or pass such a value in the query or the body",
    });
  }
}

/** What normalisation can turn into path syntax. */
const CONFUSABLE = /[/\\.;%?#]/g;

function checkDecoded(path: string): void {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    throw new HttpRefusal(400, "invalid_utf8", "the path does not decode to UTF-8", { fix: "percent-encode the UTF-8 bytes of the path" });
  }
  const normal = decoded.normalize("NFKC");
  if (normal !== decoded && count(normal) !== count(decoded)) {
    throw new HttpRefusal(400, "confusable_character", "the path holds a character that normalises to a separator or dot");
  }
  // C1 controls decode from two bytes, so the byte check did not see them.
  if (/[\u0080-\u009f]/.test(decoded)) throw new HttpRefusal(400, "encoded_control", "the path holds an encoded control character");
}

function count(text: string): number {
  return text.match(CONFUSABLE)?.length ?? 0;
}

function refusedCharacter(path: string, at: number): HttpRefusal {
  const char = path[at];
  if (char === "\\") return new HttpRefusal(400, "backslash", "the path holds a backslash");
  if (char === "#")
    return new HttpRefusal(400, "fragment", "the request target holds a `#`", { fix: "leave the fragment out, or encode it as %23" });
  if (char === ";")
    return new HttpRefusal(400, "path_parameter", "the path holds a `;`", { fix: "pass such a value in the query or the body" });
  return new HttpRefusal(400, "target_character", "the path holds a character that has to be percent-encoded");
}

/** Segments of a checked path, decoded. */
export function decodedSegments(path: string): string[] {
  return path.slice(1).split("/").map(decodeURIComponent);
}

function parseQuery(raw: string, max: number): QueryPair[] {
  if (/[^\x21-\x7e]|["<>]/.test(raw))
    throw new HttpRefusal(400, "target_character", "the query holds a character that has to be percent-encoded");
  if (raw.includes("\\")) throw new HttpRefusal(400, "backslash", "the query holds a backslash", { fix: "encode it as %5C" });
  if (raw.includes("#"))
    throw new HttpRefusal(400, "fragment", "the request target holds a `#`", { fix: "leave the fragment out, or encode it as %23" });
  if (raw.includes(";")) {
    throw new HttpRefusal(400, "ambiguous_query", "the query holds a `;`, which some readers take for `&`", { fix: "encode it as %3B" });
  }
  const pairs: QueryPair[] = [];
  for (let from = 0; from <= raw.length; ) {
    let end = raw.indexOf("&", from);
    if (end < 0) end = raw.length;
    if (end > from) {
      if (pairs.length === max) throw new HttpRefusal(400, "too_many_query_parameters", `the query has more than ${max} parameters`);
      pairs.push(parsePair(raw.slice(from, end)));
    }
    from = end + 1;
  }
  return pairs;
}

function parsePair(raw: string): QueryPair {
  const equals = raw.indexOf("=");
  const name = decodeForm(equals < 0 ? raw : raw.slice(0, equals));
  const value = equals < 0 ? "" : decodeForm(raw.slice(equals + 1));
  if (name === "") throw new HttpRefusal(400, "ambiguous_query", "the query holds a parameter without a name");
  if (/[\0-\x1f\x7f]/.test(name) || value.includes("\0")) {
    throw new HttpRefusal(400, "encoded_control", "the query holds an encoded control character");
  }
  return { raw, name, value };
}

function decodeForm(text: string): string {
  const spaced = text.includes("+") ? text.replaceAll("+", " ") : text;
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    // The built-in says the same for both.
    if (/%(?![0-9a-f]{2})/i.test(spaced)) {
      throw new HttpRefusal(400, "bad_percent_encoding", "a `%` in the query is not followed by two hex digits", {
        fix: "encode a percent sign as %25",
      });
    }
    throw new HttpRefusal(400, "invalid_utf8", "the query does not decode to UTF-8", {
      fix: "percent-encode the UTF-8 bytes of the query",
    });
  }
}

function toRecord(pairs: readonly QueryPair[]): Readonly<Record<string, string>> {
  const query = Object.create(null) as Record<string, string>;
  let brackets = false;
  for (const { name, value } of pairs) {
    if (name in query) {
      throw new HttpRefusal(400, "duplicate_query_parameter", `duplicate query parameter ${JSON.stringify(name)}`, {
        fix: "send each parameter once; join several values into one",
      });
    }
    query[name] = value;
    brackets ||= name.includes("[");
  }
  // Readers that know arrays in queries let `a[]` replace `a`.
  if (brackets) {
    for (const { name } of pairs) {
      const base = name.slice(0, name.indexOf("["));
      if (base !== "" && name.includes("[") && base in query) {
        throw new HttpRefusal(400, "ambiguous_query", `the query holds ${JSON.stringify(base)} both plain and with brackets`);
      }
    }
  }
  return query;
}

/** Value of the escape whose percent sign is at `at`; -1 where two hex digits do not follow. */
function escapeValue(text: string, at: number): number {
  const high = hexDigit(text.charCodeAt(at + 1));
  const low = hexDigit(text.charCodeAt(at + 2));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function isUnreserved(code: number): boolean {
  const lower = code | 0x20;
  return (
    (lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x2e || code === 0x5f || code === 0x7e
  );
}

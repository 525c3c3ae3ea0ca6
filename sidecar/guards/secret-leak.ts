import { DEFAULT_SECRET_SKIP_PATHS, SECRET_PATTERNS } from "../policy/defaults.ts";
import { type GlobSet, GlobSyntaxError } from "../policy/glob.ts";
import { compileRegexSet, RegexSyntaxError } from "../policy/regex/index.ts";
import type { GuardSettings } from "../policy/types.ts";
import type { JsonObject } from "../wire/json.ts";
import { parseJson } from "../wire/parse.ts";
import { globs, lazily } from "./built-in.ts";
import { defineGuard } from "./define.ts";
import { strings } from "./path-arguments.ts";
import { pathReadings } from "./paths.ts";
import type { Guard, GuardInput, GuardVerdict } from "./types.ts";
import { unusable } from "./unusable.ts";

/** UTF-16 units in one call. More than any body that the proxy takes; beyond it the guard denies, because it did not look. */
export const MAX_SCAN_LENGTH = 16 << 20;

/** Shortest match of which any character is shown. */
const MIN_SHOWN_LENGTH = 20;

const UNSEEN = "the request body is streamed, encoded or too large, so it cannot be scanned for secrets";
const utf8 = new TextDecoder();

interface Scanner {
  /** Description of a finding, without the secret; null when there is none. */
  find(text: string): string | null;
}

/**
 * Denies writing a secret to a file (content and every other string argument of file writes and patches) and sending one in an HTTP body. In
 * HTTP bodies only tokens with an unmistakable form count, and the operator's own patterns: `"password": "…"` is an ordinary login there.
 */
export function secretLeakGuard(settings: NonNullable<GuardSettings["secret_patterns"]>): Guard {
  const own = settings.patterns.map(({ name, pattern }) => ({ name, pattern, token: false }));
  const tokens = SECRET_PATTERNS.filter((pattern) => pattern.token);
  const scannerOf = (builtIn: typeof SECRET_PATTERNS) => {
    const patterns = [...builtIn, ...own];
    // The operator's own patterns are compiled now, so that a mistake refuses the start; built-in ones alone when a text needs them.
    const compiled = own.length > 0 ? scanner(patterns) : undefined;
    return compiled === undefined ? lazily(() => scanner(patterns)) : () => compiled;
  };
  const inFiles = scannerOf(SECRET_PATTERNS);
  const inBodies = scannerOf(tokens);
  const skipped = skipGlobs(settings.skip_paths);
  const check = (input: GuardInput): GuardVerdict => {
    const budget = { left: MAX_SCAN_LENGTH };
    const parts: [string, string[], () => Scanner][] = [];
    const { action } = input;
    if ((action.kind === "file_write" || action.kind === "patch") && !isSkipped(skipped, action.path)) {
      const content = action.kind === "patch" ? [action.diff] : action.content === undefined ? [] : [action.content];
      parts.push([action.kind === "patch" ? "patch" : "content", [...new Set([...content, ...strings(input.arguments)])], inFiles]);
    }
    if (input.http?.bodyMissing === true) return { allow: false, details: UNSEEN };
    if (input.http?.body !== undefined && input.http.body.length > 0) parts.push(["request body", bodyTexts(input.http.body), inBodies]);
    for (const [where, texts, scan] of parts) {
      for (const text of texts) {
        budget.left -= text.length;
        if (budget.left < 0) return { allow: false, details: `${where} is too large to be scanned` };
        const finding = scan().find(text);
        if (finding !== null) return { allow: false, details: `${where} holds what looks like a secret: ${finding}` };
      }
    }
    return { allow: true };
  };
  return defineGuard("secret-leak", check);
}

function scanner(patterns: readonly { name: string; pattern: string; token: boolean }[]): Scanner {
  let set: ReturnType<typeof compileRegexSet>;
  try {
    set = compileRegexSet(patterns.map(({ pattern }) => pattern));
  } catch (error) {
    throw error instanceof RegexSyntaxError ? unusable("secret_patterns", error.message) : error;
  }
  return {
    find(text) {
      const match = set.search(text);
      const pattern = match === null ? undefined : patterns[match.pattern];
      if (match === null || pattern === undefined) return null;
      const shown = pattern.token ? excerpt(pattern.pattern, text, match.end) : null;
      return `${pattern.name}, ending at character ${match.end}${shown === null ? "" : ` (${shown})`}`;
    },
  };
}

/** First and last four characters of a token, enough to know which one to revoke. The patterns here are built in and run in linear time. */
function excerpt(pattern: string, text: string, end: number): string | null {
  const from = Math.max(0, end - 256);
  const matched = new RegExp(pattern).exec(text.slice(from, end))?.[0];
  return matched === undefined ? null : redact(matched);
}

/** `AKIA************MPLE`; nothing but stars when the text is so short that four characters at each end would give it away. */
export function redact(secret: string): string {
  const { length } = secret;
  if (length < MIN_SHOWN_LENGTH) return "*".repeat(length);
  return `${secret.slice(0, 4)}${"*".repeat(length - 8)}${secret.slice(-4)}`;
}

/**
 * The body as text; its JSON strings as the app will read them, where escapes are undone; form fields with their escapes undone. Bytes that are
 * not UTF-8 do not hide what stands beside them, and neither do NULs.
 */
function bodyTexts(body: Uint8Array): string[] {
  const text = utf8.decode(body);
  const texts = new Set([text]);
  if (text.includes("\u0000")) texts.add(text.replaceAll("\u0000", ""));
  if (text.includes("\\")) {
    try {
      for (const value of strings(withKeys(parseJson(body)))) if (value.length >= 8) texts.add(value);
    } catch {
      // Not JSON that can be read one way only. What it may mean to the app is not known; the raw text has been taken.
      texts.add(text.replaceAll(/\\u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))));
    }
  }
  if (/%[0-9a-f]{2}/i.test(text)) {
    texts.add(text.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))).replaceAll("+", " "));
  }
  return [...texts];
}

/** A value whose object keys are strings to look at, too. */
function withKeys(value: ReturnType<typeof parseJson>): ReturnType<typeof parseJson> {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(withKeys);
  return [...Object.keys(value), ...Object.values(value as JsonObject).map(withKeys)];
}

function skipGlobs(patterns: readonly string[]): GlobSet {
  try {
    return globs(patterns, DEFAULT_SECRET_SKIP_PATHS, { mode: "permit" });
  } catch (error) {
    throw error instanceof GlobSyntaxError ? unusable("secret_patterns.skip_paths", `a pattern ${error.message}`) : error;
  }
}

/** Skipped only when every reading of the path is: `/app/tests/../main.py` is not a test. */
function isSkipped(skipped: GlobSet, path: string): boolean {
  const readings = pathReadings(path);
  return "paths" in readings && readings.paths.every((reading) => skipped.match(reading) !== null);
}

import { compileRegex, RegexSyntaxError } from "../../policy/regex/index.ts";
import type { Json } from "../../wire/json.ts";

/** A pattern of a token, matched in linear time; null when it is none. */
export function compilePattern(value: Json | undefined): { test(text: string): boolean } | null {
  if (typeof value !== "string") return null;
  try {
    return compileRegex(value);
  } catch (error) {
    if (error instanceof RegexSyntaxError) return null;
    throw error;
  }
}

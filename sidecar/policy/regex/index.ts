import { Automaton, type RegexMatch } from "./automaton.ts";
import { parseRegex, RegexSyntaxError } from "./parse.ts";

export { Automaton, type RegexMatch } from "./automaton.ts";
export { parseRegex, type RegexNode, RegexSyntaxError } from "./parse.ts";

/** Several patterns, searched for in one pass. */
export interface RegexSet {
  search(text: string): RegexMatch | null;
}

/**
 * Compiles regular expressions for texts that nobody trusts: the search takes time linear in the text, whatever the patterns are. Syntax: what RE2
 * and Rust's regex share, without back references and lookaround. Throws RegexSyntaxError.
 */
export function compileRegexSet(patterns: readonly string[]): RegexSet {
  const parsed = patterns.map((pattern) => parseRegex(pattern));
  try {
    return new Automaton(parsed, { anchored: false });
  } catch (cause) {
    if (cause instanceof RangeError) throw new RegexSyntaxError(cause.message, 0);
    throw cause;
  }
}

/** One pattern: does it match anywhere in the text? See {@link compileRegexSet}. */
export function compileRegex(pattern: string): { test(text: string): boolean } {
  const set = compileRegexSet([pattern]);
  return { test: (text) => set.search(text) !== null };
}

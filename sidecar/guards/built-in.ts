import type { GlobOptions, GlobSet } from "../policy/glob.ts";
import { compileGlobs } from "../policy/glob.ts";

/** Makes a value on its first use and keeps it. */
export function lazily<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/**
 * Globs that are compiled at once when the operator wrote any of them, so that a mistake refuses the start, and on first use when all are built
 * in: compiling those would be a third of the start.
 */
export function globs(patterns: readonly string[], builtIn: readonly string[], options: GlobOptions): GlobSet {
  const known = new Set(builtIn);
  if (!patterns.every((pattern) => known.has(pattern))) return compileGlobs(patterns, options);
  const compiled = lazily(() => compileGlobs(patterns, options));
  return { match: (path) => compiled().match(path) };
}

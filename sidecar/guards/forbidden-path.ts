import { DEFAULT_FORBIDDEN_PATHS } from "../policy/defaults.ts";
import { type GlobSet, GlobSyntaxError } from "../policy/glob.ts";
import type { GuardSettings } from "../policy/types.ts";
import { globs } from "./built-in.ts";
import { defineGuard } from "./define.ts";
import { pathArguments } from "./path-arguments.ts";
import { pathReadings, resolvedPath } from "./paths.ts";
import type { Guard, GuardInput, GuardVerdict } from "./types.ts";
import { unusable } from "./unusable.ts";

/**
 * Denies a call that names a forbidden path in any way that the path can be read. An exception must cover every forbidden reading; after a link
 * changed the path, both the written and the resolved one have to pass.
 */
export function forbiddenPathGuard(settings: NonNullable<GuardSettings["forbidden_path"]>): Guard {
  let forbidden: GlobSet;
  let exceptions: GlobSet;
  try {
    forbidden = globs(settings.patterns, DEFAULT_FORBIDDEN_PATHS, { mode: "forbid" });
    exceptions = globs(settings.exceptions, [], { mode: "permit" });
  } catch (error) {
    throw error instanceof GlobSyntaxError ? unusable("forbidden_path", `a pattern ${error.message}`) : error;
  }
  const violated = (path: string): string | undefined => {
    const index = forbidden.match(path);
    return index === null || exceptions.match(path) !== null ? undefined : settings.patterns[index];
  };
  const check = (input: GuardInput): GuardVerdict => {
    for (const raw of new Set(pathArguments(input))) {
      const readings = pathReadings(raw);
      if ("malformed" in readings) return { allow: false, details: readings.malformed };
      for (const path of readings.paths) {
        const pattern = violated(path);
        if (pattern !== undefined) return { allow: false, details: `path ${raw} is forbidden by ${pattern}` };
      }
      const resolved = input.resolvePath === undefined ? null : resolvedPath(raw, input.resolvePath);
      const pattern = resolved === null ? undefined : violated(resolved);
      if (pattern !== undefined) return { allow: false, details: `path ${raw} leads to ${resolved}, forbidden by ${pattern}` };
    }
    return { allow: true };
  };
  return defineGuard("forbidden-path", check);
}

import * as v from "valibot";
import type { Json } from "../wire/json.ts";
import {
  DEFAULT_BLOCKED_TOOLS,
  DEFAULT_EGRESS_ALLOW,
  DEFAULT_FORBIDDEN_PATHS,
  DEFAULT_MAX_ARGS_SIZE,
  SECRET_PATTERNS,
} from "./defaults.ts";
import type { PathKey, SourceDocument } from "./document.ts";
import type { PolicyProblem } from "./errors.ts";
import { compileGlobs, GlobSyntaxError } from "./glob.ts";
import { compileHostPattern } from "./host.ts";
import { compileRegexSet, RegexSyntaxError } from "./regex/index.ts";
import type { GuardSettings } from "./types.ts";

const MAX_LIST = 1000;
const MAX_OWN_PATTERNS = 64;

export const strings = v.pipe(v.array(v.string()), v.maxLength(MAX_LIST, `must have at most ${MAX_LIST} entries`));
const action = v.picklist(["allow", "block"]);
const byteCount = v.pipe(
  v.number(),
  v.integer("must be a whole number of bytes"),
  v.minValue(1, "must be at least 1"),
  v.maxValue(Number.MAX_SAFE_INTEGER, "is too large"),
);

/** The blocks that this release enforces, as both formats write them once their key names are evened out. */
export const forbiddenPathsEntries = { enabled: v.optional(v.boolean()), patterns: v.optional(strings), exceptions: v.optional(strings) };
export const egressEntries = {
  enabled: v.optional(v.boolean()),
  allow: v.optional(strings),
  block: v.optional(strings),
  default: v.optional(action),
};
export const toolAccessEntries = {
  enabled: v.optional(v.boolean()),
  allow: v.optional(strings),
  block: v.optional(strings),
  default: v.optional(action),
  max_args_size: v.optional(byteCount),
  require_confirmation: v.optional(strings),
};
export const secretPatternsEntries = {
  enabled: v.optional(v.boolean()),
  patterns: v.optional(
    v.pipe(
      v.array(
        v.object({
          name: v.string(),
          pattern: v.string(),
          severity: v.picklist(["critical", "error", "warn"]),
          description: v.optional(v.string()),
        }),
      ),
      v.maxLength(MAX_OWN_PATTERNS, `must have at most ${MAX_OWN_PATTERNS} entries`),
    ),
  ),
  skip_paths: v.optional(strings),
};
export const actionSchema = action;
export const byteCountSchema = byteCount;

export interface ForbiddenPathsBlock {
  patterns?: string[] | undefined;
  additional_patterns?: string[] | undefined;
  exceptions?: string[] | undefined;
}
export interface EgressBlock {
  allow?: string[] | undefined;
  block?: string[] | undefined;
  default?: "allow" | "block" | undefined;
}
export interface ToolAccessBlock {
  allow?: string[] | undefined;
  block?: string[] | undefined;
  default?: "allow" | "block" | undefined;
  max_args_size?: number | undefined;
  require_confirmation?: string[] | undefined;
}
export interface SecretPatternsBlock {
  patterns?: { name: string; pattern: string; severity: "critical" | "error" | "warn" }[] | undefined;
  skip_paths?: string[] | undefined;
}

/** Reports a problem at a path below the block. */
export type Report = (path: readonly PathKey[], code: PolicyProblem["code"], message: string, fix?: string) => void;

export function reporter(document: SourceDocument, base: readonly PathKey[], problems: PolicyProblem[]): Report {
  return (path, code, message, fix) => {
    problems.push(document.problem(code, [...base, ...path], message, fix === undefined ? {} : { fix }));
  };
}

/** An empty pattern list means the defaults: a block that forbids nothing would only look like one. */
export function forbiddenPaths(block: ForbiddenPathsBlock, report: Report): NonNullable<GuardSettings["forbidden_path"]> {
  const { patterns = [], additional_patterns = [], exceptions = [] } = block;
  checkGlobs(patterns, "patterns", "forbid", report);
  checkGlobs(additional_patterns, "additional_patterns", "forbid", report);
  checkGlobs(exceptions, "exceptions", "permit", report);
  return { patterns: [...(patterns.length === 0 ? DEFAULT_FORBIDDEN_PATHS : patterns), ...additional_patterns], exceptions };
}

/** Only a block that says nothing about hosts has the default allow list: whoever wrote a list, also an empty one, or a default meant it. */
export function egress(
  block: EgressBlock,
  keys: { allow: string; block: string },
  report: Report,
): NonNullable<GuardSettings["egress_allowlist"]> {
  checkHosts(block.allow ?? [], keys.allow, "allow", report);
  checkHosts(block.block ?? [], keys.block, "block", report);
  const silent = block.allow === undefined && block.default === undefined;
  return { allow: block.allow ?? (silent ? [...DEFAULT_EGRESS_ALLOW] : []), block: block.block ?? [], default: block.default ?? "block" };
}

export function toolAccess(block: ToolAccessBlock, report: Report): NonNullable<GuardSettings["tool_access"]> {
  if ((block.require_confirmation ?? []).length > 0) {
    report(
      ["require_confirmation"],
      "policy_not_enforced",
      "this release has no approvals",
      "list these tools under block, or empty the list",
    );
  }
  for (const key of ["allow", "block"] as const) {
    for (const [index, name] of (block[key] ?? []).entries()) {
      if (name.trim() === "") report([key, index], "policy_bad_pattern", "must be a tool name");
    }
  }
  const silent = block.allow === undefined && block.block === undefined;
  return {
    allow: block.allow ?? [],
    block: block.block ?? (silent ? [...DEFAULT_BLOCKED_TOOLS] : []),
    default: block.default ?? "allow",
    max_args_size: block.max_args_size ?? DEFAULT_MAX_ARGS_SIZE,
  };
}

export function secretPatterns(block: SecretPatternsBlock, report: Report): NonNullable<GuardSettings["secret_patterns"]> {
  const seen = new Set(SECRET_PATTERNS.map((pattern) => pattern.name));
  const patterns = block.patterns ?? [];
  for (const [index, { name, pattern }] of patterns.entries()) {
    if (seen.has(name))
      report(["patterns", index, "name"], "document_wrong_value", `pattern name "${name}" is taken`, "choose another name");
    seen.add(name);
    try {
      if (compileRegexSet([pattern]).search("") !== null) {
        report(["patterns", index, "pattern"], "policy_bad_pattern", "matches the empty text, so it would deny everything");
      }
    } catch (error) {
      if (!(error instanceof RegexSyntaxError)) throw error;
      report(["patterns", index, "pattern"], "policy_bad_pattern", error.message);
    }
  }
  checkGlobs(block.skip_paths ?? [], "skip_paths", "permit", report);
  return { patterns: patterns.map(({ name, pattern, severity }) => ({ name, pattern, severity })), skip_paths: block.skip_paths ?? [] };
}

function checkGlobs(patterns: readonly string[], key: string, mode: "forbid" | "permit", report: Report): void {
  for (const [index, pattern] of patterns.entries()) {
    try {
      compileGlobs([pattern], { mode });
    } catch (error) {
      if (!(error instanceof GlobSyntaxError)) throw error;
      report([key, index], "policy_bad_pattern", `pattern ${error.message}`);
    }
  }
}

function checkHosts(patterns: readonly string[], key: string, mode: "allow" | "block", report: Report): void {
  for (const [index, pattern] of patterns.entries()) {
    const compiled = compileHostPattern(pattern, mode);
    if (typeof compiled === "string") report([key, index], "policy_bad_pattern", compiled);
  }
}

/** True when a block is there and on. Blocks are on unless their format says otherwise. */
export function isEnabled(block: Json | undefined, byDefault: boolean): boolean {
  if (block === undefined) return false;
  const flag = block !== null && typeof block === "object" && !Array.isArray(block) ? block.enabled : undefined;
  return typeof flag === "boolean" ? flag : byDefault;
}

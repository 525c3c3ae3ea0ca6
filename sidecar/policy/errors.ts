import { ChioError } from "../wire/errors.ts";

/** Codes of this module; docs/errors.md lists them. */
export const POLICY_ERRORS = {
  policy_invalid: "The policy file cannot be used; the problems are listed, each with its place.",
  openapi_invalid: "The OpenAPI document cannot be used; the problems are listed, each with its place.",
  document_syntax: "The text is not valid YAML or JSON.",
  document_duplicate_key: "The same key stands twice in one mapping.",
  document_too_large: "The document, or what its aliases expand to, is over the limit.",
  policy_unknown_format: "The document is neither a HushSpec policy nor a Chio policy.",
  document_unsupported_version: "The document's version is not supported.",
  document_unknown_key: "The key is not known at this place.",
  document_wrong_value: "The value has the wrong type or is out of range.",
  document_missing_key: "A required key is missing.",
  policy_not_enforced: "The block is enabled, but this release has no guard that enforces it.",
  policy_bad_pattern: "A glob, host or regular expression pattern cannot be used.",
  policy_bad_extends: "The file named by `extends` cannot be used.",
  openapi_bad_reference: "A `$ref` cannot be resolved inside the document.",
  openapi_bad_path: "An OpenAPI path can never match a request, or can be read two ways.",
  openapi_ambiguous_route: "Two OpenAPI operations match the same request and differ in what they allow.",
} as const;

export type PolicyErrorCode = keyof typeof POLICY_ERRORS;

/** One thing that is wrong in a document. `line` and `column` count from 1; 0 where the document has no such place. */
export interface PolicyProblem {
  code: PolicyErrorCode;
  /** Name of the document as the operator knows it. */
  origin: string;
  /** Where in the document, `rules.egress.allow[0]`; empty for the whole document. */
  path: string;
  line: number;
  column: number;
  message: string;
  fix?: string;
}

/** Problems in the message; `problems` has them all. */
const MAX_SHOWN = 50;

/** Every problem of a policy or OpenAPI document at once. */
export class PolicyError extends ChioError {
  readonly problems: readonly PolicyProblem[];

  constructor(code: "policy_invalid" | "openapi_invalid", origin: string, problems: readonly PolicyProblem[]) {
    const sorted = [...problems].sort((a, b) => a.origin.localeCompare(b.origin) || a.line - b.line || a.column - b.column);
    const fix = sorted.length === 1 ? sorted[0]?.fix : undefined;
    super(code, describe(code, origin, sorted), fix === undefined ? {} : { fix });
    this.problems = sorted;
  }
}

function describe(code: "policy_invalid" | "openapi_invalid", origin: string, problems: readonly PolicyProblem[]): string {
  const what = code === "policy_invalid" ? "policy" : "OpenAPI document";
  const head = `${what} ${origin} is refused: ${problems.length} ${problems.length === 1 ? "problem" : "problems"}`;
  const lines = problems.slice(0, MAX_SHOWN).map((problem) => `  ${formatProblem(problem)}`);
  if (problems.length > MAX_SHOWN) lines.push(`  and ${problems.length - MAX_SHOWN} more`);
  return [head, ...lines].join("\n");
}

/** `policy.yaml:4:3: rules.egres: unknown key "egres" (did you mean "egress"?)` */
export function formatProblem(problem: PolicyProblem): string {
  const place = problem.line > 0 ? `${problem.origin}:${problem.line}:${problem.column}` : problem.origin;
  const path = problem.path === "" ? "" : `${problem.path}: `;
  const fix = problem.fix === undefined ? "" : ` (${problem.fix})`;
  return `${place}: ${path}${problem.message}${fix}`;
}

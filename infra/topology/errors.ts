import type { AcceptedFinding, Finding } from "./types.ts";

/** Codes of input errors: what was given is not a topology at all. Findings about a topology have their own codes, in `rules/`. */
export const TOPOLOGY_ERRORS = {
  input_invalid: "a property has the wrong type, is missing, or is unknown",
  input_syntax: "the input file is not valid YAML",
  findings: "the topology breaks rules",
  platform_mismatch: "a topology made for one platform was given to another",
  not_renderable: "the manifest needs a value that only a construct can make",
} as const;
export type TopologyErrorCode = keyof typeof TOPOLOGY_ERRORS;

/** One thing wrong with the input. `line` and `column` count from 1, and are there when the input was a file. */
export interface InputIssue {
  readonly path: string;
  readonly message: string;
  readonly line?: number;
  readonly column?: number;
}

/** The input cannot be read as a topology. All issues at once. */
export class TopologyInputError extends Error {
  readonly code: "input_invalid" | "input_syntax" | "platform_mismatch" | "not_renderable";
  readonly issues: readonly InputIssue[];
  readonly origin: string | undefined;

  constructor(issues: readonly InputIssue[], options: { code?: TopologyInputError["code"]; origin?: string } = {}) {
    super(describeIssues(issues, options.origin));
    this.name = "TopologyInputError";
    this.code = options.code ?? "input_invalid";
    this.issues = issues;
    this.origin = options.origin;
  }
}

/** The topology breaks rules. One error with every finding; `accepted` are those that somebody took on. */
export class TopologyError extends Error {
  readonly code = "findings";
  readonly findings: readonly Finding[];
  readonly accepted: readonly AcceptedFinding[];

  constructor(subject: string, findings: readonly Finding[], accepted: readonly AcceptedFinding[]) {
    super(`${subject}\n${formatFindings(findings, accepted)}`);
    this.name = "TopologyError";
    this.findings = findings;
    this.accepted = accepted;
  }
}

/** Findings as text, one block each: code, path, message, fix, link. */
export function formatFindings(findings: readonly Finding[], accepted: readonly AcceptedFinding[] = []): string {
  const blocks = findings.map(
    (finding) =>
      `${finding.severity} ${finding.code} at ${finding.path}\n  ${finding.message}\n  Fix: ${finding.fix}\n  See: ${finding.link}`,
  );
  const taken = accepted.map((finding) => `accepted ${finding.code} at ${finding.path}\n  ${finding.message}\n  Reason: ${finding.reason}`);
  return [...blocks, ...taken].join("\n");
}

function describeIssues(issues: readonly InputIssue[], origin: string | undefined): string {
  return issues
    .map((issue) => {
      const place = issue.line === undefined ? "" : `:${issue.line}:${issue.column ?? 1}`;
      const head = origin === undefined ? "" : `${origin}${place}: `;
      return issue.path === "" ? `${head}${issue.message}` : `${head}${issue.path}: ${issue.message}`;
    })
    .join("\n");
}

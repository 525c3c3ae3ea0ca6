import type { GuardEvidence } from "../wire/types.ts";
import type { Guard, GuardInput, GuardVerdict } from "./types.ts";

/** Outcome of a pipeline. `evidence` has one entry for each guard that ran, in order. */
export interface PipelineVerdict {
  allow: boolean;
  /** The guard that denied. */
  guard?: string;
  /** `guard "x" denied the request`, or `guard "x" error (fail-closed)` when it threw. */
  reason?: string;
  evidence: GuardEvidence[];
}

const MAX_DETAILS = 512;

/** Runs the guards in order. All must allow; the first that denies or throws ends it. A malformed action is denied by every guard. */
export function runGuards(guards: readonly Guard[], input: GuardInput): PipelineVerdict {
  const evidence: GuardEvidence[] = [];
  for (const guard of guards) {
    let verdict: GuardVerdict;
    let failed = false;
    try {
      verdict =
        input.action.kind === "malformed" ? { allow: false, details: `malformed action: ${input.action.reason}` } : guard.check(input);
    } catch (error) {
      failed = true;
      // The message could quote what the guard was looking at; the kind of error is all that goes out.
      verdict = { allow: false, details: `the guard failed (${error instanceof Error ? error.name : typeof error})` };
    }
    const allow = verdict.allow === true;
    evidence.push({
      guard_name: guard.name,
      verdict: allow,
      ...(verdict.details === undefined ? {} : { details: clean(verdict.details) }),
    });
    if (!allow) {
      const reason = failed ? `guard "${guard.name}" error (fail-closed)` : `guard "${guard.name}" denied the request`;
      return { allow: false, guard: guard.name, reason, evidence };
    }
  }
  return { allow: true, evidence };
}

/** One short line that any log and receipt can carry. */
function clean(details: string): string {
  const line = details.toWellFormed().replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, "?");
  return line.length > MAX_DETAILS ? `${line.slice(0, MAX_DETAILS - 1).toWellFormed()}…` : line;
}

import type { CompiledPolicy } from "../policy/types.ts";
import type { GuardEvidence } from "../wire/types.ts";
import { malformedVerdict } from "./define.ts";
import { egressAllowlistGuard } from "./egress-allowlist.ts";
import { forbiddenPathGuard } from "./forbidden-path.ts";
import { mcpToolGuard } from "./mcp-tool.ts";
import { secretLeakGuard } from "./secret-leak.ts";
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

/** The guards that a policy configures, in pipeline order. Throws PolicyError for settings that no policy file would have passed with. */
export function buildGuards(policy: CompiledPolicy): Guard[] {
  const { forbidden_path, egress_allowlist, tool_access, secret_patterns } = policy.guards;
  const guards: Guard[] = [];
  if (forbidden_path !== undefined) guards.push(forbiddenPathGuard(forbidden_path));
  if (egress_allowlist !== undefined) guards.push(egressAllowlistGuard(egress_allowlist));
  if (tool_access !== undefined) guards.push(mcpToolGuard(tool_access));
  if (secret_patterns !== undefined) guards.push(secretLeakGuard(secret_patterns));
  return guards;
}

/** Runs the guards in order. All must allow; the first that denies or throws ends it. A malformed action is denied by every guard. */
export function runGuards(guards: readonly Guard[], input: GuardInput): PipelineVerdict {
  const evidence: GuardEvidence[] = [];
  for (const guard of guards) {
    let verdict: GuardVerdict;
    let failed = false;
    try {
      // Also for guards that were made elsewhere and do not know the rule.
      verdict = input.action.kind === "malformed" ? malformedVerdict(input.action) : guard.check(input);
    } catch (error) {
      failed = true;
      // The message could quote what the guard was looking at; the kind of error is all that goes out.
      verdict = { allow: false, details: `the guard failed (${error instanceof Error ? error.name : typeof error})` };
    }
    // A guard of plain JavaScript may return anything; only a clear yes is one.
    const allow = verdict?.allow === true;
    const about = { guard_name: guard.name, verdict: allow };
    // Keys in order: a receipt is written faster then.
    evidence.push(verdict?.details === undefined ? about : { details: clean(verdict.details), ...about });
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

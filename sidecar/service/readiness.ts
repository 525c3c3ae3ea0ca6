import type { Readiness } from "./types.ts";

/**
 * Checks that a question about readiness may leave out: what is away for every replica alike, so that a new one in place of this would mend nothing.
 */
export const EXCLUDABLE_CHECKS = ["sinks"] as const;

type Checks = Map<string, () => string | null>;

/**
 * Ready when no check has a reason against it. A check returns null or one sentence; a check that throws counts as not ready.
 * Reasons and warnings read `<check>: <sentence>` and come in the order the checks were added. Adding a name again replaces its check.
 */
export function createReadiness(): Readiness {
  const checks: Checks = new Map();
  const notices: Checks = new Map();
  return {
    addCheck: (name, check) => void checks.set(name, check),
    reasons: (excluded = []) => sentences(checks, (name) => !excluded.includes(name)),
    addWarning: (name, check) => void notices.set(name, check),
    warnings: (excluded = []) => [...sentences(checks, (name) => excluded.includes(name)), ...sentences(notices)],
  };
}

function sentences(checks: Checks, asked: (name: string) => boolean = () => true): string[] {
  const found: string[] = [];
  for (const [name, check] of checks) {
    if (!asked(name)) continue;
    let sentence: string | null;
    try {
      sentence = check();
    } catch (error) {
      sentence = `check failed: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (sentence !== null) found.push(`${name}: ${sentence}`);
  }
  return found;
}

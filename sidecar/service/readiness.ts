import type { Readiness } from "./types.ts";

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
    reasons: () => sentences(checks),
    addWarning: (name, check) => void notices.set(name, check),
    warnings: () => sentences(notices),
  };
}

function sentences(checks: Checks): string[] {
  const found: string[] = [];
  for (const [name, check] of checks) {
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

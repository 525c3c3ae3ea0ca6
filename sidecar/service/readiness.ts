import type { Readiness } from "./types.ts";

/**
 * Ready when no check has a reason against it. A check returns null or one sentence; a check that throws counts as not ready.
 * Reasons read `<check>: <sentence>` and come in the order the checks were added. Adding a name again replaces its check.
 */
export function createReadiness(): Readiness {
  const checks = new Map<string, () => string | null>();
  return {
    addCheck(name, check) {
      checks.set(name, check);
    },
    reasons() {
      const reasons: string[] = [];
      for (const [name, check] of checks) {
        let reason: string | null;
        try {
          reason = check();
        } catch (error) {
          reason = `check failed: ${error instanceof Error ? error.message : String(error)}`;
        }
        if (reason !== null) reasons.push(`${name}: ${reason}`);
      }
      return reasons;
    },
  };
}

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { BEGIN } from "./late-cases.ts";

export interface LateOutcome {
  readonly errors: string[];
  readonly posture: { entries: { invariant: string; brokenBy: string[] }[]; accepted: { reason: string }[] } | null;
}

/** What the program of cases printed, by the name of the case. */
export async function lateOutcomes<Outcome extends LateOutcome>(program: URL): Promise<Record<string, Outcome>> {
  // Pulumi ends a program that had errors with a code of its own: what counts is what it printed.
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(program)], { maxBuffer: 16 * 1024 * 1024 }).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? "" }),
  );
  return JSON.parse(stdout.slice(stdout.indexOf(BEGIN) + BEGIN.length)) as Record<string, Outcome>;
}

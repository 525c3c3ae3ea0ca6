import type { RestartPolicy } from "../../topology/index.ts";

/** Kubernetes restarts a container at once, then after 10 s, 20 s, … 300 s; ten minutes without a crash begin anew. */
const FIRST_MS = 10_000;
const LONGEST_MS = 300_000;
const FORGET_MS = 600_000;

export interface BackOff {
  readonly crashes: number;
  /** What the next restart waits for. */
  readonly delayMs: number;
}

export const NO_CRASH: BackOff = { crashes: 0, delayMs: 0 };

/** After a run of `ranMs` that ended by itself or by a probe. */
export function afterCrash(before: BackOff, ranMs: number): BackOff {
  if (ranMs >= FORGET_MS) return { crashes: 1, delayMs: 0 };
  const crashes = before.crashes + 1;
  return { crashes, delayMs: crashes === 1 ? 0 : Math.min(FIRST_MS * 2 ** (crashes - 2), LONGEST_MS) };
}

/**
 * Whether ECS starts the container again: it has a policy, the exit code is not ignored, and it ran for the attempt period. One that ends before
 * is not restarted.
 */
export function ecsRestarts(policy: RestartPolicy | null, exit: { readonly code: number; readonly ranMs: number }): boolean {
  return policy !== null && !policy.ignoredExitCodes.includes(exit.code) && exit.ranMs >= policy.attemptPeriodSeconds * 1000;
}

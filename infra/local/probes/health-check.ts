import type { HealthCheck } from "../../topology/index.ts";

/** Health of a container by its health command, as Docker keeps it and ECS reads it. */
export interface HealthState {
  readonly status: "starting" | "healthy" | "unhealthy";
  readonly failingStreak: number;
}

export const STARTING: HealthState = { status: "starting", failingStreak: 0 };

/**
 * The state after one run of the command. A success makes the container healthy at once. A failure counts when the container was healthy before, or
 * when the run began after the start period; `retries` counted failures in a row make it unhealthy.
 */
export function afterCheck(
  before: HealthState,
  run: { readonly ok: boolean; readonly beganAfterStartMs: number },
  check: Pick<HealthCheck, "retries" | "startPeriodSeconds">,
): HealthState {
  if (run.ok) return { status: "healthy", failingStreak: 0 };
  if (before.status === "starting" && run.beganAfterStartMs < check.startPeriodSeconds * 1000) return before;
  const failingStreak = before.failingStreak + 1;
  return { status: failingStreak >= check.retries ? "unhealthy" : before.status, failingStreak };
}

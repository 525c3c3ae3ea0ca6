import type { HealthCheck } from "../../topology/index.ts";
import type { Clock } from "../clock.ts";
import { slept, within } from "../clock.ts";
import type { Pace } from "../types.ts";
import { afterCheck, type HealthState, STARTING } from "./health-check.ts";
import type { ProbeOutcome } from "./probe-loop.ts";
import { EAGER_MS, Schedule } from "./schedule.ts";

export interface HealthLoopOptions {
  readonly check: HealthCheck;
  readonly clock: Clock;
  readonly pace: Pace;
  /** Runs the command in the container. */
  readonly run: () => Promise<ProbeOutcome>;
  /** Each run that counts, also those of the start period. */
  readonly onOutcome: (outcome: ProbeOutcome, state: HealthState, changed: boolean) => void;
  readonly signal: AbortSignal;
}

/** Runs the health command until the signal: the first time one interval after the start, then one interval after the end of the run before. */
export async function healthLoop({ check, clock, pace, run, onOutcome, signal }: HealthLoopOptions): Promise<void> {
  const began = clock.now();
  const schedule = new Schedule({
    firstMs: check.intervalSeconds * 1000,
    periodMs: check.intervalSeconds * 1000,
    eagerMs: pace === "eager" ? EAGER_MS : null,
  });
  for (let state = STARTING; ; ) {
    const turn = schedule.next(clock.now() - began);
    if (!(await slept(clock, turn.atMs - (clock.now() - began), signal))) return;
    const beganAfterStartMs = clock.now() - began;
    const result = await within(clock, check.timeoutSeconds * 1000, run());
    if (signal.aborted) return;
    const outcome = result.done ? result.value : { ok: false, detail: `the command took longer than ${check.timeoutSeconds} s` };
    schedule.ended(turn, clock.now() - began);
    if (!outcome.ok && !turn.counts) continue;
    const before = state.status;
    state = afterCheck(state, { ok: outcome.ok, beganAfterStartMs }, check);
    if (outcome.ok) schedule.passed(clock.now() - began);
    onOutcome(outcome, state, state.status !== before);
  }
}

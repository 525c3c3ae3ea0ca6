import type { Probe } from "../../topology/index.ts";
import type { Clock } from "../clock.ts";
import { slept } from "../clock.ts";
import type { Pace } from "../types.ts";
import { EAGER_MS, Schedule } from "./schedule.ts";
import { afterProbe, NO_VERDICT, type ProbeVerdict } from "./verdict.ts";

export interface ProbeOutcome {
  readonly ok: boolean;
  /** For people: the status, or why there was no answer. */
  readonly detail: string;
}

export interface ProbeLoopOptions {
  readonly probe: Omit<Probe, "action">;
  readonly clock: Clock;
  readonly pace: Pace;
  readonly run: () => Promise<ProbeOutcome>;
  /** Each probe that counts. `changed`: the verdict has just become another. The loop ends when it returns false. */
  readonly onOutcome: (outcome: ProbeOutcome, verdict: ProbeVerdict, changed: boolean) => boolean;
  readonly signal: AbortSignal;
}

/** Probes until the signal, or until `onOutcome` has seen enough. Begins its own time when called. */
export async function probeLoop({ probe, clock, pace, run, onOutcome, signal }: ProbeLoopOptions): Promise<void> {
  const began = clock.now();
  const schedule = new Schedule({
    firstMs: probe.initialDelaySeconds * 1000,
    periodMs: probe.periodSeconds * 1000,
    eagerMs: pace === "eager" ? EAGER_MS : null,
  });
  for (let verdict = NO_VERDICT; ; ) {
    const turn = schedule.next(clock.now() - began);
    if (!(await slept(clock, turn.atMs - (clock.now() - began), signal))) return;
    const outcome = await run();
    if (signal.aborted) return;
    if (!outcome.ok && !turn.counts) continue;
    const before = verdict.state;
    verdict = afterProbe(verdict, outcome.ok, probe);
    if (verdict.state === "passing") schedule.passed(clock.now() - began);
    if (!onOutcome(outcome, verdict, verdict.state !== before)) return;
  }
}

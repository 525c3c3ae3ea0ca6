import type { Probe } from "../../topology/index.ts";

/** What a row of probes has come to. `unknown` until either threshold was reached. */
export interface ProbeVerdict {
  readonly state: "unknown" | "passing" | "failing";
  /** Successes, or failures, one after the other, up to now. */
  readonly successes: number;
  readonly failures: number;
}

export const NO_VERDICT: ProbeVerdict = { state: "unknown", successes: 0, failures: 0 };

/** A success breaks the row of failures and the other way round; the state changes when a row is as long as its threshold. */
export function afterProbe(
  before: ProbeVerdict,
  ok: boolean,
  thresholds: Pick<Probe, "successThreshold" | "failureThreshold">,
): ProbeVerdict {
  const successes = ok ? before.successes + 1 : 0;
  const failures = ok ? 0 : before.failures + 1;
  if (ok && successes >= thresholds.successThreshold) return { state: "passing", successes, failures };
  if (!ok && failures >= thresholds.failureThreshold) return { state: "failing", successes, failures };
  return { state: before.state, successes, failures };
}

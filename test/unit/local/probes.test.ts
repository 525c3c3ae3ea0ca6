import { describe, expect, it } from "vitest";
import { afterCheck, type HealthState, STARTING } from "../../../infra/local/probes/health-check.ts";
import { healthLoop } from "../../../infra/local/probes/health-loop.ts";
import { probeLoop } from "../../../infra/local/probes/probe-loop.ts";
import { Schedule } from "../../../infra/local/probes/schedule.ts";
import { afterProbe, NO_VERDICT } from "../../../infra/local/probes/verdict.ts";
import type { Pace } from "../../../infra/local/types.ts";
import { FakeClock } from "./fake-clock.ts";

const verdicts = (results: string, thresholds: { successThreshold: number; failureThreshold: number }) => {
  let verdict = NO_VERDICT;
  return [...results].map((one) => {
    verdict = afterProbe(verdict, one === "+", thresholds);
    return verdict.state;
  });
};

describe("a probe's thresholds", () => {
  it("change the verdict after a row, not after one result", () => {
    expect(verdicts("-+--++---", { successThreshold: 2, failureThreshold: 3 })).toEqual([
      "unknown",
      "unknown",
      "unknown",
      "unknown",
      "unknown",
      "passing",
      "passing",
      "passing",
      "failing",
    ]);
  });

  it("keep a failing probe failing until it has succeeded often enough", () => {
    expect(verdicts("--+-++", { successThreshold: 2, failureThreshold: 2 }).at(-2)).toBe("failing");
    expect(verdicts("--+-++", { successThreshold: 2, failureThreshold: 2 }).at(-1)).toBe("passing");
  });
});

describe("a health command", () => {
  const check = { retries: 3, startPeriodSeconds: 15 };
  const run = (results: readonly [ok: boolean, ms: number][]) =>
    results.reduce<HealthState>((state, [ok, beganAfterStartMs]) => afterCheck(state, { ok, beganAfterStartMs }, check), STARTING);

  it("may fail in the start period as often as it likes", () => {
    expect(
      run([
        [false, 1_000],
        [false, 5_000],
        [false, 10_000],
        [false, 14_999],
      ]),
    ).toEqual(STARTING);
  });

  it("makes the container unhealthy after its retries in a row, counted from the end of the start period", () => {
    expect(
      run([
        [false, 14_999],
        [false, 15_000],
        [false, 25_000],
      ]).status,
    ).toBe("starting");
    expect(
      run([
        [false, 14_999],
        [false, 15_000],
        [false, 25_000],
        [false, 35_000],
      ]).status,
    ).toBe("unhealthy");
  });

  it("counts failures in the start period once the container has been healthy", () => {
    expect(
      run([
        [true, 1_000],
        [false, 2_000],
        [false, 3_000],
        [false, 4_000],
      ]).status,
    ).toBe("unhealthy");
  });

  it("makes it healthy again with one success", () => {
    expect(
      run([
        [true, 1_000],
        [false, 20_000],
        [false, 30_000],
        [false, 40_000],
        [true, 50_000],
      ]),
    ).toEqual({ status: "healthy", failingStreak: 0 });
  });
});

describe("the schedule", () => {
  it("is the platform's where nobody is eager, without catching up on turns that were missed", () => {
    const schedule = new Schedule({ firstMs: 1_000, periodMs: 2_000, eagerMs: null });
    expect(schedule.next(0)).toEqual({ atMs: 1_000, counts: true });
    expect(schedule.next(1_500)).toEqual({ atMs: 3_000, counts: true });
    expect(schedule.next(8_100)).toEqual({ atMs: 8_100, counts: true });
    expect(schedule.next(8_200)).toEqual({ atMs: 9_000, counts: true });
  });

  it("tries in between until it has passed, and counts only the platform's turns", () => {
    const schedule = new Schedule({ firstMs: 250, periodMs: 1_000, eagerMs: 100 });
    expect([schedule.next(0), schedule.next(100), schedule.next(200)]).toEqual([
      { atMs: 100, counts: false },
      { atMs: 200, counts: false },
      { atMs: 250, counts: true },
    ]);
    schedule.passed(300);
    expect(schedule.next(300)).toEqual({ atMs: 1_300, counts: true });
  });
});

describe("a probe loop", () => {
  const probe = { initialDelaySeconds: 1, periodSeconds: 2, timeoutSeconds: 1, failureThreshold: 3, successThreshold: 1 };

  /** Times at which a container that comes up `upAfterMs` after the start gets its verdict. */
  async function verdictOf(pace: Pace, upAfterMs: number) {
    const clock = new FakeClock();
    const seen: { at: number; state: string }[] = [];
    const signal = AbortSignal.any([]);
    const loop = probeLoop({
      probe,
      clock,
      pace,
      signal,
      run: async () => ({ ok: clock.now() >= upAfterMs, detail: "" }),
      onOutcome: (_outcome, { state }, changed) => {
        if (changed) seen.push({ at: clock.now(), state });
        return !changed;
      },
    });
    await clock.advance(20_000);
    await loop;
    return seen;
  }

  it("gives up at the same time whether it is eager or not", async () => {
    const never = [{ at: 5_000, state: "failing" }];
    expect(await verdictOf("platform", Number.POSITIVE_INFINITY)).toEqual(never);
    expect(await verdictOf("eager", Number.POSITIVE_INFINITY)).toEqual(never);
  });

  it("sees a container that has come up at the platform's next turn, or at once", async () => {
    expect(await verdictOf("platform", 3_200)).toEqual([{ at: 5_000, state: "passing" }]);
    expect(await verdictOf("eager", 3_200)).toEqual([{ at: 3_200, state: "passing" }]);
  });
});

describe("a health loop", () => {
  const check = { command: ["check"], intervalSeconds: 10, timeoutSeconds: 5, retries: 2, startPeriodSeconds: 15 };

  async function statesOf(pace: Pace, run: (now: number, clock: FakeClock) => Promise<boolean>, ms = 60_000) {
    const clock = new FakeClock();
    const ending = new AbortController();
    const seen: string[] = [];
    const loop = healthLoop({
      check,
      clock,
      pace,
      signal: ending.signal,
      run: async () => ({ ok: await run(clock.now(), clock), detail: "" }),
      onOutcome: ({ detail }, { status }, changed) => void (changed && seen.push(`${clock.now()} ${status} ${detail}`.trim())),
    });
    await clock.advance(ms);
    ending.abort();
    await loop;
    return seen;
  }

  it("begins one interval after the start, as Docker does", async () => {
    expect(await statesOf("platform", async () => true)).toEqual(["10000 healthy"]);
    expect(await statesOf("eager", async () => true)).toEqual(["100 healthy"]);
  });

  it("finds a container unhealthy at the same time at both paces", async () => {
    expect(await statesOf("platform", async () => false)).toEqual(["30000 unhealthy"]);
    expect(await statesOf("eager", async () => false)).toEqual(["30000 unhealthy"]);
  });

  it("counts a command over its timeout as failed, and the interval from there", async () => {
    const hangs = (_now: number, clock: FakeClock) => clock.sleep(1e9).then(() => true);
    // 10 s, within the start period: 15 s late. Then 25 s, late at 30; 40 s, late at 45.
    expect(await statesOf("platform", hangs)).toEqual(["45000 unhealthy the command took longer than 5 s"]);
  });
});

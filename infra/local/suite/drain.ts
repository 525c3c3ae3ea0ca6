import { describe, expect, it } from "vitest";
import { callsAtWork, countBy, errorsOf, exitCodes, finals, longest, mismatched, shortened, sleep, warmUp } from "./accounting.ts";
import { eventsLike, told } from "./events.ts";
import type { LifecycleSubject } from "./subject.ts";
import { graphOf, Trial } from "./trial.ts";

/** How long the app takes over a call, in the case that fits the budget. */
const WITHIN_MS = 4_000;
/** The same in the other case: longer than any budget. */
const BEYOND_MS = 60_000;
const FULL_CPU = 1_000;
/** Calls before those that hang: what follows meets a sidecar and connections that are warm. */
const WARM = 1;

/** Calls in flight at the stop: each is accounted for, by its answer and by its receipt. */
export function describeDrain(subject: LifecycleSubject): void {
  const graph = graphOf(subject);
  const inFlight = subject.inFlight ?? 200;
  const wanted = (subject.slowCall?.(0) ?? subject.call).status ?? 200;

  describe("drain", () => {
    it(`${inFlight} calls in flight behind a slow app, within the budget: each gets its answer and its receipt, all end with 0`, async () => {
      await using trial = await Trial.start(subject);
      const { results: calls } = await hangingCalls(trial, subject, inFlight, WITHIN_MS);
      const stopped = trial.started.stop({ keep: true });
      if (subject.slowCall === undefined) await sleep(WITHIN_MS).then(() => trial.hand.setCpu(trial.appName, FULL_CPU));
      const results = await calls;
      await stopped;

      const receipts = await trial.receipts();
      expect(mismatched(results, receipts), told(trial.timeline)).toEqual([]);
      if (subject.slowCall !== undefined && subject.appFinishes !== false) {
        expect(countBy(results, ({ status, error }) => String(status ?? error))).toEqual({ [wanted]: inFlight });
      }
      expect(finals(receipts), told(trial.timeline)).toHaveLength(inFlight + WARM);
      expect((await trial.verifyLog()).open_decisions.count).toBe(0);
      expect(exitCodes(trial), told(trial.timeline)).toMatchObject({ [trial.sidecarName]: 0 });
      expect(eventsLike(trial.timeline, { kind: "drained" }), told(trial.timeline)).toMatchObject([{ receipts: receipts.size }]);
    });

    it(`${inFlight} calls in flight behind an app that takes too long, beyond the budget: each is told or cut off, and has its receipt`, async () => {
      await using trial = await Trial.start(subject, shortened(subject, graph));
      const { results: calls } = await hangingCalls(trial, subject, inFlight, BEYOND_MS);
      const began = Date.now();
      await trial.started.stop({ keep: true });
      const tookMs = Date.now() - began;
      const results = await calls;

      const receipts = await trial.receipts();
      expect(mismatched(results, receipts), told(trial.timeline)).toEqual([]);
      // Nobody is forgotten: what was cut off without an answer has its receipt too.
      expect(finals(receipts), told(trial.timeline)).toHaveLength(inFlight + WARM);
      expect((await trial.verifyLog()).open_decisions.count).toBe(0);
      const unanswered = results.filter(({ status }) => status !== wanted).length;
      if (subject.slowCall !== undefined) expect(unanswered, told(trial.timeline)).toBe(inFlight);
      const codes = exitCodes(trial);
      // On ECS the app ends first, so that the sidecar can still tell every caller; elsewhere its own budget ends, and it says how many it cut off.
      const expected = graph.platform === "ecs" ? 0 : 1;
      // Starved, the app may get its answers out in time after all: then nobody was cut off.
      expect(subject.slowCall === undefined ? [0, expected] : [expected], told(trial.timeline)).toContain(codes[trial.sidecarName]);
      if (codes[trial.sidecarName] === 1)
        expect(errorsOf(trial), told(trial.timeline)).toContainEqual(expect.stringMatching(/\d+ requests?\b/));
      // It does not end by itself while it has a caller.
      if (graph.platform === "ecs" && subject.slowCall !== undefined) expect(codes[trial.appName], told(trial.timeline)).toBe(137);
      expect(tookMs, told(trial.timeline)).toBeLessThan((longest(trial.graph) + 10) * 1000);
    });
  });
}

/** Slow calls, or calls to an app that gets nowhere; with their results to come. */
async function hangingCalls(trial: Trial, subject: LifecycleSubject, count: number, ms: number): ReturnType<typeof callsAtWork> {
  await warmUp(trial, subject);
  if (subject.slowCall === undefined) await trial.hand.starve(trial.appName);
  return await callsAtWork(trial, count, subject.slowCall?.(ms) ?? subject.call);
}

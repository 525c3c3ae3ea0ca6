import { describe, expect, it } from "vitest";
import { callsAtWork, countBy, errorsOf, exitCodes, finals, longest, mismatched, shortened, warmUp } from "./accounting.ts";
import { told } from "./events.ts";
import { ReceiptEngine } from "./receipt-engine.ts";
import type { LifecycleSubject } from "./subject.ts";
import { graphOf, sidecarOf, Trial, type TrialOptions } from "./trial.ts";

/** How long the engine takes over a group of receipts, in the case that fits the budget. */
const SLOW_MS = 400;
const WARM = 1;

/** Answers that wait for a remote engine at the stop: none leaves before its receipt is there. */
export function describeSlowSink(subject: LifecycleSubject): void {
  const graph = graphOf(subject);
  const sidecar = sidecarOf(graph).name;
  const inFlight = subject.inFlight ?? 200;
  const status = subject.call.status ?? 200;

  /** The subject with the engine as its sink, which every answer waits for. */
  const acknowledgedBy = ({ options }: ReceiptEngine): TrialOptions => ({
    ...options,
    env: { ...options.env, [sidecar]: { ...options.env?.[sidecar], CHIO_RECEIPT_ACKNOWLEDGE: "sink" } },
  });

  describe("drain to a remote receipt engine", () => {
    it(`${inFlight} answers that wait for a slow engine, within the budget: each comes, and all receipts are there`, async () => {
      await using engine = await ReceiptEngine.start(subject);
      await using trial = await Trial.start(subject, acknowledgedBy(engine));
      await warmUp(trial, subject);
      await engine.set("slow", SLOW_MS);
      const { results: calls } = await callsAtWork(trial, inFlight, subject.call);
      await trial.started.stop({ keep: true });
      const results = await calls;

      const [receipts, confirmed] = [await trial.receipts(), new Set(await engine.receiptIds())];
      expect(
        countBy(results, (result) => String(result.status ?? result.error)),
        told(trial.timeline),
      ).toEqual({ [status]: inFlight });
      expect(mismatched(results, receipts)).toEqual([]);
      expect(
        [...receipts.keys()].filter((id) => !confirmed.has(id)),
        told(trial.timeline),
      ).toEqual([]);
      expect((await trial.verifyLog()).open_decisions.count).toBe(0);
      expect(exitCodes(trial), told(trial.timeline)).toMatchObject({ [sidecar]: 0 });
    });

    it(`${inFlight} answers that wait for an engine that never confirms, beyond the budget: none is given, no receipt is lost, and the count is told`, async () => {
      await using engine = await ReceiptEngine.start(subject);
      const short = shortened(subject, graph);
      await using trial = await Trial.start(subject, { ...short, ...acknowledgedBy(engine) });
      await warmUp(trial, subject);
      const before = new Set(await engine.receiptIds());
      await engine.set("stuck");
      const { results: calls } = await callsAtWork(trial, inFlight, subject.call);
      const began = Date.now();
      await trial.started.stop({ keep: true });
      const tookMs = Date.now() - began;
      const results = await calls;

      const receipts = await trial.receipts();
      expect(
        results.filter((result) => result.status === status),
        told(trial.timeline),
      ).toEqual([]);
      // In the local store they are safe: the next start on that volume hands them over.
      expect(finals(receipts), told(trial.timeline)).toHaveLength(inFlight + WARM);
      expect((await engine.receiptIds()).filter((id) => !before.has(id))).toEqual([]);
      await trial.verifyLog();
      expect(exitCodes(trial), told(trial.timeline)).toMatchObject({ [sidecar]: 1 });
      expect(errorsOf(trial), told(trial.timeline)).toContainEqual(expect.stringMatching(/drain incomplete: .*\d+ (receipts|requests)/));
      expect(tookMs, told(trial.timeline)).toBeLessThan((longest(trial.graph) + 10) * 1000);
    });
  });
}

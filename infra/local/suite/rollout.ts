import { describe, expect, it } from "vitest";
import { eventsLike, eventually, firstTime, told } from "./events.ts";
import type { LifecycleSubject } from "./subject.ts";
import { graphOf, Trial, withContainers } from "./trial.ts";

const WORKERS = 16;
/** Calls before, and again after, the new version takes over. */
const CALLS = 200;

/** A new version under steady load: nobody notices, and nothing is lost; a bad one changes nothing. */
export function describeRollout(subject: LifecycleSubject): void {
  const graph = graphOf(subject);
  const status = subject.call.status ?? 200;
  const next = withContainers(graph, (one) => ({ ...one, env: { ...one.env, CHIO_KIT_LIFECYCLE_VERSION: "2" } }));

  describe("rollout", () => {
    it("under steady load fails no call and loses no receipt; both logs verify", async () => {
      await using trial = await Trial.start(subject);
      const load = trial.caller.steady(WORKERS);
      await eventually("the load is on", () => load.results.length >= CALLS);
      await trial.rollout(next);
      const before = load.results.length;
      await eventually("the new version has had its share", () => load.results.length >= before + CALLS);
      const results = await load.stop();
      await trial.started.stop({ keep: true });

      const failed = results.filter((result) => result.status !== status);
      expect(failed, told(trial.timeline)).toEqual([]);
      const [old, fresh] = [await trial.receipts("r1"), await trial.receipts("r2")];
      const lost = results.filter(({ receiptId }) => receiptId === null || !(old.has(receiptId) || fresh.has(receiptId)));
      expect(lost).toEqual([]);
      // Both have served: the traffic has really moved.
      expect(old.size).toBeGreaterThanOrEqual(CALLS);
      expect(fresh.size).toBeGreaterThanOrEqual(CALLS);
      for (const replica of ["r1", "r2"]) expect((await trial.verifyLog(replica)).open_decisions.count).toBe(0);
      expect(firstTime(trial.timeline, { kind: "traffic-on", replica: "r2" }), told(trial.timeline)).toBeLessThan(
        firstTime(trial.timeline, { kind: "traffic-off", replica: "r1" }),
      );
      expect(trial.started.container(trial.sidecarName, "r1").exitCode).toBe(0);
    });

    it("of a version that does not start leaves the old one in service, and says why", async () => {
      await using trial = await Trial.start(subject);
      const key = graph.containers.flatMap((one) => one.secrets).find((one) => one.purpose === "signing-key");
      const bad = trial.rollout(next, { secrets: { ...subject.secrets, [key?.name ?? ""]: "not-a-key" } });
      await expect(bad, told(trial.timeline)).rejects.toMatchObject({
        code: "rollout_failed",
        message: expect.stringMatching(/signing key|CHIO_SIGNING_KEY/i),
      });
      expect(eventsLike(trial.timeline, { kind: "traffic-on", replica: "r2" })).toEqual([]);
      expect(eventsLike(trial.timeline, { kind: "traffic-off", replica: "r1" })).toEqual([]);
      expect((await trial.caller.once()).status).toBe(status);
    });
  });
}

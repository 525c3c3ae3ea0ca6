import { describe, expect, it } from "vitest";
import type { TimelineEvent } from "../types.ts";
import type { DockerHand } from "./docker-hand.ts";
import { eventsLike, firstTime, told } from "./events.ts";
import type { LifecycleSubject } from "./subject.ts";
import { appOf, graphOf, sidecarOf, Trial } from "./trial.ts";

/** How long a slow sidecar stands still. */
const SLOW_MS = 4_000;

/** The app waits for its sidecar, also for one that is slow, flaps or never comes. */
export function describeStart(subject: LifecycleSubject): void {
  const graph = graphOf(subject);
  const sidecar = sidecarOf(graph).name;
  const app = appOf(graph).name;
  const { startGate } = graph;
  /** The words after which the app's own program begins. */
  const waits = startGate.kind === "wrapper" ? `${startGate.program} wait` : null;

  describe("start", () => {
    it(title(startGate.kind), async () => {
      await using trial = await Trial.start(subject);
      const { timeline } = trial;
      const healthy = firstTime(timeline, { kind: "healthy", container: sidecar });
      expect(firstTime(timeline, { kind: "traffic-on" }), told(timeline)).toBeGreaterThan(healthy);
      if (startGate.kind === "platform") {
        expect(firstTime(timeline, { kind: "started", container: app }), told(timeline)).toBeGreaterThan(healthy);
      }
      expect((await trial.caller.once()).status).toBe(subject.call.status ?? 200);
      // The wrapper has become the app: nothing of it is left between the platform's signals and the app.
      if (waits !== null) expect(await commands(trial.hand, app)).not.toContainEqual(expect.stringContaining(waits));
    });

    it("holds the app back as long as a slow sidecar takes", async () => {
      let seen: string[] = [];
      const frozen = Promise.withResolvers<void>();
      await using trial = await Trial.start(subject, {
        onEvent: async (event, hand) => {
          if (!isFirstStart(event, sidecar)) return;
          await hand.freeze(sidecar);
          await sleep(SLOW_MS);
          // The end of the wait: what runs of the app now, while the sidecar has answered nobody.
          seen = await commands(hand, app).catch(() => []);
          await hand.thaw(sidecar);
          frozen.resolve();
        },
      });
      await frozen.promise;
      const { timeline } = trial;
      const began = firstTime(timeline, { kind: "started", container: sidecar });
      const healthy = firstTime(timeline, { kind: "healthy", container: sidecar });
      expect(healthy - began, told(timeline)).toBeGreaterThanOrEqual(SLOW_MS);
      expect(firstTime(timeline, { kind: "traffic-on" })).toBeGreaterThan(healthy);
      if (startGate.kind === "platform") expect(seen).toEqual([]);
      if (waits !== null) {
        expect(seen.length).toBeGreaterThan(0);
        expect(seen.filter((command) => !command.includes(waits))).toEqual([]);
      }
      expect((await trial.caller.once()).status).toBe(subject.call.status ?? 200);
    });

    it("gets there behind a sidecar that stands still again and again", async () => {
      const flapped = Promise.withResolvers<void>();
      await using trial = await Trial.start(subject, {
        onEvent: async (event, hand) => {
          if (!isFirstStart(event, sidecar)) return;
          for (let round = 0; round < 3; round++) {
            await hand.freeze(sidecar);
            await sleep(700);
            await hand.thaw(sidecar);
            await sleep(20);
          }
          flapped.resolve();
        },
      });
      await flapped.promise;
      const healthy = firstTime(trial.timeline, { kind: "healthy", container: sidecar });
      if (startGate.kind === "platform") {
        expect(firstTime(trial.timeline, { kind: "started", container: app }), told(trial.timeline)).toBeGreaterThan(healthy);
      }
      expect(firstTime(trial.timeline, { kind: "traffic-on" })).toBeGreaterThan(healthy);
      expect((await trial.caller.once()).status).toBe(subject.call.status ?? 200);
    });

    it("never serves behind a sidecar that never comes, and says what it waited for", async () => {
      let seen: string[] = [];
      const failed = await Trial.attempt(subject, {
        readyTimeoutMs: SLOW_MS * 2,
        onEvent: async (event, hand) => {
          if (!isFirstStart(event, sidecar)) return;
          await hand.freeze(sidecar);
          await sleep(SLOW_MS);
          seen = await commands(hand, app).catch(() => []);
        },
      });
      if (failed instanceof Trial) {
        await failed[Symbol.asyncDispose]();
        expect.unreachable("it got ready without a sidecar");
      }
      const { timeline } = failed;
      expect(failed.error.code).toBe("never_ready");
      expect(eventsLike(timeline, { kind: "healthy", container: sidecar })).toEqual([]);
      expect(eventsLike(timeline, { kind: "traffic-on" }), told(timeline)).toEqual([]);
      expect(eventsLike(timeline, { kind: "failed" }), told(timeline)).not.toEqual([]);
      if (startGate.kind === "platform") expect(eventsLike(timeline, { kind: "started", container: app }), told(timeline)).toEqual([]);
      if (waits !== null) expect(seen.filter((command) => !command.includes(waits))).toEqual([]);
    });
  });
}

function title(gate: "platform" | "wrapper" | "traffic"): string {
  if (gate === "platform") return "the app is started only after the sidecar is healthy";
  return gate === "wrapper"
    ? "the app's own program begins only after the sidecar is healthy"
    : "no request reaches the app before the sidecar is healthy (its process is not held back on this platform)";
}

const isFirstStart = ({ kind, container, replica }: TimelineEvent, name: string) =>
  kind === "started" && container === name && replica === "r1";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Command lines of what runs in the container; without tini, which is part of an image. */
async function commands(hand: DockerHand, name: string): Promise<string[]> {
  return (await hand.processes(name)).map(({ command }) => command);
}

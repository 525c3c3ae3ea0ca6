import { describe, expect, it } from "vitest";
import type { Acceptance, PlatformTopology } from "../../topology/index.ts";
import type { TimelineEvent } from "../types.ts";
import type { DockerHand } from "./docker-hand.ts";
import { eventsLike, firstTime, told } from "./events.ts";
import type { LifecycleSubject } from "./subject.ts";
import { appOf, graphOf, mustFail, sidecarOf, Trial, type TrialOptions, withContainers } from "./trial.ts";

/** How long a slow sidecar is kept slow. */
const SLOW_MS = 4_000;
/** What it has afterwards, in thousandths of a core. */
const FULL_CPU = 1_000;

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
      await using trial = await Trial.start(subject, {
        ...slow(subject, graph),
        onEvent: async (event, hand) => {
          if (!isFirstStart(event, sidecar)) return;
          await hand.starve(sidecar);
          await sleep(SLOW_MS);
          // The end of the wait: what runs of the app now, while the sidecar has answered nobody.
          seen = await commands(hand, app).catch(() => []);
          await hand.setCpu(sidecar, FULL_CPU);
        },
      });
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

    it(flapTitle(subject.platform), async () => {
      const result = await Trial.attempt(subject, {
        onEvent: async (event, hand) => {
          if (isFirstStart(event, sidecar)) await hand.kill(sidecar);
        },
      });
      if (subject.platform === "aca") {
        if (!(result instanceof Trial)) throw result.error;
        await using trial = result;
        const { timeline } = trial;
        expect(eventsLike(timeline, { kind: "restarted", container: sidecar }), told(timeline)).not.toEqual([]);
        const healthy = firstTime(timeline, { kind: "healthy", container: sidecar });
        expect(firstTime(timeline, { kind: "traffic-on" }), told(timeline)).toBeGreaterThan(healthy);
        expect((await trial.caller.once()).status).toBe(subject.call.status ?? 200);
        return;
      }
      const { timeline } = await mustFail(result);
      expect(eventsLike(timeline, { kind: "started", container: app }), told(timeline)).toEqual([]);
      expect(eventsLike(timeline, { kind: "exited", container: sidecar })).toMatchObject([{ exitCode: 137 }]);
      expect(eventsLike(timeline, { kind: "failed" }), told(timeline)).not.toEqual([]);
    });

    it("never serves behind a sidecar that never comes, and says what it waited for", async () => {
      let seen: string[] = [];
      const result = await Trial.attempt(subject, {
        ...slow(subject, graph),
        readyTimeoutMs: SLOW_MS,
        onEvent: async (event, hand) => {
          if (!isFirstStart(event, sidecar)) return;
          await hand.starve(sidecar);
          await sleep(SLOW_MS / 2);
          seen = await commands(hand, app).catch(() => []);
        },
      });
      const { timeline } = await mustFail(result);
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

function flapTitle(platform: LifecycleSubject["platform"]): string {
  const what = "a sidecar that dies before it is healthy";
  if (platform === "aca") return `${what} is started again, and nothing is served before it is healthy`;
  return `${what} ends the ${platform === "ecs" ? "task" : "instance"}, and the app is never started`;
}

/**
 * A sidecar that begins with a hundredth of a core, until it can be starved altogether. On ECS the containers share what the task has; there the
 * health command, which runs in the sidecar's share, is slow enough by itself.
 */
function slow(subject: LifecycleSubject, graph: PlatformTopology): Pick<TrialOptions, "graph" | "acceptances"> {
  if (graph.platform === "ecs") return {};
  const starving: Acceptance = { code: "CHIO-RESOURCES", reason: "the test makes the sidecar slow" };
  return {
    graph: withContainers(graph, (one) => (one.role === "sidecar" ? { ...one, resources: { ...one.resources, cpuMilli: 10 } } : one)),
    acceptances: [...(subject.acceptances ?? []), starving],
  };
}

const isFirstStart = ({ kind, container, replica }: TimelineEvent, name: string) =>
  kind === "started" && container === name && replica === "r1";

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Command lines of what runs in the container; without tini, which is part of an image. */
async function commands(hand: DockerHand, name: string): Promise<string[]> {
  return (await hand.processes(name)).map(({ command }) => command);
}

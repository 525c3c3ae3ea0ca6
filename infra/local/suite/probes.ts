import { describe, expect, it } from "vitest";
import type { Container, PlatformTopology, Probe } from "../../topology/index.ts";
import type { TimelineEvent } from "../types.ts";
import { eventsLike, eventually, told } from "./events.ts";
import { Neighbour } from "./look.ts";
import { describeEcsProbes, quickEcs } from "./probes-ecs.ts";
import { ReceiptEngine } from "./receipt-engine.ts";
import type { LifecycleSubject } from "./subject.ts";
import { appOf, graphOf, sidecarOf, Trial, withContainers } from "./trial.ts";

/** Longer than the probes of this file take to give up, twice over, and than a service's grace period on ECS. */
const OUTAGE_MS = { ecs: 16_000, "cloud-run": 8_000, aca: 8_000 };

/** A container that has stopped answering is replaced and nothing beside it; one whose receipt engine is away is not. */
export function describeProbes(subject: LifecycleSubject): void {
  const graph = quick(graphOf(subject));

  describe("probes", () => {
    if (graph.platform === "ecs") describeEcsProbes(subject, graph);
    else describeLiveness(subject, graph);

    it(outageTitle(graph), async () => {
      await using engine = await ReceiptEngine.start(subject);
      await using trial = await Trial.start(subject, { ...engine.options, graph });
      await using neighbour = await Neighbour.start(trial);
      const { caller } = trial;
      const ids = [await receiptOf(trial)];
      const arrived = async () => {
        const there = new Set(await engine.receiptIds());
        return ids.every((id) => there.has(id));
      };
      await eventually("the receipt is in the engine", arrived);
      const began = trial.timeline.events.length;
      const nothingEnded = () => {
        expect(trial.timeline.events.slice(began).filter(endsOrStarts), told(trial.timeline)).toEqual([]);
        expect(trial.started.replicas).toEqual(["r1"]);
      };

      await engine.set("down");
      // It takes a receipt to notice. Whether it is acknowledged is the topology's choice; one that is must arrive.
      const { receiptId } = await caller.once();
      if (receiptId !== null) ids.push(receiptId);
      await eventually("readiness is off", async () => !(await isReady(neighbour, graph)) && isOff(trial) === asksReadiness(graph));
      await new Promise((resolve) => setTimeout(resolve, OUTAGE_MS[subject.platform]));
      nothingEnded();
      expect(await isReady(neighbour, graph)).toBe(false);
      expect(isOff(trial), told(trial.timeline)).toBe(asksReadiness(graph));

      await engine.set("up");
      await eventually("readiness is back", async () => (await isReady(neighbour, graph)) && !isOff(trial));
      ids.push(await receiptOf(trial));
      await eventually("every receipt is in the engine", arrived);
      nothingEnded();
    });
  });
}

function describeLiveness(subject: LifecycleSubject, graph: PlatformTopology): void {
  const pairs = [
    [sidecarOf(graph), appOf(graph)],
    [appOf(graph), sidecarOf(graph)],
  ] as const;
  for (const [one, other] of pairs) {
    const { liveness } = one.probes;
    const what = liveness === null ? "dies" : "neither answers nor ends";
    it(`when the ${one.role} ${what}, it is started again, and the ${other.role} is left alone`, async () => {
      await using trial = await Trial.start(subject, { graph });
      const began = trial.timeline.events.length;
      if (liveness === null) await trial.started.kill(one.name, "SIGKILL");
      else await trial.hand.freeze(one.name);
      await eventually(`${one.name} is started again`, () => eventsLike(trial.timeline, { kind: "restarted" }).length > 0);
      await eventually("it serves again", async () => (await trial.caller.once()).status === (subject.call.status ?? 200));
      const { timeline } = trial;
      const after = { ...timeline, events: timeline.events.slice(began) };
      if (liveness !== null) {
        const failed = eventsLike(after, { kind: "probe-failed", container: one.name, probe: "liveness" });
        expect(failed.length, told(timeline)).toBeGreaterThanOrEqual(liveness.failureThreshold);
        expect(eventsLike(after, { kind: "unhealthy" }), told(timeline)).toMatchObject([{ container: one.name }]);
      }
      expect(new Set(after.events.filter(endsOrStarts).map(({ container }) => container)), told(timeline)).toEqual(new Set([one.name]));
      expect(eventsLike(after, { kind: "restarted" }), told(timeline)).toHaveLength(1);
      expect(trial.started.replicas).toEqual(["r1"]);
    });
  }
}

function outageTitle(graph: PlatformTopology): string {
  const off = asksReadiness(graph) ? "takes the traffic away" : "turns readiness off, which nobody asks for here";
  return `an outage of the receipt engine ${off}, kills nothing, and ends by itself`;
}

/** Whether the platform takes traffic away for a sidecar that is not ready. On ECS the same checks replace the task, so that they must not ask after sinks. */
function asksReadiness(graph: PlatformTopology): boolean {
  return sidecarOf(graph).probes.readiness !== null;
}

const endsOrStarts = ({ kind }: TimelineEvent) => ["started", "restarted", "signal", "exited", "failed"].includes(kind);

/** Whether the ingress sends the trial's replica nothing. */
function isOff({ timeline }: Trial): boolean {
  return timeline.events.findLast(({ kind }) => kind === "traffic-on" || kind === "traffic-off")?.kind === "traffic-off";
}

async function isReady(neighbour: Neighbour, graph: PlatformTopology): Promise<boolean> {
  return (await neighbour.get(graph.ingress.port, sidecarOf(graph).env.CHIO_HEALTH_PATH ?? "/chio/health")).status === 200;
}

/** Id of the receipt of a call that was answered. */
async function receiptOf({ caller }: Trial): Promise<string> {
  const result = await caller.once();
  if (result.receiptId === null) throw new Error(`a call without a receipt: ${JSON.stringify(result)}`);
  return result.receiptId;
}

/** The same graph with probes that take seconds, as far as the platform allows. Startup probes stay: nothing waits for their failures here. */
function quick(graph: PlatformTopology): PlatformTopology {
  const often = (probe: Probe | null): Probe | null =>
    probe && {
      ...probe,
      initialDelaySeconds: 0,
      periodSeconds: 1,
      timeoutSeconds: 1,
      failureThreshold: Math.min(probe.failureThreshold, 3),
    };
  const faster = withContainers(graph, ({ probes, ...one }): Container => {
    return { ...one, probes: { ...probes, liveness: often(probes.liveness), readiness: often(probes.readiness) } };
  });
  return faster.platform === "ecs" ? quickEcs(faster) : faster;
}

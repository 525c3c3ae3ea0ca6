import { expect, it } from "vitest";
import type { Container, TopologyFor } from "../../topology/index.ts";
import { cpuQuota } from "../plan/create-options.ts";
import { eventsLike, eventually, told } from "./events.ts";
import type { LifecycleSubject } from "./subject.ts";
import { appOf, sidecarOf, Trial, withContainers } from "./trial.ts";

/** Less than the platform takes, which is a minute: the rule is the same. */
const ATTEMPT_SECONDS = 2;

/**
 * ECS has no liveness probe. Its restart policy starts a container again that ran long enough; a task that loses an essential one otherwise, or
 * whose health command fails, is replaced as a whole.
 */
export function describeEcsProbes(subject: LifecycleSubject, graph: TopologyFor<"ecs">): void {
  const sidecar = sidecarOf(graph);
  const app = appOf(graph);
  const serves = async (trial: Trial) =>
    await eventually("it serves again", async () => (await trial.caller.once()).status === (subject.call.status ?? 200));

  for (const [one, other] of [
    [sidecar, app],
    [app, sidecar],
  ] as const) {
    it.runIf(one.essential)(`when the ${one.role} dies early, the task ends, and another takes its place`, async () => {
      await using trial = await Trial.start(subject, { graph });
      await trial.started.kill(one.name, "SIGKILL");
      await eventually("another task is in service", () => eventsLike(trial.timeline, { kind: "traffic-on", replica: "r2" }).length > 0);
      await serves(trial);
      const { timeline } = trial;
      expect(eventsLike(timeline, { kind: "failed", replica: "r1" }), told(timeline)).toMatchObject([
        { detail: expect.stringContaining(one.name) },
      ]);
      expect(eventsLike(timeline, { kind: "signal", replica: "r1", container: other.name }), told(timeline)).not.toEqual([]);
      expect(eventsLike(timeline, { kind: "restarted" }), told(timeline)).toEqual([]);
      expect(trial.started.replicas).toEqual(["r2"]);
    });

    it.runIf(one.restart !== null)(
      `when the ${one.role} dies later, it is started again in its task, and the ${other.role} is left alone`,
      async () => {
        await using trial = await Trial.start(subject, { graph: withContainers(graph, soonRestarted) });
        await new Promise((resolve) => setTimeout(resolve, ATTEMPT_SECONDS * 1_000));
        await trial.started.kill(one.name, "SIGKILL");
        await eventually(`${one.name} is started again`, () => eventsLike(trial.timeline, { kind: "restarted" }).length > 0);
        await serves(trial);
        const { timeline } = trial;
        expect(eventsLike(timeline, { kind: "restarted" }), told(timeline)).toMatchObject([{ container: one.name }]);
        expect(eventsLike(timeline, { kind: "exited", container: other.name }), told(timeline)).toEqual([]);
        expect(eventsLike(timeline, { kind: "failed" }), told(timeline)).toEqual([]);
        expect(trial.started.replicas).toEqual(["r1"]);
      },
    );
  }

  it("when the sidecar neither answers nor ends, the task ends after the grace period, and another takes its place", async () => {
    await using trial = await Trial.start(subject, { graph });
    const starved = await trial.hand.container(sidecar.name);
    await trial.hand.starve(sidecar.name);
    await eventually("the task is given up", () => eventsLike(trial.timeline, { kind: "failed" }).length > 0);
    // Starved it would take a minute to die.
    await starved.update(cpuQuota(1_000));
    await eventually("another task is in service", () => eventsLike(trial.timeline, { kind: "traffic-on", replica: "r2" }).length > 0);
    await serves(trial);
    const { timeline } = trial;
    expect(eventsLike(timeline, { kind: "failed", replica: "r1" }), told(timeline)).toMatchObject([
      { detail: expect.stringContaining("unhealthy") },
    ]);
    expect(trial.started.replicas).toEqual(["r2"]);
  });
}

function soonRestarted(one: Container): Container {
  return { ...one, restart: one.restart && { ...one.restart, attemptPeriodSeconds: ATTEMPT_SECONDS } };
}

/** The same graph with the shortest checks that AWS takes, and a grace period just over the slowest start. */
export function quickEcs(graph: TopologyFor<"ecs">): TopologyFor<"ecs"> {
  const quick = { intervalSeconds: 5, retries: 2, timeoutSeconds: 4, startPeriodSeconds: 0 };
  const checked = graph.containers.filter((one) => one.healthCheck !== null).length;
  const { loadBalancer } = graph.settings;
  const target = { ...loadBalancer.healthCheck, intervalSeconds: 5, timeoutSeconds: 4, healthyThreshold: 2, unhealthyThreshold: 2 };
  return {
    ...graph,
    containers: graph.containers.map((one) => ({ ...one, healthCheck: one.healthCheck && { ...one.healthCheck, ...quick } })),
    settings: {
      ...graph.settings,
      healthCheckGracePeriodSeconds: checked * quick.intervalSeconds * quick.retries + 1,
      loadBalancer: { ...loadBalancer, healthCheck: target },
    },
  };
}

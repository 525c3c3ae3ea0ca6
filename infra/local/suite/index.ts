import { describe } from "vitest";
import { describeDrain } from "./drain.ts";
import { describeSlowSink } from "./drain-sink.ts";
import { describeFailClosed } from "./fail-closed.ts";
import { describeIsolation } from "./isolation.ts";
import { describeProbes } from "./probes.ts";
import { describeRollout } from "./rollout.ts";
import { describeStart } from "./start.ts";
import { LIFECYCLE_TOPICS, type LifecycleSubject, type LifecycleTopic } from "./subject.ts";

export { LIFECYCLE_TOPICS, type LifecycleCall, type LifecyclePlatform, type LifecycleSubject, type LifecycleTopic } from "./subject.ts";

const TOPICS: Record<LifecycleTopic, (subject: LifecycleSubject) => void> = {
  start: describeStart,
  "fail-closed": describeFailClosed,
  isolation: describeIsolation,
  probes: describeProbes,
  drain: (subject) => {
    describeDrain(subject);
    describeSlowSink(subject);
  },
  rollout: describeRollout,
};

/**
 * The lifecycle tests of a service on one platform, as Vitest tests: start order, fail closed, isolation, probes, drain, rollout. Needs Docker. Call it
 * at the top of a test file, once for each platform.
 */
export function describeLifecycle(subject: LifecycleSubject): void {
  const { topology, platform, title, topics = LIFECYCLE_TOPICS } = subject;
  describe(title ?? `${topology.name} on ${platform}`, { timeout: 240_000 }, () => {
    for (const topic of topics) TOPICS[topic](subject);
  });
}

import { describe, expect, it } from "vitest";
import type { HttpReceipt } from "../../../sidecar/wire/types.ts";
import type { PlatformTopology } from "../../topology/index.ts";
import { eventsLike, eventually, told } from "./events.ts";
import type { CallResult } from "./load.ts";
import type { LifecycleSubject } from "./subject.ts";
import { graphOf, Trial, type TrialOptions, withContainers } from "./trial.ts";

/** How long the app takes over a call, in the case that fits the budget. */
const WITHIN_MS = 4_000;
/** From the sidecar on to the app, receipts of the decisions included: what has not arrived there by the stop is refused by an app that closes its door. */
const ARRIVAL_MS = 1_000;
/** The same in the other case: longer than any budget. */
const BEYOND_MS = 60_000;
/** Budgets of that case, where the platform has a choice: long enough to be seen, short enough to be waited for. */
const SHORT_GRACE_SECONDS = 5;
const SHORT_DRAIN_MS = 3_000;
const SHORT_DEREGISTRATION_SECONDS = 3;
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
      expect(codes[trial.sidecarName], told(trial.timeline)).toBe(graph.platform === "ecs" ? 0 : 1);
      if (graph.platform !== "ecs") expect(errorsOf(trial), told(trial.timeline)).toContainEqual(expect.stringMatching(/\d+ requests?\b/));
      // It does not end by itself while it has a caller.
      if (graph.platform === "ecs" && subject.slowCall !== undefined) expect(codes[trial.appName], told(trial.timeline)).toBe(137);
      expect(tookMs, told(trial.timeline)).toBeLessThan((longest(trial.graph) + 10) * 1000);
    });
  });
}

/** Sends slow calls; resolves, with their results to come, once all of them are at work in the sidecar. */
async function hangingCalls(
  trial: Trial,
  subject: LifecycleSubject,
  count: number,
  ms: number,
): Promise<{ results: Promise<CallResult[]> }> {
  for (let call = 0; call < WARM; call++) expect((await trial.caller.once()).status).toBe(subject.call.status ?? 200);
  if (subject.slowCall === undefined) await trial.hand.starve(trial.appName);
  const { all, ended } = trial.caller.many(count, subject.slowCall?.(ms) ?? subject.call);
  await eventually(`${count} calls are at work`, async () => (await inflight(trial)) + ended() >= count, 20_000);
  await sleep(ARRIVAL_MS);
  // Not the promise itself: to wait for it would be to wait for the calls.
  return { results: all };
}

/** Requests that the sidecar has begun and not answered. */
async function inflight(trial: Trial): Promise<number> {
  const { ingress, containers } = trial.graph;
  const guarded = containers.some((one) => one.secrets.some(({ purpose }) => purpose === "control-token"));
  // Behind a control token the metrics are not for us; what was sent has long arrived by then.
  if (guarded) return await sleep(3_000).then(() => Number.POSITIVE_INFINITY);
  const asked = ["/usr/local/bin/chio", "health", "--url", `http://127.0.0.1:${ingress.port}/metrics`];
  const { output } = await trial.started.container(trial.sidecarName).exec(asked);
  return Number(/^chio_inflight_requests (\d+)/m.exec(output)?.[1] ?? 0);
}

/** Every budget as short as the platform lets it be. */
function shortened(subject: LifecycleSubject, graph: PlatformTopology): TrialOptions {
  if (graph.platform === "cloud-run") return {};
  const reason = "the test waits for the end of the budget";
  const codes = graph.platform === "ecs" ? ["CHIO-GRACE", "CHIO-DEREGISTRATION"] : ["CHIO-GRACE"];
  const short = withContainers(graph, (one) => ({
    ...one,
    graceSeconds: SHORT_GRACE_SECONDS,
    env: one.role === "sidecar" ? { ...one.env, CHIO_SHUTDOWN_DRAIN_MS: String(SHORT_DRAIN_MS) } : one.env,
  }));
  return {
    acceptances: [...(subject.acceptances ?? []), ...codes.map((code) => ({ code, reason }))],
    graph:
      short.platform === "ecs"
        ? { ...short, settings: { ...short.settings, deregistrationDelaySeconds: SHORT_DEREGISTRATION_SECONDS } }
        : short,
  };
}

/** Longest that the platform may take to stop a replica, seconds. */
function longest(graph: PlatformTopology): number {
  const graces = graph.containers.map((one) => one.graceSeconds);
  if (graph.platform !== "ecs") return Math.max(...graces);
  return graph.settings.deregistrationDelaySeconds + graces.reduce((sum, one) => sum + one, 0);
}

/** Answers whose receipt is missing or says another status. */
function mismatched(results: readonly CallResult[], receipts: ReadonlyMap<string, HttpReceipt>): CallResult[] {
  return results.filter(({ status, receiptId }) => {
    // Cut off: the local ingress then answers in the sidecar's place, as a load balancer does.
    if (status === null || (status >= 502 && receiptId === null)) return false;
    return receiptId === null || receipts.get(receiptId)?.response_status !== status;
  });
}

/** Receipts of how a call ended, without the one that a test began with. */
function finals(receipts: ReadonlyMap<string, HttpReceipt>): HttpReceipt[] {
  return [...receipts.values()].filter(({ metadata }) => metadata?.chio_http_status_scope === "final");
}

/** What the sidecar said went wrong. */
function errorsOf(trial: Trial): (string | undefined)[] {
  return eventsLike(trial.timeline, { kind: "log", container: trial.sidecarName }).map(({ detail }) => detail);
}

function exitCodes(trial: Trial): Record<string, number | null> {
  const names = [trial.sidecarName, trial.appName];
  return Object.fromEntries(names.map((name) => [name, trial.started.container(name).exitCode]));
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

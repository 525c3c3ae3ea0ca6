import { expect } from "vitest";
import type { HttpReceipt } from "../../../sidecar/wire/types.ts";
import type { PlatformTopology } from "../../topology/index.ts";
import { eventsLike, eventually } from "./events.ts";
import type { CallResult } from "./load.ts";
import type { LifecycleCall, LifecycleSubject } from "./subject.ts";
import { type Trial, type TrialOptions, withContainers } from "./trial.ts";

/** Budgets of a drain that is to run out, where the platform has a choice: long enough to be seen, short enough to be waited for. */
const SHORT_GRACE_SECONDS = 5;
const SHORT_DRAIN_MS = 3_000;
const SHORT_DEREGISTRATION_SECONDS = 3;
/** From the sidecar on to the app, receipts of the decisions included: what has not arrived there by the stop is refused by an app that closes its door. */
const ARRIVAL_MS = 1_000;

/** Makes `count` calls at once; resolves, with their results to come, once all of them are at work in the sidecar. */
export async function callsAtWork(trial: Trial, count: number, call: LifecycleCall): Promise<{ results: Promise<CallResult[]> }> {
  const { all, ended } = trial.caller.many(count, call);
  await eventually(`${count} calls are at work`, async () => (await inflight(trial)) + ended() >= count, 20_000);
  await sleep(ARRIVAL_MS);
  // Not the promise itself: to wait for it would be to wait for the calls.
  return { results: all };
}

/** A call that everything is warm after. */
export async function warmUp(trial: Trial, subject: LifecycleSubject): Promise<void> {
  expect((await trial.caller.once()).status).toBe(subject.call.status ?? 200);
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
export function shortened(subject: LifecycleSubject, graph: PlatformTopology): TrialOptions {
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
export function longest(graph: PlatformTopology): number {
  const graces = graph.containers.map((one) => one.graceSeconds);
  if (graph.platform !== "ecs") return Math.max(...graces);
  return graph.settings.deregistrationDelaySeconds + graces.reduce((sum, one) => sum + one, 0);
}

/** Answers whose receipt is missing or says another status. */
export function mismatched(results: readonly CallResult[], receipts: ReadonlyMap<string, HttpReceipt>): CallResult[] {
  return results.filter(({ status, receiptId }) => {
    // Cut off: the local ingress then answers in the sidecar's place, as a load balancer does.
    if (status === null || (status >= 502 && receiptId === null)) return false;
    return receiptId === null || receipts.get(receiptId)?.response_status !== status;
  });
}

/** Receipts of how a call ended, without the one that a test began with. */
export function finals(receipts: ReadonlyMap<string, HttpReceipt>): HttpReceipt[] {
  return [...receipts.values()].filter(({ metadata }) => metadata?.chio_http_status_scope === "final");
}

/** What the sidecar said went wrong. */
export function errorsOf(trial: Trial): (string | undefined)[] {
  return eventsLike(trial.timeline, { kind: "log", container: trial.sidecarName }).map(({ detail }) => detail);
}

export function exitCodes(trial: Trial): Record<string, number | null> {
  const names = [trial.sidecarName, trial.appName];
  return Object.fromEntries(names.map((name) => [name, trial.started.container(name).exitCode]));
}

export function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

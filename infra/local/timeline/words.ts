import type { Timeline, TimelineEvent } from "./types.ts";

/** `850 ms`, `3.21 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9995 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  return seconds % 60 === 0 ? `${seconds / 60} min` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `r1/app`, `r1`, or `deployment`. */
export function place({ replica, container }: Pick<TimelineEvent, "replica" | "container">): string {
  if (container === null) return replica ?? "deployment";
  return replica === null ? container : `${replica}/${container}`;
}

/** An event in a few words, without its place, its time and its detail. */
export function eventWords(event: TimelineEvent): string {
  switch (event.kind) {
    case "probe-passed":
    case "probe-failed":
      return `${probeName(event)} ${event.kind === "probe-passed" ? "passed" : "failed"}`;
    case "signal":
      return event.signal ?? "signal";
    case "exited":
      return event.exitCode === undefined ? "exited" : `exited with ${event.exitCode}`;
    case "drained":
      return event.receipts === undefined ? "drained" : `drained, ${event.receipts} receipts`;
    case "traffic-on":
      return "traffic on";
    case "traffic-off":
      return "traffic off";
    case "not-ready":
      return "not ready";
    default:
      return event.kind;
  }
}

export function probeName({ probe }: TimelineEvent): string {
  return probe === undefined ? "probe" : probe === "health-check" ? "health check" : `${probe} probe`;
}

/** What a reader wants to know first. Parts that did not happen are left out. */
export function timelineSummary({ events }: Timeline): string[] {
  const on = events.find((event) => event.kind === "traffic-on");
  const failed = events.filter((event) => event.kind === "probe-failed").length;
  const probes = failed + events.filter((event) => event.kind === "probe-passed").length;
  const exits = events.filter((event) => event.kind === "exited");
  const stop = lastStop(events);
  const receipts = events.flatMap((event) => (event.kind === "drained" && event.receipts !== undefined ? [event.receipts] : []));
  const given = events.filter((event) => event.kind === "failed").length;
  return [
    on === undefined ? (events.length === 0 ? "nothing happened" : "never took traffic") : `traffic after ${duration(on.at)}`,
    ...(probes === 0 ? [] : [failed === 0 ? `all ${probes} probes passed` : `${failed} of ${probes} probes failed`]),
    ...(given === 0 ? [] : [given === 1 ? "given up once" : `given up ${given} times`]),
    ...(stop === null ? [] : [`stopped in ${duration(stop)}`]),
    ...(receipts.length === 0 ? [] : [`${receipts.reduce((sum, one) => sum + one, 0)} receipts`]),
    ...(exits.length === 0 ? [] : [`exit codes ${exits.map((event) => event.exitCode ?? "?").join(", ")}`]),
  ];
}

/** From the last time that traffic was turned off, or the first signal where it never was, to the last exit. */
function lastStop(events: readonly TimelineEvent[]): number | null {
  const end = events.findLast((event) => event.kind === "exited");
  const begin = events.findLast((event) => event.kind === "traffic-off") ?? events.find((event) => event.kind === "signal");
  return end === undefined || begin === undefined || end.at < begin.at ? null : end.at - begin.at;
}

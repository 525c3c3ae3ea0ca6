import type { Timeline, TimelineEvent } from "./types.ts";
import { eventWords, place } from "./words.ts";

/** What a container is doing between two events. `running`: nobody probes it. */
export type State = "waiting" | "starting" | "running" | "healthy" | "unhealthy" | "stopping";

export interface Segment {
  readonly from: number;
  readonly to: number;
  readonly state: State;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

export interface Lane {
  /** `r1`, or `r1/app`; `deployment` for what concerns all. */
  readonly name: string;
  readonly replica: string | null;
  readonly container: string | null;
  readonly segments: readonly Segment[];
  /** Replica lanes: when the ingress sends it requests, and when it may. */
  readonly traffic: readonly Span[];
  readonly ready: readonly Span[];
  readonly probes: readonly TimelineEvent[];
  /** Signals, exits, drains, restarts, failures: what gets a sign and a word. */
  readonly marks: readonly TimelineEvent[];
}

const MARKED: ReadonlySet<TimelineEvent["kind"]> = new Set(["signal", "exited", "drained", "restarted", "failed", "unhealthy", "log"]);

/** One lane for each replica, followed by its containers in the order in which containers of that name are first started. */
export function lanesOf({ events }: Timeline): Lane[] {
  const end = endOf(events);
  const replicas = new Map<string | null, Set<string>>();
  for (const { replica, container } of events) {
    const containers = replicas.get(replica) ?? new Set();
    replicas.set(replica, containers);
    if (container !== null) containers.add(container);
  }
  const started = [...new Set(events.filter((event) => event.kind === "started").map((event) => event.container))];
  const rank = (name: string) => (started.includes(name) ? started.indexOf(name) : started.length);
  return [...replicas].flatMap(([replica, containers]) => {
    const own = events.filter((event) => event.replica === replica);
    // A replica whose containers have all ended is gone, whether or not anybody took it out of the traffic.
    const last = containers.size > 0 && gone(own, containers) ? endOf(own) : end;
    const lane = (container: string | null): Lane => {
      const mine = own.filter((event) => event.container === container);
      return {
        name: place({ replica, container }),
        replica,
        container,
        segments: container === null ? [] : segmentsOf(mine, end),
        traffic: spans(mine, "traffic-on", ["traffic-off"], last),
        ready: spans(mine, "ready", ["not-ready", "traffic-off"], last),
        probes: mine.filter((event) => event.kind === "probe-passed" || event.kind === "probe-failed"),
        marks: mine.filter((event) => MARKED.has(event.kind)),
      };
    };
    return [lane(null), ...[...containers].toSorted((a, b) => rank(a) - rank(b)).map(lane)];
  });
}

function gone(events: readonly TimelineEvent[], containers: ReadonlySet<string>): boolean {
  return [...containers].every((name) => {
    const last = events.findLast((event) => event.container === name && ["started", "restarted", "exited", "removed"].includes(event.kind));
    return last === undefined || last.kind === "exited" || last.kind === "removed";
  });
}

export const endOf = (events: readonly TimelineEvent[]) => Math.max(1, ...events.map((event) => event.at));

function segmentsOf(events: readonly TimelineEvent[], end: number): Segment[] {
  const probed = events.some((event) => event.kind === "healthy" || event.kind === "probe-passed" || event.kind === "probe-failed");
  const segments: Segment[] = [];
  let state: State | null = null;
  let since = 0;
  const to = (next: State | null, at: number) => {
    if (next === state) return;
    if (state !== null && at > since) segments.push({ from: since, to: at, state });
    [state, since] = [next, at];
  };
  for (const event of events) {
    const ending = state === "stopping";
    if (event.kind === "created") to("waiting", event.at);
    else if (event.kind === "started" || event.kind === "restarted") to(probed ? "starting" : "running", event.at);
    else if (event.kind === "healthy" && !ending) to("healthy", event.at);
    else if (event.kind === "unhealthy" && !ending) to("unhealthy", event.at);
    else if (event.kind === "signal" && state !== null && state !== "waiting" && STOPPING.has(event.signal ?? "")) to("stopping", event.at);
    else if (event.kind === "exited" || event.kind === "removed") to(null, event.at);
  }
  to(null, end);
  return segments;
}

/** Signals after which a program is expected to end. */
const STOPPING: ReadonlySet<string> = new Set(["SIGTERM", "SIGINT", "SIGQUIT", "SIGKILL"]);

function spans(events: readonly TimelineEvent[], on: TimelineEvent["kind"], off: readonly TimelineEvent["kind"][], end: number): Span[] {
  const found: Span[] = [];
  let since: number | null = null;
  for (const { kind, at } of events) {
    if (kind === on) since ??= at;
    else if ((off.includes(kind) || kind === "removed") && since !== null) {
      found.push({ from: since, to: at });
      since = null;
    }
  }
  return since === null ? found : [...found, { from: since, to: end }];
}

/** The word at a mark. */
export function markWords(event: TimelineEvent): string {
  if (event.kind === "exited") return `exit ${event.exitCode ?? "?"}`;
  if (event.kind === "drained") return event.receipts === undefined ? "drained" : `drained: ${event.receipts} receipts`;
  return eventWords(event);
}

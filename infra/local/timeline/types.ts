import type { Platform } from "../../topology/index.ts";

/** What can happen in the life of a topology. One name, one meaning, on every platform. */
export const TIMELINE_EVENTS = {
  created: "the container exists",
  started: "its first process runs",
  "probe-passed": "a probe or a health check succeeded",
  "probe-failed": "a probe or a health check failed",
  healthy: "the container counts as healthy (its startup probe or health check passed)",
  unhealthy: "the container counts as failed by its probes",
  ready: "the container, or the replica as a whole, may be sent requests",
  "not-ready": "the container, or the replica as a whole, may not be sent requests",
  "traffic-on": "the ingress sends requests to the replica",
  "traffic-off": "the ingress sends the replica no new requests",
  signal: "a signal was sent to the container",
  drained: "the sidecar said that it has answered everything and flushed its receipts",
  exited: "the container's process has ended",
  restarted: "the container is started again",
  removed: "the container is gone",
  failed: "the platform gives up on the replica; detail says why",
  log: "a line of output that explains an event",
} as const;
export type TimelineEventKind = keyof typeof TIMELINE_EVENTS;

/** One thing that happened, and when. */
export interface TimelineEvent {
  /** Milliseconds since the topology was started. Events are in this order. */
  readonly at: number;
  readonly kind: TimelineEventKind;
  /** Replica, for example `r1`; null for what concerns the deployment. A rollout's new replicas have new names. */
  readonly replica: string | null;
  /** Name of the container in the model; null for what concerns the replica as a whole. */
  readonly container: string | null;
  /** Which probe, for probe events. */
  readonly probe?: "startup" | "liveness" | "readiness" | "health-check";
  /** For `signal`: its name. */
  readonly signal?: string;
  /** For `exited`. */
  readonly exitCode?: number;
  /** For `drained`: receipts in the store when the sidecar ended. */
  readonly receipts?: number;
  /** For people: the reason, the answer of a probe, the last log line. */
  readonly detail?: string;
}

/** Everything that happened to a started topology, complete once it is stopped. Plain data. */
export interface Timeline {
  readonly topology: string;
  readonly platform: Platform;
  /** Time of the zero point, ISO 8601. */
  readonly startedAt: string;
  readonly events: readonly TimelineEvent[];
}

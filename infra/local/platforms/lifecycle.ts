import type { PlatformTopology, ProbeAction } from "../../topology/index.ts";
import type { Clock } from "../clock.ts";
import type { ReplicaContainer } from "../engine/replica-container.ts";
import type { ProbeOutcome } from "../probes/probe-loop.ts";
import type { TimelineEvent } from "../timeline/types.ts";
import type { Pace } from "../types.ts";

/** What a platform's rules can see and do of one replica. */
export interface ReplicaHost {
  readonly graph: PlatformTopology;
  readonly containers: readonly ReplicaContainer[];
  readonly clock: Clock;
  readonly pace: Pace;
  /** Aborted when the stop begins: nothing is started, restarted or probed any more. */
  readonly stopping: AbortSignal;
  container(name: string): ReplicaContainer;
  /** One network probe. `address`: `loopback` of the replica, or its address on the `network`. */
  probe(action: ProbeAction, timeoutSeconds: number, address?: "loopback" | "network"): Promise<ProbeOutcome>;
  /** Whether the replica as a whole may be sent requests. The ingress follows at once. */
  setReady(ready: boolean, detail?: string): void;
  /** The ingress sends nothing new, whatever the probes say. */
  closeTraffic(): void;
  /** Resolves when no request is in flight. */
  idle(): Promise<void>;
  /** The platform gives the replica up. `stop`: how it is then taken down. */
  giveUp(reason: string, stop: "drain" | "at-once"): void;
  /** Work that nobody waits for. When the engine fails it, the replica is given up. */
  background(work: Promise<unknown>): void;
  record(event: Omit<TimelineEvent, "at" | "replica" | "container">): void;
}

/** How a replica lives on a platform. */
export interface Lifecycle {
  /** Starts the containers by the platform's order and probes. Returns when all has been set going; readiness and failure are told to the host. */
  start(): Promise<void>;
  /** The platform's stop. `rollout`: others have taken over; `stop`: nobody has; `failed`: the replica was given up. */
  stop(reason: StopReason): Promise<void>;
}

export type StopReason = "rollout" | "stop" | "failed";

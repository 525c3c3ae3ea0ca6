import type { AnyTopology, Platform } from "../../topology/index.ts";
import type { StartTopologyOptions } from "../types.ts";

/** Topics of the suite, in its order. */
export const LIFECYCLE_TOPICS = ["start", "fail-closed", "isolation", "probes", "drain", "rollout"] as const;
export type LifecycleTopic = (typeof LIFECYCLE_TOPICS)[number];

/** A platform whose lifecycle can be tested. */
export type LifecyclePlatform = Exclude<Platform, "local">;

/** A request that the service answers when the sidecar lets it through. The suite brings the capability. */
export interface LifecycleCall {
  /** @default GET */
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Status of the app's answer. @default 200 */
  readonly status?: number;
}

/** A service and how to run it here: what the lifecycle suite is about. */
export interface LifecycleSubject
  extends Pick<
    StartTopologyOptions,
    "images" | "secrets" | "baseDirectory" | "configDirectory" | "files" | "env" | "acceptances" | "hardening" | "labels"
  > {
  readonly topology: AnyTopology;
  readonly platform: LifecyclePlatform;
  readonly call: LifecycleCall;
  /**
   * A call that the app takes about `ms` milliseconds over: the drain tests keep many of them in flight. Without one the app is starved of
   * processor time instead, and how it answers then is not judged, only that every call is accounted for.
   */
  readonly slowCall?: (ms: number) => LifecycleCall;
  /** Name in the titles. @default name and platform of the topology */
  readonly title?: string;
  /** Topics to run. @default all */
  readonly topics?: readonly LifecycleTopic[];
  /**
   * Whether the app answers what it has begun when it gets SIGTERM. False: calls that are cut off by the app's own end are answered by the
   * sidecar's 502, and must have receipts all the same. @default true
   */
  readonly appFinishes?: boolean;
  /** Calls in flight when the drain begins. @default 200 */
  readonly inFlight?: number;
}

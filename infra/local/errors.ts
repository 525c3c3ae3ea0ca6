import { ChioError } from "../../sidecar/wire/errors.ts";
import type { Timeline } from "./timeline/types.ts";

/** Codes of the local run, each with its cause. docs/errors.md lists them. */
export const LOCAL_ERRORS = {
  docker_unavailable: "No Docker engine answers on this machine.",
  docker_failed: "The Docker engine refused an operation.",
  image_missing: "An image is neither on this machine nor could it be pulled or built.",
  value_missing: "A secret or a file that the topology names has no value on this machine.",
  option_invalid: "An option names something that the topology does not have, or has a value that cannot be used.",
  port_taken: "The port for the ingress is in use on this machine.",
  never_ready: "The replicas did not get ready.",
  rollout_failed: "The replicas of the new version did not get ready; the old ones still serve.",
  helper_failed: "The program that probes from inside a replica could not be run from the sidecar's image.",
  stopped: "The topology was stopped or aborted before the operation was done.",
} as const;
export type LocalErrorCode = keyof typeof LOCAL_ERRORS;

/** Every deliberate error of a local run. `timeline` is what had happened until then, where anything had. */
export class LocalRunError extends ChioError {
  declare readonly code: LocalErrorCode;
  readonly timeline: Timeline | undefined;

  constructor(code: LocalErrorCode, message: string, options: { fix?: string; cause?: unknown; timeline?: Timeline } = {}) {
    super(code, message, options);
    this.timeline = options.timeline;
  }
}

import type { Platform } from "../topology/types.ts";
import type { At } from "./at.ts";
import type { ReadService } from "./reading.ts";

export interface ReadOptions {
  /** Name of the sidecar's container, where it cannot be told or is told wrongly. */
  readonly sidecar: string | undefined;
  readonly origin: string;
  /** For documents that do not name their service. */
  readonly fallbackName: string;
}

export interface ReadUnguarded {
  readonly kind: "unguarded";
  readonly name: string;
  readonly platform: Platform;
  readonly at: At;
  readonly containers: readonly string[];
}

export type ReadResult = ({ readonly kind: "service" } & ReadService) | ReadUnguarded;

/** Reads one service of a document. */
export type ServiceReader = (at: At, options: ReadOptions) => ReadResult;

/** The name that is written there; the document's own where nothing is, or where only the deployment knows it. */
export function nameOf(at: At, text: string | undefined, fallback: string): string {
  return text === undefined || text === "" || at.unresolved ? fallback : text;
}

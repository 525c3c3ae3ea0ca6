import type { AcceptedFinding, Finding, GraphOf, InvariantId, Platform, Resources } from "./types.ts";

/** What `assertValid` hands on: the platform's graph, the findings that do not stop it, and those that were accepted. */
export interface CheckedTopology<P extends Platform> {
  readonly topology: GraphOf<P>;
  /** Warnings and infos. */
  readonly findings: readonly Finding[];
  readonly accepted: readonly AcceptedFinding[];
}

export type PostureLevel = "enforced" | "partial" | "unenforceable";
/** Who holds the invariant. */
export type Enforcer = "platform" | "image" | "kernel" | "start gate";

export interface PostureEntry {
  readonly invariant: InvariantId;
  readonly title: string;
  readonly level: PostureLevel;
  readonly by: readonly Enforcer[];
  /** The mechanism, in one sentence. */
  readonly how: string;
  /** What can still go wrong. Empty when nothing is known. */
  readonly residualRisk: string;
  /** Codes of findings that break this invariant here, accepted or not. */
  readonly brokenBy: readonly string[];
}

export interface PostureReport {
  readonly platform: Platform;
  readonly topology: string;
  readonly entries: readonly PostureEntry[];
  readonly accepted: readonly AcceptedFinding[];
}

/** One cell of the invariant matrix: what a platform can do at best, whatever the topology. */
export interface Capability {
  readonly invariant: InvariantId;
  readonly aspect: string;
  readonly level: "native" | "partial" | "none";
  readonly mechanism: string;
  /** What stands in where the platform has nothing. Null where nothing is missing. */
  readonly instead: string | null;
}

export interface DrainStep {
  readonly label: string;
  readonly seconds: number;
}

export interface DrainBudget {
  readonly platform: Platform;
  /** One after the other; their sum is `totalSeconds`. */
  readonly steps: readonly DrainStep[];
  readonly totalSeconds: number;
  readonly sidecarGraceSeconds: number;
  readonly sidecarDrainSeconds: number;
  /** The same as one line of arithmetic, with the reason of its order. */
  readonly text: string;
}

export interface LegalResources extends Resources {
  /** One sentence per value that was raised. Empty when the request was legal. */
  readonly rounded: readonly string[];
}

import type { PostureLevel, PostureReport } from "../topology/contract.ts";
import { formatFindings } from "../topology/errors.ts";
import { posture } from "../topology/posture.ts";
import type { Acceptance, AcceptedFinding, Finding, Platform, Topology } from "../topology/types.ts";
import { review, validate } from "../topology/validate.ts";

/** What the model says of a topology on one platform. */
export interface Assessment {
  readonly platform: Platform;
  /** What nobody accepted. */
  readonly findings: readonly Finding[];
  readonly accepted: readonly AcceptedFinding[];
  readonly posture: PostureReport;
  /** The acceptances that concern this platform, for a renderer. */
  readonly acceptances: readonly Acceptance[];
}

/**
 * Assesses the topology on each platform. An acceptance from the command line counts where its finding is: that another of the platforms has no
 * such finding is no mistake. One that no platform needs is reported on all of them.
 */
export function assess(topology: Topology, platforms: readonly Platform[], acceptances: readonly Acceptance[]): Assessment[] {
  const found = new Map(platforms.map((platform) => [platform, new Set(validate(topology, platform).map(({ code }) => code))]));
  const needed = (code: string) => [...found.values()].some((codes) => codes.has(code));
  return [...found].map(([platform, codes]) => {
    const own = acceptances.filter(({ code }) => codes.has(code) || !needed(code));
    return { platform, ...review(topology, platform, own), posture: posture(topology, platform, own), acceptances: own };
  });
}

export function errorsOf({ findings }: Pick<Assessment, "findings">): Finding[] {
  return findings.filter(({ severity }) => severity === "error");
}

/** Findings of one platform as text, under a line that counts them. Empty when there is nothing to say. */
export function findingsText({ platform, findings, accepted, posture: { topology } }: Assessment): string {
  if (findings.length === 0 && accepted.length === 0) return "";
  const count = (severity: Finding["severity"]) => findings.filter((one) => one.severity === severity).length;
  const counts = [plural(count("error"), "error"), plural(count("warning"), "warning"), plural(count("info"), "note")];
  const taken = accepted.length === 0 ? [] : [`${accepted.length} accepted`];
  return `${topology} on ${platform}: ${[...counts.filter((text) => !text.startsWith("0 ")), ...taken].join(", ")}\n${formatFindings(findings, accepted)}\n`;
}

/** One line: `posture on aca: 4 enforced, 6 partial (INV-1 INV-2 …)`. */
export function postureLine({ platform, entries }: PostureReport): string {
  const levels: readonly PostureLevel[] = ["enforced", "partial", "unenforceable"];
  const parts = levels.flatMap((level) => {
    const those = entries.filter((entry) => entry.level === level).map(({ invariant }) => invariant);
    if (those.length === 0) return [];
    return `${those.length} ${level}${level === "enforced" ? "" : ` (${those.join(" ")})`}`;
  });
  return `posture on ${platform}: ${parts.join(", ")}`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

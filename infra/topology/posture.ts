import { INVARIANT_IDS, INVARIANTS } from "./capabilities.ts";
import type { PostureEntry, PostureReport } from "./contract.ts";
import { resolveFor } from "./define.ts";
import { POSTURE } from "./posture-facts.ts";
import { RULES } from "./rules/index.ts";
import type { Acceptance, AnyTopology, InvariantId, Platform, PlatformTopology } from "./types.ts";
import { review } from "./validate.ts";

/**
 * What holds each invariant for this topology on this platform, by whom, and what is left. Findings lower it, accepted or not: an accepted risk is
 * still a risk.
 */
export function posture(topology: AnyTopology, platform: Platform, acceptances: readonly Acceptance[] = []): PostureReport {
  const graph: PlatformTopology = resolveFor(topology, platform);
  const { findings, accepted } = review(graph, platform, acceptances);
  const entries = INVARIANT_IDS.map((invariant): PostureEntry => {
    const fact = POSTURE[invariant](graph);
    const broken = [...findings, ...accepted].filter((one) => one.severity !== "info" && rulesOf(invariant).has(one.code));
    const reasons = accepted.filter((one) => rulesOf(invariant).has(one.code)).map((one) => `${one.code} accepted: ${one.reason}`);
    if (broken.length === 0) return { invariant, title: INVARIANTS[invariant], ...fact, brokenBy: [] };
    const worst = broken.some((one) => one.severity === "error");
    return {
      invariant,
      title: INVARIANTS[invariant],
      level: worst ? "unenforceable" : fact.level === "enforced" ? "partial" : fact.level,
      by: worst ? [] : fact.by,
      how: worst ? "not held in this topology" : fact.how,
      residualRisk: [...broken.map((one) => one.message), ...reasons, fact.residualRisk].filter((text) => text !== "").join("; "),
      brokenBy: [...new Set(broken.map((one) => one.code))],
    };
  });
  return { platform, topology: graph.name, entries, accepted };
}

/** The report as aligned text: what a construct prints at synth. */
export function formatPosture(report: PostureReport): string {
  const lines = report.entries.map(({ invariant, level, by, how, residualRisk }) => {
    const head = `${invariant.padEnd(6)} ${level.padEnd(13)} ${how}${by.length === 0 ? "" : ` [${by.join(", ")}]`}`;
    return residualRisk === "" ? head : `${head}\n${" ".repeat(21)}left: ${residualRisk}`;
  });
  const accepted = report.accepted.map((one) => `accepted ${one.code} at ${one.path}: ${one.reason}`);
  return [`Posture of ${report.topology} on ${report.platform}`, ...lines, ...accepted].join("\n");
}

function rulesOf(invariant: InvariantId): ReadonlySet<string> {
  return new Set(RULES.filter((rule) => rule.invariants.includes(invariant)).map((rule) => rule.code));
}

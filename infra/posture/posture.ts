import type { PostureEntry, PostureReport } from "../topology/contract.ts";
import { posture } from "../topology/posture.ts";
import { RULES } from "../topology/rules/index.ts";
import type { AcceptedFinding, Finding, PlatformTopology } from "../topology/types.ts";
import type { UnknownFact } from "./types.ts";

/** The model's posture, lowered by what only the document's reader found and by what the document does not say. */
export function documentPosture(
  graph: PlatformTopology,
  findings: readonly Finding[],
  accepted: readonly AcceptedFinding[],
  unknown: readonly UnknownFact[],
): PostureReport {
  const report = posture(graph, graph.platform);
  const reasons = (entry: PostureEntry) => accepted.filter((one) => breaks(one, entry)).map((one) => `${one.code} accepted: ${one.reason}`);
  const entries = report.entries.map((entry): PostureEntry => {
    const extra = [...findings, ...accepted].filter(
      (one) => one.severity !== "info" && breaks(one, entry) && !entry.brokenBy.includes(one.code),
    );
    const open = unknown
      .filter(({ invariants }) => invariants.includes(entry.invariant))
      .map(({ message }) => `not in this document: ${message}`);
    const residualRisk = [entry.residualRisk, ...extra.map((one) => one.message), ...reasons(entry), ...open]
      .filter((text) => text !== "")
      .join("; ");
    const brokenBy = [...new Set([...entry.brokenBy, ...extra.map((one) => one.code)])];
    if (extra.some((one) => one.severity === "error"))
      return { ...entry, level: "unenforceable", by: [], how: "not held in this document", residualRisk, brokenBy };
    const level = entry.level === "enforced" && open.length > 0 ? "partial" : entry.level;
    return { ...entry, level, residualRisk, brokenBy };
  });
  return { ...report, entries, accepted: [...accepted] };
}

function breaks(one: Finding, { invariant }: PostureEntry): boolean {
  return RULES.some((rule) => rule.code === one.code && rule.invariants.includes(invariant));
}

import type { CheckedTopology } from "./contract.ts";
import { resolveFor } from "./define.ts";
import { TopologyError } from "./errors.ts";
import { nearest } from "./nearest.ts";
import { acceptanceReason, acceptanceUnmatched } from "./rules/acceptance.ts";
import { type Breach, RULES, type Rule } from "./rules/index.ts";
import type { Acceptance, AcceptedFinding, AnyTopology, Finding, Platform, PlatformTopology } from "./types.ts";

/** Every finding about the topology on this platform, in the order of the rules. Acceptances are not applied. */
export function validate(topology: AnyTopology, platform: Platform): Finding[] {
  const graph: PlatformTopology = resolveFor(topology, platform);
  return RULES.filter((rule) => rule.platforms.includes(platform)).flatMap((rule) =>
    rule.check(graph).map((breach) => finding(rule, breach)),
  );
}

export interface AppliedAcceptances {
  /** What nobody accepted, and what is wrong with the acceptances themselves. */
  readonly findings: readonly Finding[];
  readonly accepted: readonly AcceptedFinding[];
}

/** `validate`, with acceptances applied: those in the topology, and these. */
export function review(topology: AnyTopology, platform: Platform, acceptances: readonly Acceptance[] = []): AppliedAcceptances {
  const graph: PlatformTopology = resolveFor(topology, platform);
  const given = [
    ...graph.accept.map((one, index) => ({ one, path: `accept[${index}]` })),
    ...acceptances.map((one, index) => ({ one, path: `acceptances[${index}]` })),
  ].filter(({ one }) => one.platform === undefined || one.platform === platform);
  const used = new Set<Acceptance>();
  const open: Finding[] = [];
  const accepted: AcceptedFinding[] = [];
  for (const found of validate(graph, platform)) {
    const matching = given.filter(({ one }) => one.code === found.code && (one.path === undefined || one.path === found.path));
    for (const { one } of matching) used.add(one);
    const reason = matching.find(({ one }) => one.reason.trim() !== "")?.one.reason;
    if (reason === undefined) open.push(found);
    else accepted.push({ ...found, reason });
  }
  for (const { one, path } of given) {
    if (one.reason.trim() === "")
      open.push(finding(acceptanceReason, { path: `${path}.reason`, message: `${one.code} is accepted without a reason` }));
    const problem = used.has(one) ? null : unmatched(one, graph);
    if (problem !== null) open.push(finding(acceptanceUnmatched, { path: `${path}.code`, message: problem }));
  }
  return { findings: open, accepted };
}

/**
 * The platform's graph when no error is left, with the warnings and what was accepted. Throws one `TopologyError` with every finding
 * otherwise. What deploys or renders calls this first.
 */
export function assertValid<P extends Platform>(
  topology: AnyTopology,
  platform: P,
  acceptances: readonly Acceptance[] = [],
): CheckedTopology<P> {
  const graph = resolveFor(topology, platform);
  const { findings, accepted } = review(topology, platform, acceptances);
  const errors = findings.filter((one) => one.severity === "error").length;
  if (errors > 0)
    throw new TopologyError(`${graph.name} on ${platform}: ${errors} ${errors === 1 ? "error" : "errors"}`, findings, accepted);
  return { topology: graph, findings, accepted };
}

function finding(rule: Rule, breach: Breach): Finding {
  return {
    code: rule.code,
    severity: rule.severity,
    path: breach.path,
    message: breach.message,
    fix: breach.fix ?? rule.fix,
    link: findingLink(rule.code),
  };
}

/** Where the documentation explains a finding. */
export function findingLink(code: string): string {
  return `docs/topology.md#${code.toLowerCase()}`;
}

/** Why an acceptance accepts nothing. Null when its rule is not one of this platform: the same input may serve several. */
function unmatched(one: Acceptance, { name, platform }: PlatformTopology): string | null {
  const rule = RULES.find(({ code }) => code === one.code);
  if (rule === undefined) {
    const close = nearest(
      one.code,
      RULES.map(({ code }) => code),
    );
    return `there is no finding ${JSON.stringify(one.code)}${close === null ? "" : `; did you mean ${close}?`}`;
  }
  if (!rule.platforms.includes(platform) && one.platform === undefined) return null;
  return `${name} has no ${one.code} on ${platform}${one.path === undefined ? "" : ` at ${one.path}`}`;
}

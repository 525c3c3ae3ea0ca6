import { nearest } from "../topology/nearest.ts";
import { acceptanceReason, acceptanceUnmatched } from "../topology/rules/acceptance.ts";
import { RULES } from "../topology/rules/index.ts";
import type { Acceptance, AcceptedFinding, Finding } from "../topology/types.ts";
import { findingLink } from "../topology/validate.ts";
import { OWN_RULES } from "./document-rules.ts";
import { documentPosture } from "./posture.ts";
import type { DocumentFinding, DocumentReport, ServiceReport } from "./types.ts";

export interface ReviewedDocuments {
  readonly documents: readonly DocumentReport[];
  /** What is wrong with the acceptances themselves. */
  readonly findings: readonly Finding[];
}

/**
 * Applies acceptances over all documents of one run: one that none of them needs is a finding of its own, so that it does not hide the next. An
 * acceptance matches by code, and by path, service's platform or both where it says so.
 */
export function acceptFindings(documents: readonly DocumentReport[], acceptances: readonly Acceptance[]): ReviewedDocuments {
  const used = new Set<Acceptance>();
  const review = (service: ServiceReport): ServiceReport => {
    const open: DocumentFinding[] = [];
    const accepted: (DocumentFinding & AcceptedFinding)[] = [];
    for (const found of service.findings) {
      const matching = acceptances.filter((one) => matches(one, found));
      for (const one of matching) used.add(one);
      const reason = matching.find((one) => one.reason.trim() !== "")?.reason;
      if (reason === undefined) open.push(found);
      else accepted.push({ ...found, reason });
    }
    return { ...service, findings: open, accepted, posture: documentPosture(service.graph, open, accepted, service.unknown) };
  };
  const reviewed = documents.map((document) => {
    const services = document.services.map(review);
    return { ...document, services, findings: services.flatMap(({ findings }) => findings) };
  });
  return { documents: reviewed, findings: acceptances.flatMap((one, index) => problems(one, index, used.has(one))) };
}

function matches(one: Acceptance, found: DocumentFinding): boolean {
  return (
    one.code === found.code &&
    (one.path === undefined || one.path === found.path) &&
    (one.platform === undefined || one.platform === found.platform)
  );
}

function problems(one: Acceptance, index: number, used: boolean): Finding[] {
  const about = (rule: typeof acceptanceReason, path: string, message: string): Finding => ({
    code: rule.code,
    severity: rule.severity,
    path,
    message,
    fix: rule.fix,
    link: findingLink(rule.code),
  });
  const path = `acceptances[${index}]`;
  return [
    ...(one.reason.trim() === "" ? [about(acceptanceReason, `${path}.reason`, `${one.code} is accepted without a reason`)] : []),
    ...(used ? [] : [about(acceptanceUnmatched, `${path}.code`, unmatched(one.code))]),
  ];
}

function unmatched(code: string): string {
  const codes = [...RULES, ...OWN_RULES].map((rule) => rule.code);
  if (codes.includes(code)) return `no document has ${code}`;
  const close = nearest(code, codes);
  return `there is no finding ${JSON.stringify(code)}${close === null ? "" : `; did you mean ${close}?`}`;
}

import type { DocumentError } from "../posture/errors.ts";
import {
  DOCUMENT_FORMATS,
  type DocumentFinding,
  type DocumentReport,
  type Place,
  type ReviewedDocuments,
  type ServiceReport,
} from "../posture/index.ts";
import { formatFindings } from "../topology/errors.ts";
import { plural, postureLine } from "./assess.ts";

export function hasErrors({ documents, findings }: ReviewedDocuments): boolean {
  return [...documents.flatMap((one) => one.findings), ...findings].some(({ severity }) => severity === "error");
}

/** Findings, what is not known, and the posture, service by service: each line begins with where it stands, so that editors find it. */
export function verifyText({ documents, findings }: ReviewedDocuments): string {
  const parts = documents.map(documentText);
  return [...parts, ...(findings.length === 0 ? [] : [`${formatFindings(findings)}\n`])].join("\n");
}

function documentText({ origin, format, services, unguarded }: DocumentReport): string {
  const parts = services.map((service) => serviceText(origin, service));
  const others = unguarded.map(
    ({ name, place, containers }) => `${where(origin, place)}: ${name} has no sidecar and was not checked (${containers.join(", ")})\n`,
  );
  return `${origin}: ${DOCUMENT_FORMATS[format]}\n${parts.join("\n")}${others.join("")}`;
}

function serviceText(origin: string, { name, platform, sidecar, findings, accepted, unknown, posture }: ServiceReport): string {
  const count = (severity: DocumentFinding["severity"]) => findings.filter((one) => one.severity === severity).length;
  const told = [
    plural(count("error"), "error"),
    plural(count("warning"), "warning"),
    ...(accepted.length === 0 ? [] : [`${accepted.length} accepted`]),
    `${plural(unknown.length, "fact")} not in the document`,
  ];
  const lines = [
    `${name} on ${platform}, sidecar ${sidecar}: ${told.join(", ")}`,
    ...findings.map(
      (one) =>
        `${where(origin, one.place)}: ${one.severity} ${one.code}${at(one.path)}\n  ${one.message}\n  Fix: ${one.fix}\n  See: ${one.link}`,
    ),
    ...accepted.map((one) => `${where(origin, one.place)}: accepted ${one.code}${at(one.path)}\n  ${one.message}\n  Reason: ${one.reason}`),
    ...unknown.map((one) => `${where(origin, one.place)}: unknown ${one.codes.join(", ")}${at(one.path)}\n  ${one.message}`),
    postureLine(posture),
  ];
  return `${lines.join("\n")}\n`;
}

function where(origin: string, place: Place | null): string {
  return place === null ? origin : `${origin}:${place.line}:${place.column}`;
}

function at(path: string): string {
  return path === "" ? "" : ` at ${path}`;
}

/** `skipped`: documents that run no sidecar, beside others that do. */
export function verifyJson(reviewed: ReviewedDocuments, unread: readonly DocumentError[], skipped: readonly DocumentError[]): string {
  const documents = reviewed.documents.map(({ origin, format, services, unguarded }) => ({
    origin,
    format,
    services: services.map(({ graph: _, posture, ...service }) => ({ ...service, posture: posture.entries })),
    unguarded,
  }));
  const shown = (list: readonly DocumentError[]) => list.map(({ code, message, fix }) => ({ code, message, fix }));
  const errors = shown(unread);
  const ok = errors.length === 0 && !hasErrors(reviewed);
  return `${JSON.stringify({ ok, documents, findings: reviewed.findings, errors, skipped: shown(skipped) }, null, 2)}\n`;
}

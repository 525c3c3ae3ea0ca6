import { RULES } from "../topology/rules/index.ts";
import { formatPath } from "../topology/schema/parse.ts";
import type { Finding, InvariantId, Platform } from "../topology/types.ts";
import { findingLink, validate } from "../topology/validate.ts";
import type { At } from "./at.ts";
import { readDocument } from "./detect.ts";
import { OWN_RULES, posturesLink } from "./document-rules.ts";
import { DocumentError } from "./errors.ts";
import { fixFor } from "./fixes.ts";
import { documentPosture } from "./posture.ts";
import type { OpenQuestion } from "./reading.ts";
import type { ReadResult } from "./service-reader.ts";
import { parseSource, type SourceDocument } from "./source.ts";
import type { DocumentFinding, DocumentFormat, DocumentReport, ServiceReport, UnguardedService, UnknownFact } from "./types.ts";

export interface VerifyOptions {
  /** Name of the sidecar's container, where it cannot be told. */
  readonly sidecar?: string;
  /** Only services of these platforms; a document without one is refused. @default all */
  readonly platforms?: readonly Platform[];
}

/**
 * Checks a document that this kit did not write by the rules of the topology. `origin` names it in errors. Throws `DocumentError` when it cannot be
 * read, is of no known format, or has no service with a sidecar.
 */
export function verifyDocument(text: string, origin: string, options: VerifyOptions = {}): DocumentReport {
  const read = parseSource(text, origin).map((source) => {
    const { format, results } = readDocument(source.value, { sidecar: options.sidecar, origin, fallbackName: baseName(origin) });
    return { source, format, results };
  });
  const results = read.flatMap(({ source, format, results: found }) => found.map((result) => ({ source, format, result })));
  const wanted = results.filter(({ result }) => options.platforms === undefined || options.platforms.includes(platformOf(result)));
  const services = wanted.flatMap(({ source, format, result }) =>
    result.kind === "service" ? [serviceReport(source, format, result)] : [],
  );
  const unguarded = wanted.flatMap(({ source, result }) => (result.kind === "unguarded" ? [unguardedService(source, result)] : []));
  if (services.length === 0) throw nothingToCheck(origin, options, results, unguarded);
  return { origin, format: read[0]?.format ?? "cloud-run-v1", findings: services.flatMap(({ findings }) => findings), services, unguarded };
}

function platformOf(result: ReadResult): Platform {
  return result.kind === "service" ? result.graph.platform : result.platform;
}

function serviceReport(
  source: SourceDocument,
  format: DocumentFormat,
  { name, at, graph, reading }: ReadResult & { kind: "service" },
): ServiceReport {
  const { platform } = graph;
  const shown = (where: At) => ({ path: formatPath(where.path), place: source.locate(where.path) });
  const finding = (base: Omit<Finding, "path">, where: At): DocumentFinding => ({ ...base, ...shown(where), service: name, platform });
  const own = reading.breaches.map(({ code, at: where, message, fix }) => {
    const rule = [...RULES, ...OWN_RULES].find((one) => one.code === code);
    return finding(
      {
        code,
        severity: rule?.severity ?? "error",
        message,
        fix: fix ?? fixFor(code, format, platform, rule?.fix ?? ""),
        link: linkOf(code),
      },
      where,
    );
  });
  const judged = validate(graph, platform);
  const found = judged
    .filter(({ code }) => !reading.supposed.has(code))
    .map((one) => finding({ ...one, fix: fixFor(one.code, format, platform, one.fix) }, reading.find(one.path) ?? at));
  const findings = [...found, ...own].filter((one, index, all) => all.findIndex((other) => same(one, other)) === index);
  const supposed = judged.flatMap(({ code, path, message }): OpenQuestion[] => {
    const why = reading.supposed.get(code);
    return why === undefined ? [] : [{ codes: [code], at: reading.find(path) ?? at, message: `${message}; ${why}` }];
  });
  const unknown = [...reading.questions, ...supposed].map(
    ({ codes, at: where, message }): UnknownFact => ({ codes, invariants: invariantsOf(codes), message, ...shown(where) }),
  );
  return {
    name,
    platform,
    ...shown(at),
    sidecar: graph.containers.find(({ role }) => role === "sidecar")?.name ?? "",
    findings,
    accepted: [],
    unknown,
    posture: documentPosture(graph, findings, [], unknown),
    graph,
  };
}

function same(a: DocumentFinding, b: DocumentFinding): boolean {
  return a.code === b.code && a.path === b.path && a.message === b.message;
}

function linkOf(code: string): string {
  return OWN_RULES.some((one) => one.code === code) ? posturesLink(code) : findingLink(code);
}

function invariantsOf(codes: readonly string[]): InvariantId[] {
  return [...new Set(RULES.filter(({ code }) => codes.includes(code)).flatMap(({ invariants }) => invariants))];
}

function unguardedService(
  source: SourceDocument,
  { name, platform, at, containers }: ReadResult & { kind: "unguarded" },
): UnguardedService {
  return { name, platform, path: formatPath(at.path), place: source.locate(at.path), containers };
}

function nothingToCheck(
  origin: string,
  { sidecar, platforms }: VerifyOptions,
  results: readonly { result: ReadResult }[],
  unguarded: readonly UnguardedService[],
): DocumentError {
  const others = [...new Set(results.map(({ result }) => platformOf(result)))];
  if (platforms !== undefined && others.length > 0 && !others.some((one) => platforms.includes(one)))
    return new DocumentError(
      "document_platform",
      `${origin}: this document is for ${others.join(" and ")}, not for ${platforms.join(" or ")}`,
      "leave --platform out, or give the other document",
    );
  if (unguarded.length === 0)
    return new DocumentError(
      "document_no_sidecar",
      `${origin}: the document holds no service with containers`,
      "give the document that declares the containers",
    );
  const services = unguarded.map(({ name, containers }) => `${name} (${containers.join(", ") || "no containers"})`).join("; ");
  return new DocumentError(
    "document_no_sidecar",
    sidecar === undefined
      ? `${origin}: no container looks like the sidecar in ${services}`
      : `${origin}: there is no container "${sidecar}" in ${services}`,
    sidecar === undefined ? "add the sidecar, or name its container with --sidecar NAME" : "name one of those containers",
  );
}

function baseName(origin: string): string {
  return (origin.split(/[/\\]/).at(-1) ?? origin).replace(/\.[A-Za-z]+$/, "") || "service";
}

import { RULES } from "../topology/rules/index.ts";
import type { Finding, Severity } from "../topology/types.ts";
import { findingLink } from "../topology/validate.ts";
import { OWN_RULES, posturesLink } from "./document-rules.ts";
import type { DocumentError } from "./errors.ts";
import type { DocumentFinding, DocumentReport } from "./types.ts";

export interface SarifOptions {
  readonly version: string;
  /** Address under which this package's `docs/` is served, with a slash at its end. @default the package's page, where the rules are named */
  readonly documentation?: string;
  /** Findings that are about no document, such as an acceptance that nothing needs. */
  readonly general?: readonly Finding[];
  /** Documents that could not be checked. */
  readonly unread?: readonly DocumentError[];
}

const SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
const PACKAGE = "https://www.npmjs.com/package/chio-kit";
const LEVELS: Readonly<Record<Severity, "error" | "warning" | "note">> = { error: "error", warning: "warning", info: "note" };

/** The documents' findings as one SARIF 2.1.0 log, for code scanning. Accepted ones are in it as suppressed. */
export function sarifLog(
  documents: readonly DocumentReport[],
  { version, documentation, general = [], unread = [] }: SarifOptions,
): object {
  const rules = rulesOf(documentation);
  const indexes = new Map(rules.map(({ id }, index) => [id, index]));
  const result = (one: Finding, locations: readonly object[], justification?: string) => ({
    ruleId: one.code,
    ruleIndex: indexes.get(one.code) ?? -1,
    level: LEVELS[one.severity],
    message: { text: `${one.message}. Fix: ${one.fix}` },
    locations,
    ...(justification === undefined ? {} : { suppressions: [{ kind: "external", justification }] }),
  });
  const results = documents.flatMap(({ origin, services }) =>
    services.flatMap(({ findings, accepted }) => [
      ...findings.map((one) => result(one, [location(origin, one)])),
      ...accepted.map((one) => result(one, [location(origin, one)], one.reason)),
    ]),
  );
  return {
    $schema: SCHEMA,
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: { name: "chio-kit", version, informationUri: documentation === undefined ? PACKAGE : `${documentation}verify.md`, rules },
        },
        columnKind: "utf16CodeUnits",
        invocations: [
          {
            executionSuccessful: unread.length === 0,
            toolExecutionNotifications: unread.map(({ code, message, fix }) => ({
              level: "error",
              message: { text: `${message} (${code}). Fix: ${fix}` },
            })),
          },
        ],
        results: [...results, ...general.map((one) => result(one, []))],
      },
    ],
  };
}

/** `docs/topology.md#code` below the address; the package's page has no other place for a code than its fragment. */
function helpUri(documentation: string | undefined, link: string): string {
  return documentation === undefined ? `${PACKAGE}${link.slice(link.indexOf("#"))}` : `${documentation}${link.replace(/^docs\//, "")}`;
}

function rulesOf(documentation: string | undefined) {
  const entry = (rule: Pick<(typeof OWN_RULES)[number], "code" | "title" | "severity" | "why">, link: string) => ({
    id: rule.code,
    shortDescription: { text: `${rule.title}.` },
    fullDescription: { text: rule.why },
    help: { text: `${rule.why} What to do stands with each result.` },
    helpUri: helpUri(documentation, link),
    defaultConfiguration: { level: LEVELS[rule.severity] },
  });
  return [...RULES.map((rule) => entry(rule, findingLink(rule.code))), ...OWN_RULES.map((rule) => entry(rule, posturesLink(rule.code)))];
}

/** A finding without a place in the text stands at the document's beginning: viewers need a region. */
function location(origin: string, { place, path, service }: DocumentFinding): object {
  return {
    physicalLocation: {
      artifactLocation: { uri: uriOf(origin) },
      region: { startLine: place?.line ?? 1, startColumn: place?.column ?? 1 },
    },
    logicalLocations: [{ name: service, fullyQualifiedName: path === "" ? service : `${service}: ${path}`, kind: "object" }],
  };
}

/** A path relative to where the run stands, as URI. */
function uriOf(origin: string): string {
  const path = origin.replaceAll("\\", "/").replace(/^\.\//, "");
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  return path.startsWith("/") ? `file://${encoded}` : encoded;
}

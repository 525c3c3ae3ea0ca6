import { readFileSync } from "node:fs";
import { stringify } from "yaml";
import { renderManifest } from "../../../infra/manifests/index.ts";
import { type ServiceReport, verifyDocument } from "../../../infra/posture/index.ts";
import { parseSource } from "../../../infra/posture/source.ts";
import type { AnyTopology, Platform, TopologyProps } from "../../../infra/topology/index.ts";
import { baseline } from "../../unit/topology/fixtures.ts";

// biome-ignore lint/suspicious/noExplicitAny: a document of others has no type
export type Loose = any;
export type Cloud = Exclude<Platform, "local">;

/** What a manifest needs beyond the topology. */
export const DEPLOYED: Partial<TopologyProps> = {
  cloudRun: { serviceAccount: "chio@team.iam.gserviceaccount.com" },
  ecs: {
    executionRoleArn: "arn:aws:iam::123456789012:role/execution",
    taskRoleArn: "arn:aws:iam::123456789012:role/task",
    region: "us-east-1",
  },
};

/** The manifest that the kit writes, as text, with every finding accepted: only so is a broken one written at all. */
export function manifest(platform: Cloud, topology: AnyTopology, codes: readonly string[] = []): string {
  const files = renderManifest(platform, topology, { acceptances: codes.map((code) => ({ code, reason: "broken on purpose" })) });
  return files.find((file) => !file.path.endsWith(".bicep"))?.text ?? "";
}

/** The one service in a document. */
export function only(text: string, options: Parameters<typeof verifyDocument>[2] = {}): ServiceReport {
  const { services } = verifyDocument(text, "document", options);
  const [service, second] = services;
  if (service === undefined || second !== undefined) throw new Error(`${services.length} services`);
  return service;
}

export function codes(report: Pick<ServiceReport, "findings">): string[] {
  return [...new Set(report.findings.map(({ code }) => code))].toSorted();
}

export function unknownCodes(report: ServiceReport): Set<string> {
  return new Set(report.unknown.flatMap((one) => one.codes));
}

export const fixture = (name: string) => readFileSync(new URL(`../../fixtures/foreign/${name}`, import.meta.url), "utf8");

/** A document as data, changed, and as text again. */
export function changed(text: string, change: (document: Loose) => void): string {
  const document = parseSource(text, "document")[0]?.value;
  change(document);
  return text.trimStart().startsWith("{") ? JSON.stringify(document, null, 2) : stringify(document);
}

/** A faultless document of each platform, as this kit writes it. */
export const FAULTLESS: { readonly [P in Cloud]: string } = {
  "cloud-run": manifest("cloud-run", baseline(DEPLOYED)),
  ecs: manifest("ecs", baseline(DEPLOYED)),
  aca: manifest("aca", baseline(DEPLOYED)),
};

import type { At } from "./at.ts";
import type { ReadEdge, Reading } from "./reading.ts";

/** The two spellings of a Cloud Run service. */
export interface CloudRunWords {
  readonly form: "knative" | "v2";
  name(at: At): string | undefined;
  nameAt(at: At): At;
  revision(at: At): At;
  edges(at: At, reading: Reading): { edges: ReadEdge[]; at: At };
  /** One word for all containers; null where each has its own. */
  cpuIdle(at: At, reading: Reading): boolean | null;
  concurrency(at: At): At;
  scaling(at: At): [min: At, max: At];
  timeout(at: At, reading: Reading): number;
  ingress(at: At): At;
  serviceAccount(at: At): At;
  executionEnvironment(at: At): At;
  healthCheckDisabled(at: At): At;
  /** Alias of a secret of another project to its full name. */
  secretAliases(at: At): ReadonlyMap<string, string>;
}

const DEFAULT_TIMEOUT = 300;
const serviceNote = (at: At, name: string) => at.get("metadata", "annotations", name);
const revisionNote = (at: At, name: string) => at.get("spec", "template", "metadata", "annotations", name);

export const KNATIVE: CloudRunWords = {
  form: "knative",
  name: (at) => at.get("metadata", "name").text(),
  nameAt: (at) => at.get("metadata", "name"),
  revision: (at) => at.get("spec", "template", "spec"),
  edges(at, reading) {
    const note = revisionNote(at, "run.googleapis.com/container-dependencies");
    return { edges: dependencies(note, reading), at: note };
  },
  cpuIdle: (at, reading) => reading.flag("", revisionNote(at, "run.googleapis.com/cpu-throttling"), true, ["CHIO-CPU-IDLE"], false),
  concurrency: (at) => at.get("spec", "template", "spec", "containerConcurrency"),
  scaling: (at) => [revisionNote(at, "autoscaling.knative.dev/minScale"), revisionNote(at, "autoscaling.knative.dev/maxScale")],
  timeout: (at, reading) =>
    reading.number("ingress.requestTimeoutSeconds", at.get("spec", "template", "spec", "timeoutSeconds"), DEFAULT_TIMEOUT, [
      "CHIO-REQUEST-TIMEOUT",
    ]),
  ingress: (at) => serviceNote(at, "run.googleapis.com/ingress"),
  serviceAccount: (at) => at.get("spec", "template", "spec", "serviceAccountName"),
  executionEnvironment: (at) => revisionNote(at, "run.googleapis.com/execution-environment"),
  healthCheckDisabled: (at) => revisionNote(at, "run.googleapis.com/health-check-disabled"),
  secretAliases(at) {
    const text = revisionNote(at, "run.googleapis.com/secrets").text() ?? "";
    return new Map(
      text
        .split(",")
        .filter((part) => part.includes(":"))
        .map((part) => [part.slice(0, part.indexOf(":")).trim(), part.slice(part.indexOf(":") + 1).trim()]),
    );
  },
};

/** `{"app":["chio-sidecar"]}`: who waits for whom. */
function dependencies(note: At, reading: Reading): ReadEdge[] {
  if (!note.given) return [];
  if (note.unresolved) {
    reading.ask(["CHIO-START-ORDER"], note, "the start order is known only when it is deployed");
    return [];
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(note.text() ?? "");
  } catch {
    reading.wrong(note, 'the start order is not JSON of the form {"app":["chio-sidecar"]}');
    return [];
  }
  return note
    .holding(parsed)
    .entries()
    .flatMap(([container, on]) =>
      (on.texts() ?? []).map((dependsOn): ReadEdge => ({ at: note, container, dependsOn, condition: "healthy" })),
    );
}

export const V2: CloudRunWords = {
  form: "v2",
  name: (at) => at.get("name").text()?.split("/").at(-1),
  nameAt: (at) => at.get("name"),
  revision: (at) => at.get("template"),
  edges(at) {
    const containers = at.get("template", "containers");
    const edges = containers.items().flatMap((one) => {
      const list = one.either("dependsOns", "dependsOn");
      return list
        .items()
        .map(
          (item): ReadEdge => ({ at: item, container: one.get("name").text() ?? "", dependsOn: item.text() ?? "", condition: "healthy" }),
        );
    });
    return { edges, at: containers };
  },
  cpuIdle: () => null,
  concurrency: (at) => at.get("template", "maxInstanceRequestConcurrency"),
  scaling: (at) => [at.get("template", "scaling", "minInstanceCount"), at.get("template", "scaling", "maxInstanceCount")],
  timeout(at, reading) {
    const given = at.get("template", "timeout");
    const seconds = /^(\d+(?:\.\d+)?)s$/.exec(given.text() ?? "")?.[1];
    return reading.number(
      "ingress.requestTimeoutSeconds",
      seconds === undefined ? given : given.holding(Number(seconds)),
      DEFAULT_TIMEOUT,
      ["CHIO-REQUEST-TIMEOUT"],
    );
  },
  ingress: (at) => at.get("ingress"),
  serviceAccount: (at) => at.get("template", "serviceAccount"),
  executionEnvironment: (at) => at.get("template", "executionEnvironment"),
  healthCheckDisabled: (at) => at.get("template", "healthCheckDisabled"),
  secretAliases: () => new Map(),
};

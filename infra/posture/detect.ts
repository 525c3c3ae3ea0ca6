import { containerApps } from "./arm/template.ts";
import { At } from "./at.ts";
import { readCloudRun } from "./cloud-run.ts";
import { readTemplate } from "./cloudformation/services.ts";
import { readContainerApp } from "./container-app.ts";
import { readEcs } from "./ecs.ts";
import { CAMEL } from "./ecs-words.ts";
import { DocumentError } from "./errors.ts";
import { readStack } from "./pulumi.ts";
import type { ReadOptions, ReadResult } from "./service-reader.ts";
import { DOCUMENT_FORMATS, type DocumentFormat } from "./types.ts";

interface Format {
  readonly format: DocumentFormat;
  readonly is: (at: At) => boolean;
  readonly read: (at: At, options: ReadOptions) => readonly ReadResult[];
}

/** What is most particular first. */
const FORMATS: readonly Format[] = [
  {
    format: "pulumi-state",
    is: (at) => Array.isArray(at.get("deployment", "resources").value),
    read: readStack,
  },
  {
    format: "cloudformation",
    is: (at) =>
      at.get("AWSTemplateFormatVersion").given ||
      at
        .get("Resources")
        .entries()
        .some(([, one]) => /^(AWS|Custom|Alexa)::/.test(one.get("Type").text() ?? "")),
    read: readTemplate,
  },
  {
    format: "arm-template",
    is: (at) => /deploymentTemplate\.json/i.test(at.get("$schema").text() ?? ""),
    read: (at, options) => containerApps(at).map((one) => readContainerApp(one, options)),
  },
  {
    format: "cloud-run-v1",
    is: (at) => at.get("apiVersion").text()?.startsWith("serving.knative.dev/") === true && at.get("kind").text() === "Service",
    read: (at, options) => [readCloudRun(at, options)],
  },
  {
    format: "ecs-task-definition",
    is: (at) => Array.isArray(taskDefinition(at).get("containerDefinitions").value),
    read: (at, options) => [readEcs(taskDefinition(at), CAMEL, options, {})],
  },
  {
    format: "container-app",
    is: (at) =>
      /^microsoft\.app\/containerapps$/i.test(at.get("type").text() ?? "") ||
      (at.get("properties", "template", "containers").given && at.get("properties", "configuration").given),
    read: (at, options) => [readContainerApp(at, options)],
  },
  {
    format: "cloud-run-v2",
    is: (at) => Array.isArray(at.get("template", "containers").value),
    read: (at, options) => [readCloudRun(at, options)],
  },
];

/** As it is registered, or as `describe-task-definition` gives it. */
function taskDefinition(at: At): At {
  return at.get("taskDefinition", "containerDefinitions").given ? at.get("taskDefinition") : at;
}

/** The format of a document and what is in it. Throws `DocumentError` for a document of none. */
export function readDocument(value: unknown, options: ReadOptions): { format: DocumentFormat; results: readonly ReadResult[] } {
  const at = new At(value, []);
  const found = FORMATS.find(({ is }) => is(at));
  if (found !== undefined) return { format: found.format, results: found.read(at, options) };
  throw new DocumentError(
    "document_unknown",
    `${options.origin}: ${guess(at)}`,
    `give one of: ${Object.values(DOCUMENT_FORMATS).join(", ")}`,
  );
}

function guess(at: At): string {
  const kind = at.get("kind").text();
  if (kind !== undefined)
    return `a ${at.get("apiVersion").text() ?? ""} ${kind} is none of the documents that can be checked`.replaceAll(/ {2,}/g, " ");
  if (at.get("services").given) return "this looks like a compose file; it is rendered and tested, but not checked";
  if (at.get("mode").given && at.get("app").given) return "this looks like a service.yaml of chio-kit: `chio-kit posture` checks it";
  return "no format that can be checked is recognized";
}

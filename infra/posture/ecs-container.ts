import { ECS_DEFAULTS } from "../topology/limits.ts";
import type { SecretRef } from "../topology/secret-ref.ts";
import type { Container, HealthCheck, SecretBinding, StartCondition } from "../topology/types.ts";
import type { At } from "./at.ts";
import { blankContainer, healthWords } from "./container.ts";
import type { EcsWords } from "./ecs-words.ts";
import type { ReadContainer, ReadEdge, Reading } from "./reading.ts";

const CONDITIONS: Readonly<Record<string, StartCondition>> = {
  START: "started",
  HEALTHY: "healthy",
  COMPLETE: "completed",
  SUCCESS: "succeeded",
};
const CHECK_CODES = ["CHIO-PROBE-RANGE", "CHIO-PROBE-TIMEOUT", "CHIO-HEALTH-GRACE"];

export function readEcsContainer(reading: Reading, at: At, words: EcsWords, runsFirst: boolean): ReadContainer {
  const field = (...keys: string[]) => words(at, ...keys);
  const name = field("name").text() ?? "";
  const [entryPoint, command, environment, secrets] = [field("entryPoint"), field("command"), field("environment"), field("secrets")];
  const linux = field("linuxParameters");
  const capabilities = words(linux, "capabilities");
  const mappings = field("portMappings");
  const ports = mappings.items().flatMap((one) => words(one, "containerPort").number() ?? []);
  const fields: Record<string, At> = {
    name: field("name"),
    image: field("image"),
    entrypoint: entryPoint,
    args: command,
    env: environment,
    secrets,
    mounts: field("mountPoints"),
    tmpfs: words(linux, "tmpfs"),
    ports: mappings,
    healthCheck: field("healthCheck"),
    resources: at,
    user: field("user"),
    readOnlyRoot: field("readonlyRootFilesystem"),
    capabilities,
    essential: field("essential"),
    restart: field("restartPolicy"),
    graceSeconds: field("stopTimeout"),
    startTimeoutSeconds: field("startTimeout"),
  };
  const env: Record<string, string> = {};
  for (const one of environment.items()) {
    const variable = words(one, "name").text() ?? "";
    env[variable] = words(one, "value").text() ?? "";
    fields[`env.${variable}`] = one;
  }
  for (const [index, one] of mappings.items().entries()) fields[`ports[${index}]`] = one;
  for (const [index, one] of secrets.items().entries()) fields[`secrets[${index}]`] = one;
  if (field("environmentFiles").items().length > 0)
    reading.ask(
      ["CHIO-SIGNING-KEY-SCOPE", "CHIO-SECRET-SCOPE"],
      field("environmentFiles"),
      `which variables ${name} gets from files in S3`,
    );
  const container: Container = {
    ...blankContainer(name, field("image").text() ?? ""),
    entrypoint: entryPoint.texts(),
    args: command.texts(),
    env,
    secrets: secrets.items().map((one) => secret(reading, one, words, name)),
    mounts: field("mountPoints")
      .items()
      .map((one) => ({
        volume: words(one, "sourceVolume").text() ?? "",
        path: (words(one, "containerPath").text() ?? "").replace(/(.)\/+$/, "$1"),
        readOnly: words(one, "readOnly").flag() === true,
      })),
    tmpfs: words(linux, "tmpfs")
      .items()
      .map((one) => ({ path: words(one, "containerPath").text() ?? "", sizeMiB: words(one, "size").number() ?? 0 })),
    ports,
    healthCheck: readHealthCheck(reading, field("healthCheck"), words),
    resources: {
      cpuMilli: (reading.number("", field("cpu"), 0, ["CHIO-RESOURCES"]) * 1000) / 1024,
      memoryMiB: reading.number("", field("memory").given ? field("memory") : field("memoryReservation"), 0, ["CHIO-RESOURCES"]),
    },
    user: readUser(reading, field("user")),
    readOnlyRoot: reading.flag("", field("readonlyRootFilesystem"), false, ["CHIO-WRITABLE-ROOT"], true),
    capabilities: { drop: words(capabilities, "drop").texts() ?? [], add: words(capabilities, "add").texts() ?? [] },
    initProcess: words(linux, "initProcessEnabled").flag() === true,
    essential: reading.flag("", field("essential"), true, ["CHIO-FAIL-OPEN"]),
    restart: readRestart(field("restartPolicy"), words),
    graceSeconds: reading.number("", field("stopTimeout"), ECS_DEFAULTS.stopTimeout, ["CHIO-GRACE", "CHIO-DRAIN"]),
    startTimeoutSeconds: field("startTimeout").number() ?? null,
  };
  return { at, container, fields, runsFirst, seenPorts: ports };
}

/** A value that is not known yet is no name and not root. */
function readUser(reading: Reading, at: At): string | null {
  if (!at.unresolved) return at.text() ?? null;
  reading.ask(["CHIO-ROOT-USER"], at, "the user is known only when it is deployed");
  return "65532:65532";
}

function readRestart(at: At, words: EcsWords): Container["restart"] {
  if (words(at, "enabled").flag() !== true) return null;
  const ignored = words(at, "ignoredExitCodes")
    .items()
    .flatMap((one) => one.number() ?? []);
  return { attemptPeriodSeconds: words(at, "restartAttemptPeriod").number() ?? 300, ignoredExitCodes: ignored };
}

function readHealthCheck(reading: Reading, at: At, words: EcsWords): HealthCheck | null {
  const command = words(at, "command").texts();
  if (!at.given) return null;
  if (at.unresolved)
    reading.ask(
      ["CHIO-PROBE-MISSING", "CHIO-HEALTH-COMMAND", "CHIO-PROBE-SINKS"],
      at,
      "the health check is known only when it is deployed",
    );
  const number = (key: string, absent: number) => reading.number("", words(at, key), absent, CHECK_CODES);
  return {
    command: command === null ? ["unresolved"] : healthWords(command),
    intervalSeconds: number("interval", ECS_DEFAULTS.interval),
    timeoutSeconds: number("timeout", ECS_DEFAULTS.timeout),
    retries: number("retries", ECS_DEFAULTS.retries),
    startPeriodSeconds: number("startPeriod", ECS_DEFAULTS.startPeriod),
  };
}

function secret(reading: Reading, at: At, words: EcsWords, container: string): SecretBinding {
  const name = words(at, "name").text() ?? "";
  const from = words(at, "valueFrom");
  const text = from.text() ?? "";
  // A parameter of the same region goes by its name alone.
  if (!from.unresolved && !/^(arn:|\$\{|[A-Za-z0-9_./-]+$)/.test(text))
    reading.breach(
      "CHIO-SECRET-STORE",
      at,
      `${name} of ${container} is in no store of AWS: valueFrom takes an ARN, or the name of a parameter`,
    );
  return { name: `${name} of ${container}`, purpose: "other", target: { kind: "env", env: name }, ref: awsReference(text) };
}

/** `ARN`, `ARN:field:stage:version`, or a parameter's name. The ARN may be a marker for a resource of the same document. */
export function awsReference(text: string): SecretRef {
  const marked = /^(\$\{deferred:[^}]*\})(?::([^:]*):([^:]*):([^:]*))?$/.exec(text);
  const named =
    /^(arn:(?:[^:]*|\$\{[^}]*\}):secretsmanager:(?:\$\{[^}]*\}|[^:]*):(?:\$\{[^}]*\}|[^:]*):secret:[^:]+)(?::([^:]*):([^:]*):([^:]*))?$/.exec(
      text,
    );
  const found = marked ?? named;
  if (found === null) return { kind: "aws-ssm-parameter", arn: text };
  return {
    kind: "aws-secrets-manager",
    arn: found[1] ?? "",
    field: found[2] || null,
    versionStage: found[3] || null,
    versionId: found[4] || null,
  };
}

export function readEcsEdges(containers: At, words: EcsWords): ReadEdge[] {
  return containers.items().flatMap((one) =>
    words(one, "dependsOn")
      .items()
      .map(
        (at): ReadEdge => ({
          at,
          container: words(one, "name").text() ?? "",
          dependsOn: words(at, "containerName").text() ?? "",
          condition: CONDITIONS[words(at, "condition").text() ?? ""] ?? "started",
        }),
      ),
  );
}

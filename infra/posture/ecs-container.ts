import { ECS_DEFAULTS } from "../topology/limits.ts";
import { SIDECAR_SECRET_NAMES, SIGNING_KEY_NAMES } from "../topology/rules/rule.ts";
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
/** A value of these is a finding of its own, wherever it comes from. */
const SIDECAR_NAMES = [...SIGNING_KEY_NAMES, ...SIDECAR_SECRET_NAMES];
const CHECK_CODES = ["CHIO-PROBE-RANGE", "CHIO-PROBE-TIMEOUT", "CHIO-HEALTH-GRACE"];

export function readEcsContainer(reading: Reading, at: At, words: EcsWords, runsFirst: boolean): ReadContainer {
  const field = (...keys: string[]) => words(at, ...keys);
  const name = field("name").text() ?? "";
  const [entryPoint, command, environment, secrets] = [field("entryPoint"), field("command"), field("environment"), field("secrets")];
  const linux = field("linuxParameters");
  const capabilities = words(linux, "capabilities");
  const mappings = field("portMappings");
  const mapped = reading.list(mappings, ["CHIO-EXTRA-PORT", "CHIO-INGRESS-TARGET"]);
  const ports = mapped.flatMap((one) => mappedPorts(reading, one, words));
  const hidden = ["CHIO-SIGNING-KEY-SCOPE", "CHIO-SECRET-SCOPE"];
  const bindings = reading.list(secrets, hidden);
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
  const secretRefs = bindings.map((one) => secret(reading, one, words, name));
  for (const one of reading.list(environment, hidden)) {
    const variable = words(one, "name").text() ?? "";
    const value = words(one, "value").text() ?? "";
    const ref = SIDECAR_NAMES.includes(variable) ? null : dynamicReference(value);
    if (ref !== null) {
      fields[`secrets[${secretRefs.length}]`] = one;
      secretRefs.push({ name: `${variable} of ${name}`, purpose: "other", target: { kind: "env", env: variable }, ref });
      continue;
    }
    env[variable] = value;
    fields[`env.${variable}`] = one;
  }
  for (const [index, { at: one }] of ports.entries()) fields[`ports[${index}]`] = one;
  for (const [index, one] of bindings.entries()) fields[`secrets[${index}]`] = one;
  const privileged = field("privileged");
  if (reading.flag("", privileged, false, ["CHIO-CAPABILITIES"]))
    reading.breach("CHIO-CAPABILITIES", privileged, `${name} is privileged: it has every capability, and the host's devices`);
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
    secrets: secretRefs,
    mounts: reading.list(field("mountPoints"), hidden).map((one) => ({
      volume: words(one, "sourceVolume").text() ?? "",
      path: (words(one, "containerPath").text() ?? "").replace(/(.)\/+$/, "$1"),
      readOnly: words(one, "readOnly").flag() === true,
    })),
    tmpfs: words(linux, "tmpfs")
      .items()
      .map((one) => ({ path: words(one, "containerPath").text() ?? "", sizeMiB: words(one, "size").number() ?? 0 })),
    ports: ports.map(({ port }) => port),
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
  return { at, container, fields, runsFirst, seenPorts: container.ports };
}

/** The ends of a range count for it. A mapping is there whatever its number is. */
function mappedPorts(reading: Reading, at: At, words: EcsWords): { readonly port: number; readonly at: At }[] {
  const [one, range] = [words(at, "containerPort"), words(at, "containerPortRange")];
  const ends = /^(\d+)-(\d+)$/.exec(range.text()?.trim() ?? "");
  const ports = one.number() === undefined ? (ends?.slice(1).map(Number) ?? []) : [Number(one.number())];
  const unread = one.given ? one : range;
  if (ports.length === 0) {
    if (unread.unresolved) reading.ask(["CHIO-EXTRA-PORT"], unread, "a port is mapped whose number is known only when it is deployed");
    else reading.wrong(unread.given ? unread : at, "the mapping names no port of the container");
  }
  return [...new Set(ports)].map((port) => ({ port, at }));
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
  const given = words(at, "command");
  const command = given.texts();
  if (!at.given) return null;
  if (given.unresolved)
    reading.ask(
      ["CHIO-PROBE-MISSING", "CHIO-HEALTH-COMMAND", "CHIO-PROBE-SINKS"],
      at,
      "the health check is known only when it is deployed",
    );
  else if (command === null) reading.wrong(given.given ? given : at, "the health check has no command, which is a list of words");
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

/** What CloudFormation puts into a plain variable in place of `{{resolve:…}}`: the container has the value as if it were one of its secrets. */
function dynamicReference(value: string): SecretRef | null {
  const found = /\{\{resolve:(secretsmanager|ssm-secure|ssm):(arn:(?:\$\{[^}]*\}|[^}])*?:(?:secret:|parameter)[^:}]+|[^:}]+)/.exec(value);
  if (found === null) return null;
  const [, service, id = ""] = found;
  return awsReference(service === "secretsmanager" && !id.startsWith("arn:") ? `arn:aws:secretsmanager:region:account:secret:${id}` : id);
}

/** `ARN`, `ARN:field:stage:version`, or a parameter's name. The ARN may be a marker for a resource of the same document. */
export function awsReference(text: string): SecretRef {
  const marked = /^(\$\{deferred:[^}]*\})(?::([^:]*):([^:]*):([^:]*))?$/.exec(text);
  const named =
    /^(arn:(?:[^:]*|\$\{[^}]*\}):secretsmanager:(?:\$\{[^}]*\}|[^:]*):(?:\$\{[^}]*\}|[^:]*):secret:[^:]+)(?::([^:]*):([^:]*):([^:]*))?$/.exec(
      text,
    );
  const found = marked ?? named;
  // A parameter of the same region goes by its name alone; policies name it by its ARN.
  if (found === null)
    return {
      kind: "aws-ssm-parameter",
      arn: /^[\w./-]+$/.test(text) ? `arn:aws:ssm:region:account:parameter/${text.replace(/^\//, "")}` : text,
    };
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

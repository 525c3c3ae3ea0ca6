import type { Container, Mount, Probes, SecretBinding } from "../topology/types.ts";
import type { At } from "./at.ts";
import { gcpSecret } from "./cloud-run-volumes.ts";
import type { CloudRunWords } from "./cloud-run-words.ts";
import { blankContainer, probedPorts, readProbe } from "./container.ts";
import { readResources } from "./quantities.ts";
import type { ReadContainer, Reading } from "./reading.ts";

/** What Cloud Run takes where a probe is silent. */
const PROBE = { initialDelaySeconds: 0, periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3, successThreshold: 1 };
const RESOURCES = { cpuMilli: 1000, memoryMiB: 512 };
/** No field: SIGKILL follows SIGTERM after this. */
const GRACE_SECONDS = 10;

/** What cannot be looked for in variables and mounts that are not known. */
const HIDDEN = ["CHIO-SIGNING-KEY-SCOPE", "CHIO-SECRET-SCOPE"];

interface Context {
  readonly idle: boolean | null;
  readonly aliases: ReadonlyMap<string, string>;
}

export function readCloudRunContainer(reading: Reading, at: At, words: CloudRunWords, { idle, aliases }: Context): ReadContainer {
  const name = at.get("name").text() ?? "";
  const [command, args, ports, envs] = [at.either("command", "commands"), at.get("args"), at.get("ports"), at.either("env", "envs")];
  const limits = at.get("resources", "limits");
  const { resources, known } = readResources(reading, limits.get("cpu"), limits.get("memory"), RESOURCES);
  if (!known) reading.ask(["CHIO-RESOURCES"], limits, `CPU or memory of ${name} is known only when it is deployed`);
  const probes: Probes = {
    startup: readProbe(reading, at.get("startupProbe"), PROBE),
    liveness: readProbe(reading, at.get("livenessProbe"), PROBE),
    readiness: readProbe(reading, at.get("readinessProbe"), { ...PROBE, successThreshold: words.form === "v2" ? 2 : 1 }),
  };
  const variables = readVariables(reading.list(envs, HIDDEN), name, words, aliases);
  const announced = portsOf(reading, ports);
  const container: Container = {
    ...blankContainer(name, at.get("image").text() ?? ""),
    entrypoint: command.texts(),
    args: args.texts(),
    env: variables.env,
    secrets: variables.secrets,
    mounts: reading.list(at.get("volumeMounts"), HIDDEN).map(mount),
    ports: announced,
    probes,
    resources: known ? resources : { cpuMilli: 0, memoryMiB: 0 },
    // The image's own; there is no field, and that it is not known is said.
    user: "65532:65532",
    graceSeconds: GRACE_SECONDS,
    cpuIdle: idle ?? idleOf(reading, at.get("resources")),
  };
  return {
    at,
    container,
    fields: {
      name: at.get("name"),
      image: at.get("image"),
      entrypoint: command,
      args,
      ports,
      env: envs,
      ...variables.fields,
      mounts: at.get("volumeMounts"),
      resources: limits,
      cpuIdle: at.get("resources"),
      "probes.startup": at.get("startupProbe"),
      "probes.liveness": at.get("livenessProbe"),
      "probes.readiness": at.get("readinessProbe"),
    },
    runsFirst: false,
    seenPorts: [...announced, ...probedPorts(probes)],
  };
}

/** A list, or Pulumi's single object. An entry without a number is Cloud Run's default. Source: Cloud Run Admin API, ContainerPort. */
function portsOf(reading: Reading, ports: At): number[] {
  const codes = ["CHIO-EXTRA-PORT", "CHIO-INGRESS-TARGET"];
  const list = ports.entries().length > 0 ? [ports] : reading.list(ports, codes);
  return list.map((one) => reading.number("", one.get("containerPort"), 8080, codes));
}

/** Withheld unless something else is said; always allocated where `resources` is given without a word about it. */
function idleOf(reading: Reading, resources: At): boolean {
  return reading.flag("", resources.get("cpuIdle"), !resources.given, ["CHIO-CPU-IDLE", "CHIO-CPU-IDLE-MIXED"], false);
}

function mount(at: At): Mount {
  return { volume: at.get("name").text() ?? "", path: (at.get("mountPath").text() ?? "").replace(/(.)\/+$/, "$1"), readOnly: false };
}

function readVariables(envs: readonly At[], container: string, words: CloudRunWords, aliases: ReadonlyMap<string, string>) {
  const env: Record<string, string> = {};
  const secrets: SecretBinding[] = [];
  const fields: Record<string, At> = {};
  for (const one of envs) {
    const name = one.get("name").text() ?? "";
    const ref = words.form === "knative" ? one.get("valueFrom", "secretKeyRef") : one.get("valueSource", "secretKeyRef");
    if (!ref.given) {
      env[name] = one.get("value").text() ?? "";
      fields[`env.${name}`] = one;
      continue;
    }
    const secret = (words.form === "knative" ? ref.get("name") : ref.get("secret")).text() ?? "";
    const version = (words.form === "knative" ? ref.get("key") : ref.get("version")).text() ?? "latest";
    fields[`secrets[${secrets.length}]`] = one;
    secrets.push({
      name: `${name} of ${container}`,
      purpose: "other",
      target: { kind: "env", env: name },
      ref: gcpSecret(secret, version, aliases),
    });
  }
  return { env, secrets, fields };
}

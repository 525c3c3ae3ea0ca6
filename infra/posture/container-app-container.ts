import { deferred } from "../topology/deferred.ts";
import type { Container, Probes, SecretBinding } from "../topology/types.ts";
import type { At } from "./at.ts";
import { blankContainer, probedPorts, readProbe } from "./container.ts";
import type { AppSecrets } from "./container-app-secrets.ts";
import { readCpu, readMemory } from "./quantities.ts";
import type { ReadContainer, Reading } from "./reading.ts";

/** What Azure takes where a probe is silent. Source: Azure Container Apps REST API, ContainerAppProbe. */
const PROBE = { initialDelaySeconds: 0, periodSeconds: 10, timeoutSeconds: 1, failureThreshold: 3, successThreshold: 1 };

/** What cannot be looked for in variables and mounts that are not known. */
const HIDDEN = ["CHIO-SIGNING-KEY-SCOPE", "CHIO-SECRET-SCOPE"];

interface Context {
  readonly secrets: AppSecrets;
  readonly graceSeconds: number;
  readonly grace: At;
  readonly runsFirst: boolean;
}

export function readAppContainer(reading: Reading, at: At, { secrets, graceSeconds, grace, runsFirst }: Context): ReadContainer {
  const name = at.get("name").text() ?? "";
  const variables = readVariables(reading.list(at.get("env"), HIDDEN), secrets);
  const list = at.get("probes");
  const probeAt = (type: string) => {
    const [first, second] = list.items().filter((one) => one.get("type").text()?.toLowerCase() === type);
    if (second !== undefined) reading.wrong(second, `${name} has a second ${type} probe; Azure takes one of each`);
    return first ?? null;
  };
  const places = { startup: probeAt("startup"), liveness: probeAt("liveness"), readiness: probeAt("readiness") };
  const probe = (place: At | null) => (place === null ? null : readProbe(reading, place, PROBE));
  const probes: Probes = { startup: probe(places.startup), liveness: probe(places.liveness), readiness: probe(places.readiness) };
  const container: Container = {
    ...blankContainer(name, at.get("image").text() ?? ""),
    entrypoint: at.get("command").texts(),
    args: at.get("args").texts(),
    env: variables.env,
    secrets: variables.secrets,
    mounts: reading.list(at.get("volumeMounts"), HIDDEN).map((one) => ({
      volume: one.get("volumeName").text() ?? "",
      path: (one.get("mountPath").text() ?? "").replace(/(.)\/+$/, "$1"),
      readOnly: false,
    })),
    probes,
    resources: readResources(reading, at, name, runsFirst),
    // The image's own; there is no field, and that it is not known is said.
    user: "65532:65532",
    essential: !runsFirst,
    graceSeconds,
  };
  return {
    at,
    container,
    fields: {
      name: at.get("name"),
      image: at.get("image"),
      entrypoint: at.get("command"),
      args: at.get("args"),
      env: at.get("env"),
      ...variables.fields,
      mounts: at.get("volumeMounts"),
      resources: at.get("resources"),
      graceSeconds: grace,
      probes: list,
      "probes.startup": places.startup ?? list,
      "probes.liveness": places.liveness ?? list,
      "probes.readiness": places.readiness ?? list,
    },
    runsFirst,
    seenPorts: probedPorts(probes),
  };
}

/** None, where one of the two is not known. */
function readResources(reading: Reading, at: At, name: string, runsFirst: boolean): Container["resources"] {
  const [cpu, memory] = [at.get("resources", "cpu"), at.get("resources", "memory")];
  const [cpuMilli, memoryMiB] = [
    cpu.unresolved ? null : readCpu(cpu.text() ?? ""),
    memory.unresolved ? null : readMemory(memory.text() ?? ""),
  ];
  if (cpuMilli !== null && memoryMiB !== null) return { cpuMilli, memoryMiB };
  for (const [one, value] of [
    [cpu, cpuMilli],
    [memory, memoryMiB],
  ] as const)
    if (one.given && !one.unresolved && value === null) reading.wrong(one, `${JSON.stringify(one.value)} is not an amount`);
  if (!runsFirst) reading.ask(["CHIO-RESOURCES"], at.get("resources"), `CPU and memory of ${name} are not said here`);
  return runsFirst ? { cpuMilli: 250, memoryMiB: 512 } : { cpuMilli: 0, memoryMiB: 0 };
}

function readVariables(list: readonly At[], secrets: AppSecrets) {
  const env: Record<string, string> = {};
  const bindings: SecretBinding[] = [];
  const fields: Record<string, At> = {};
  for (const one of list) {
    const name = one.get("name").text() ?? "";
    const secret = one.get("secretRef").text();
    if (secret === undefined) {
      env[name] = one.get("value").text() ?? "";
      fields[`env.${name}`] = one;
      continue;
    }
    fields[`secrets[${bindings.length}]`] = one;
    const ref = secrets.get(secret)?.ref ?? {
      kind: "azure-key-vault" as const,
      uri: deferred(`secret.${secret.replace(/[^A-Za-z0-9_.-]/g, "_") || "unnamed"}`),
    };
    bindings.push({ name: secret, purpose: "other", target: { kind: "env", env: name }, ref });
  }
  return { env, secrets: bindings, fields };
}

import { DEFAULTS } from "../topology/defaults.ts";
import { shareRest } from "../topology/resources.ts";
import type { EcsSettings } from "../topology/settings.ts";
import type { Container, Ingress, Resources } from "../topology/types.ts";
import { assemble } from "./assemble.ts";
import type { At } from "./at.ts";
import { readEcsContainer, readEcsEdges } from "./ecs-container.ts";
import { type EcsSurroundings, ecsSettings, ingressTarget } from "./ecs-surroundings.ts";
import type { EcsWords } from "./ecs-words.ts";
import { findSidecar } from "./find-sidecar.ts";
import { ANOTHER_CONTAINER, type ReadContainer, Reading, type ReadVolume } from "./reading.ts";
import { nameOf, type ReadOptions, type ReadResult } from "./service-reader.ts";

/** A task definition, with what the document says of the service, the load balancer and the roles around it. */
export function readEcs(at: At, words: EcsWords, options: ReadOptions, around: EcsSurroundings): ReadResult {
  const reading = new Reading();
  const family = words(at, "family");
  const name = around.name ?? nameOf(family, family.text(), options.fallbackName);
  const containersAt = words(at, "containerDefinitions");
  const edges = readEcsEdges(containersAt, words);
  // An essential container has no end to wait for: a rule says so, and it runs beside the others.
  const first = (one: At) =>
    words(one, "essential").flag() === false &&
    edges.some(
      ({ dependsOn, condition }) => dependsOn === words(one, "name").text() && (condition === "completed" || condition === "succeeded"),
    );
  const unshared = reading
    .list(containersAt, ANOTHER_CONTAINER)
    .map((one) => readEcsContainer(reading, one, words, first(one) || words(one, "firelensConfiguration").given));
  const { containers, total, known } = readTotal(
    reading,
    at,
    words,
    unshared.map((one) => withForeignMounts(one, unshared, words)),
  );
  const found = findSidecar(reading, containers, options.sidecar, `${options.origin}: ${name}`);
  if (found === null)
    return { kind: "unguarded", name, platform: "ecs", at, containers: containers.map(({ container }) => container.name) };
  const settings = ecsSettings(reading, at, words, around, found);
  const graph = assemble(reading, {
    platform: "ecs",
    name,
    nameAt: family,
    at,
    containers,
    containersAt,
    sidecar: found,
    edges,
    edgesAt: containersAt,
    startGate: { kind: "platform" },
    volumes: words(at, "volumes")
      .items()
      .map((one) => readVolume(reading, one, words)),
    architecture: words(at, "runtimePlatform", "cpuArchitecture").text() === "ARM64" ? "arm64" : "amd64",
    scaling: settings.scaling,
    settings: settings.settings satisfies EcsSettings,
    total: known ? total : null,
    resourcesUnknown: !known,
    ingress: (sidecar): Ingress => ingressOf(reading, sidecar, around),
  });
  return { kind: "service", name, at, graph, reading };
}

/** `volumesFrom` mounts all that another container mounts. */
function withForeignMounts(one: ReadContainer, all: readonly ReadContainer[], words: EcsWords): ReadContainer {
  const from = words(one.at, "volumesFrom").items();
  const foreign = from.flatMap((entry) => {
    const source = all.find(({ container }) => container.name === words(entry, "sourceContainer").text());
    const readOnly = words(entry, "readOnly").flag() === true;
    return (source?.container.mounts ?? []).map((mount) => ({ ...mount, readOnly: readOnly || mount.readOnly }));
  });
  if (foreign.length === 0) return one;
  const mounts = [...one.container.mounts, ...foreign.filter(({ path }) => !one.container.mounts.some((own) => own.path === path))];
  return { ...one, container: { ...one.container, mounts }, fields: { ...one.fields, mounts: words(one.at, "volumesFrom") } };
}

function ingressOf(reading: Reading, sidecar: Container, around: EcsSurroundings): Ingress {
  const { exposure, requestTimeoutSeconds } = around;
  const target = ingressTarget(around, sidecar.name);
  if (requestTimeoutSeconds !== undefined) reading.place("ingress.requestTimeoutSeconds", requestTimeoutSeconds.at);
  return {
    container: target?.container ?? sidecar.name,
    port: target?.port ?? sidecar.listens[0]?.port ?? sidecar.ports[0] ?? 9090,
    exposure: exposure?.value ?? "internal",
    additionalPorts: [],
    allowInsecure: false,
    requestTimeoutSeconds: requestTimeoutSeconds?.value ?? DEFAULTS.requestTimeoutSeconds.ecs,
  };
}

/** The task's own amounts, shared out to containers that ask for nothing. `"0.5 vCPU"` and `"1 GB"` are taken as AWS takes them. */
function readTotal(
  reading: Reading,
  at: At,
  words: EcsWords,
  containers: readonly ReadContainer[],
): { containers: readonly ReadContainer[]; total: Resources; known: boolean } {
  const [cpu, memory] = [words(at, "cpu"), words(at, "memory")];
  reading.place("resources", cpu.given ? cpu : at);
  const units = amount(cpu, /^([\d.]+)\s*vcpu$/i, 1024);
  const mebi = amount(memory, /^([\d.]+)\s*gb$/i, 1024);
  if (units === null || mebi === null) {
    for (const [one, value] of [
      [cpu, units],
      [memory, mebi],
    ] as const) {
      if (value !== null) continue;
      if (one.given && !one.unresolved) reading.wrong(one, `${JSON.stringify(one.value)} is not an amount that ECS takes`);
      else
        reading.ask(
          ["CHIO-RESOURCES"],
          one,
          one.given ? "the amount is known only when it is deployed" : "Fargate needs the task's CPU and memory, which are not said here",
        );
    }
    return { containers, total: { cpuMilli: 0, memoryMiB: 0 }, known: false };
  }
  const total = { cpuMilli: (units * 1000) / 1024, memoryMiB: mebi };
  const shared = shareRest(
    containers.map(({ container }) => container),
    total,
  );
  return { containers: containers.map((one, index) => ({ ...one, container: shared[index] ?? one.container })), total, known: true };
}

function amount(at: At, other: RegExp, factor: number): number | null {
  const match = other.exec(at.text() ?? "");
  return match === null ? (at.number() ?? null) : Number(match[1]) * factor;
}

function readVolume(reading: Reading, at: At, words: EcsWords): ReadVolume {
  const name = words(at, "name").text() ?? "";
  const efs = words(at, "efsVolumeConfiguration");
  if (efs.given) {
    const authorization = words(efs, "authorizationConfig");
    const on = (one: At, code: string) => {
      if (one.unresolved) reading.ask([code], one, "the value is known only when it is deployed");
      return one.unresolved || one.text()?.toUpperCase() === "ENABLED";
    };
    return {
      at: efs,
      volume: {
        kind: "efs",
        name,
        fileSystemId: words(efs, "fileSystemId").text() ?? "",
        accessPointId: words(authorization, "accessPointId").text() ?? null,
        rootDirectory: words(efs, "rootDirectory").text() ?? null,
        transitEncryption: on(words(efs, "transitEncryption"), "CHIO-EFS"),
        iam: on(words(authorization, "iam"), "CHIO-EFS"),
      },
    };
  }
  const host = words(at, "host", "sourcePath");
  if (host.given) return { at, volume: { kind: "host", name, source: host.text() ?? "" } };
  const other = at.entries().find(([key, one]) => !/^(name|host)$/i.test(key) && one.given && one.flag() !== false);
  if (other !== undefined)
    reading.ask(["CHIO-VOLUMES", "CHIO-STORE-PLACE"], at, `volume ${name} is of the kind ${other[0]}, which this kit does not know`);
  return { at, volume: { kind: "empty", name, medium: "disk", sizeMiB: null } };
}

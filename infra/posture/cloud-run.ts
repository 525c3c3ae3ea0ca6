import { LIMITS } from "../topology/limits.ts";
import type { CloudRunSettings } from "../topology/settings.ts";
import type { Ingress } from "../topology/types.ts";
import { assemble } from "./assemble.ts";
import type { At } from "./at.ts";
import { readCloudRunContainer } from "./cloud-run-container.ts";
import { readCloudRunVolume } from "./cloud-run-volumes.ts";
import { type CloudRunWords, KNATIVE, V2 } from "./cloud-run-words.ts";
import { findSidecar } from "./find-sidecar.ts";
import { ANOTHER_CONTAINER, type ReadContainer, Reading } from "./reading.ts";
import { nameOf, type ServiceReader } from "./service-reader.ts";

/** A Cloud Run service in either of its two forms; also the inputs of Pulumi's `gcp.cloudrunv2.Service`. */
export const readCloudRun: ServiceReader = (at, { sidecar: sidecarName, origin, fallbackName }) => {
  const reading = new Reading();
  const words = at.get("spec", "template").given ? KNATIVE : V2;
  const name = nameOf(words.nameAt(at), words.name(at), fallbackName);
  const template = words.revision(at);
  const containersAt = template.get("containers");
  const idle = words.cpuIdle(at, reading);
  const aliases = words.secretAliases(at);
  const read = (list: At, runsFirst: boolean) =>
    reading.list(list, ANOTHER_CONTAINER).map((one) => ({ ...readCloudRunContainer(reading, one, words, { idle, aliases }), runsFirst }));
  // Cloud Run has no init containers; a rule says so.
  const containers = [...read(template.get("initContainers"), true), ...read(containersAt, false)];
  const found = findSidecar(reading, containers, sidecarName, `${origin}: ${name}`);
  if (found === null)
    return { kind: "unguarded", name, platform: "cloud-run", at, containers: containers.map(({ container }) => container.name) };
  const edges = words.edges(at, reading);
  const settings = readSettings(reading, at, words);
  const concurrency = reading.number("scaling.concurrency", words.concurrency(at), 80, ["CHIO-SCALING"]);
  const [min, max] = words.scaling(at);
  const requestTimeoutSeconds = words.timeout(at, reading);
  reading.place("ingress", found.fields.ports ?? found.at);
  reportUncheckedStart(reading, words.healthCheckDisabled(at));
  refuseUnknownFields(reading, template, containers);
  askAboutPlatform(
    reading,
    at,
    containers.map(({ at, container }) => ({ at, name: container.name })),
    found.container.name,
  );
  const graph = assemble(reading, {
    platform: "cloud-run",
    name,
    nameAt: words.nameAt(at),
    at,
    containers,
    containersAt,
    sidecar: found,
    edges: edges.edges,
    edgesAt: edges.at,
    startGate: { kind: "platform" },
    volumes: template
      .get("volumes")
      .items()
      .map((one) => readCloudRunVolume(reading, one, words, aliases)),
    architecture: "amd64",
    scaling: {
      minReplicas: reading.number("scaling.minReplicas", min, 0, ["CHIO-SCALING"]),
      maxReplicas: reading.number("scaling.maxReplicas", max, 100, ["CHIO-SCALING"]) || 100,
      concurrency: concurrency === 0 ? 80 : concurrency,
    },
    settings,
    total: null,
    resourcesUnknown: containers.some(({ container }) => container.resources.cpuMilli === 0 || container.resources.memoryMiB === 0),
    ingress: (sidecar, app): Ingress => {
      const open = [sidecar, ...(app === undefined ? [] : [app])].find((one) => one.ports.length > 0);
      const announced = containers.find(({ container }) => container.ports.length > 0)?.container;
      const target = open ?? announced;
      return {
        container: target?.name ?? sidecar.name,
        port: target?.ports[0] ?? 8080,
        exposure: settings.ingress === "all" ? "external" : "internal",
        additionalPorts: [],
        allowInsecure: false,
        requestTimeoutSeconds,
      };
    },
  });
  return { kind: "service", name, at, graph, reading };
};

function readSettings(reading: Reading, at: At, words: CloudRunWords): CloudRunSettings {
  const ingress = words.ingress(at);
  reading.place("settings.ingress", ingress);
  const text =
    ingress
      .text()
      ?.toLowerCase()
      .replace(/^ingress_traffic_/, "")
      .replaceAll("_", "-") ?? "all";
  return {
    project: null,
    region: null,
    serviceAccount: words.serviceAccount(at).text() ?? null,
    ingress:
      text === "internal" || text === "internal-only"
        ? "internal"
        : text.startsWith("internal-")
          ? "internal-and-cloud-load-balancing"
          : "all",
    executionEnvironment: /gen1/i.test(words.executionEnvironment(at).text() ?? "") ? "gen1" : "gen2",
    startupCpuBoost: false,
    launchStage: "GA",
    vpc: null,
    invokers: [],
    binaryAuthorization: null,
  };
}

/** Without its check a revision takes traffic whether the sidecar came up or not. */
function reportUncheckedStart(reading: Reading, at: At): void {
  if (reading.flag("", at, false, ["CHIO-FAIL-OPEN"]))
    reading.breach("CHIO-FAIL-OPEN", at, "health checks are off while the revision is deployed", "leave it out, or set it to false");
}

/** Fields of Kubernetes that somebody may rely on, and that Cloud Run leaves out without a word. */
function refuseUnknownFields(reading: Reading, template: At, containers: readonly ReadContainer[]): void {
  const missing = (at: At, who: string, what: string) => {
    if (at.given) reading.breach("CHIO-PLATFORM-FIELD", at, `${who} has ${what}, which cloud-run does not know`);
  };
  missing(template.get("terminationGracePeriodSeconds"), "the revision", "a termination grace");
  missing(template.get("securityContext"), "the revision", "a security context");
  for (const { at, container } of containers) {
    missing(at.get("securityContext"), container.name, "a security context");
    missing(at.get("lifecycle"), container.name, "a lifecycle hook");
  }
}

function askAboutPlatform(reading: Reading, at: At, containers: readonly { at: At; name: string }[], sidecar: string): void {
  for (const { at: where, name } of containers) {
    reading.ask(
      ["CHIO-ROOT-USER", ...(name === sidecar ? [] : ["CHIO-IMAGE-USER"])],
      where,
      `which user ${name} runs as: Cloud Run has no field for it, the image's USER holds`,
    );
    reading.ask(["CHIO-WRITABLE-ROOT"], where, `what ${name} can write: Cloud Run has no read-only root; look at the image's file owners`);
  }
  reading.ask(["CHIO-ARCHITECTURE"], at, `the images' architecture; Cloud Run runs ${LIMITS["cloud-run"].architectures.join(" and ")}`);
}

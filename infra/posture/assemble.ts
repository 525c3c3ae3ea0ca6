import { DEFAULTS } from "../topology/defaults.ts";
import { deferred, isDeferred } from "../topology/deferred.ts";
import { sum } from "../topology/define/resources.ts";
import { imagePin } from "../topology/image.ts";
import { type ResourceOptions, smallestLegalResources } from "../topology/resources.ts";
import type { SecretRef } from "../topology/secret-ref.ts";
import type { SettingsOf } from "../topology/settings.ts";
import type {
  Architecture,
  Container,
  ContainerRole,
  Ingress,
  Platform,
  Resources,
  Scaling,
  SecretBinding,
  SecretPurpose,
  SidecarMode,
  StartGate,
  TopologyFor,
} from "../topology/types.ts";
import type { At } from "./at.ts";
import { readConfig } from "./config-delivery.ts";
import type { ReadContainer, ReadEdge, Reading, ReadVolume } from "./reading.ts";
import { readMode, readPolicySource, readReceipts, SidecarWords } from "./sidecar-config.ts";

/** One platform's share of a service. Everything else is the same for all. */
export interface ServiceParts<P extends Platform> {
  readonly platform: P;
  readonly name: string;
  readonly nameAt: At;
  readonly at: At;
  readonly containers: readonly ReadContainer[];
  readonly containersAt: At;
  readonly sidecar: ReadContainer;
  readonly edges: readonly ReadEdge[];
  readonly edgesAt: At;
  readonly startGate: StartGate;
  readonly volumes: readonly ReadVolume[];
  readonly architecture: Architecture;
  readonly scaling: Scaling;
  readonly settings: SettingsOf[P];
  readonly resourceOptions?: ResourceOptions;
  /** Null: the platform takes the sum of the containers. */
  readonly total: Resources | null;
  /** Some amount is not known: none is judged. */
  readonly resourcesUnknown: boolean;
  readonly ingress: (sidecar: Container, app: Container | undefined) => Ingress;
}

/** The graph of a service that was read, with the place of each of its values. */
export function assemble<P extends Platform>(reading: Reading, parts: ServiceParts<P>): TopologyFor<P> {
  const { platform, sidecar: found } = parts;
  reading.place("", parts.at);
  reading.place("name", parts.nameAt);
  const words = new SidecarWords(found);
  const mode = readMode(words, found.container.args, reading);
  const given = parts.containers.map((one) => ({ read: one, container: withRole(one, roleOf(one, parts, mode), parts, mode) }));
  const containers = parts.resourcesUnknown ? neutralResources(platform, given) : given;
  const all = containers.map(({ container }) => container);
  const [sidecar = found.container, app] = [all.find(({ role }) => role === "sidecar"), all.find(({ role }) => role === "app")];
  placeContainers(reading, parts, containers);
  placeVolumes(reading, parts);
  askAboutContainers(reading, containers);
  const volumes = parts.volumes.map(({ volume }) => volume);
  const asked = sum(platform, all);
  const legal = smallestLegalResources(platform, asked, parts.resourceOptions);
  return {
    kind: "platform-topology",
    platform,
    name: parts.name,
    mode,
    architecture: parts.architecture,
    containers: all,
    startOrder: parts.edges.map(({ container, dependsOn, condition }) => ({ container, dependsOn, condition })),
    startGate: parts.startGate,
    volumes,
    ingress: parts.ingress(sidecar, app),
    scaling: parts.scaling,
    resources: parts.resourcesUnknown ? (legal ?? asked) : (parts.total ?? asked),
    policySource: mode.kind === "mcp-serve-http" ? null : readPolicySource(words, reading),
    receipts: readReceipts(words, sidecar, volumes, reading),
    config: readConfig(words, sidecar, volumes, platform, reading),
    settings: parts.settings,
    adjustments: [],
    accept: [],
  };
}

/** The app is what the sidecar forwards to; where that cannot be told, the first container beside it. */
function roleOf<P extends Platform>(one: ReadContainer, { sidecar, containers }: ServiceParts<P>, mode: SidecarMode): ContainerRole {
  if (one === sidecar) return "sidecar";
  if (one.runsFirst) return "init";
  const beside = containers.filter((other) => other !== sidecar && !other.runsFirst);
  const port = mode.kind === "api-protect" && URL.canParse(mode.upstream) ? Number(new URL(mode.upstream).port) : 0;
  const app =
    beside.find((other) => other.seenPorts.includes(port)) ??
    beside.find(({ container }) => container.name === DEFAULTS.app.name) ??
    beside.find(({ container }) => container.env.CHIO_SIDECAR_URL !== undefined) ??
    beside[0];
  return one === app ? "app" : "auxiliary";
}

const PURPOSES: Readonly<Record<string, SecretPurpose>> = {
  CHIO_SIGNING_KEY: "signing-key",
  CHIO_SIGNING_KEY_FILE: "signing-key",
  CHIO_CAPABILITY_AUTHORITY_URL: "authority-url",
  CHIO_SIDECAR_CONTROL_TOKEN: "control-token",
  CHIO_API_PROTECT_CONTROL_TOKEN: "control-token",
};
/** Stands for a secret of which a rule about plain values tells already. */
const WRITTEN_DOWN: { readonly [P in Platform]: SecretRef } = {
  ecs: {
    kind: "aws-secrets-manager",
    arn: "arn:aws:secretsmanager:::secret:written-down",
    field: null,
    versionStage: null,
    versionId: null,
  },
  "cloud-run": { kind: "gcp-secret-manager", project: null, secret: "written-down", version: "1" },
  aca: { kind: "azure-key-vault", uri: deferred("written-down") },
  local: { kind: "file", path: "written-down" },
};

function withRole<P extends Platform>(read: ReadContainer, role: ContainerRole, parts: ServiceParts<P>, mode: SidecarMode): Container {
  const container: Container = { ...read.container, role };
  if (role !== "sidecar")
    return role === "app" || role === "auxiliary" ? { ...container, listens: listens(read, parts, mode, role) } : container;
  const words = new SidecarWords(read);
  const address = words.get("--listen", "CHIO_LISTEN_ADDR");
  const port = Number(address?.slice(address.lastIndexOf(":") + 1));
  const host = address?.slice(0, address.lastIndexOf(":")) ?? DEFAULTS.sidecar.bind;
  const listened = Number.isInteger(port) ? [{ host, port }] : container.ports[0] === undefined ? [] : [{ host, port: container.ports[0] }];
  const secrets = container.secrets.map((one): SecretBinding => ({ ...one, purpose: PURPOSES[one.target.env ?? ""] ?? one.purpose }));
  const plain = container.env.CHIO_SIGNING_KEY !== undefined && !secrets.some(({ purpose }) => purpose === "signing-key");
  return {
    ...container,
    env: settled(container.env, words),
    listens: listened,
    ports: parts.platform === "aca" ? portWithoutField(read, listened[0]?.port) : container.ports,
    secrets: [...secrets, ...keyFile(words, container, parts), ...(plain ? [placeholder(parts.platform)] : [])],
  };
}

/** Azure announces no ports: it is the one that is listened on, unless every probe asks another. */
function portWithoutField({ seenPorts }: ReadContainer, listened: number | undefined): number[] {
  const port = listened !== undefined && seenPorts.includes(listened) ? listened : (seenPorts[0] ?? listened);
  return port === undefined ? [] : [port];
}

/** Rules read the variables; a flag says the same and wins. What is not known yet is judged by no rule. */
function settled(env: Readonly<Record<string, string>>, words: SidecarWords): Record<string, string> {
  const drain = words.get("--shutdown-drain-ms", "CHIO_SHUTDOWN_DRAIN_MS");
  const health = words.get("--health-path", "CHIO_HEALTH_PATH");
  return {
    ...env,
    ...(drain === undefined ? {} : { CHIO_SHUTDOWN_DRAIN_MS: isDeferred(drain) ? "0" : drain }),
    ...(health === undefined || isDeferred(health) ? {} : { CHIO_HEALTH_PATH: health }),
  };
}

function keyFile<P extends Platform>(words: SidecarWords, container: Container, { volumes }: ServiceParts<P>): SecretBinding[] {
  const path = words.get("--signing-key-file", "CHIO_SIGNING_KEY_FILE") ?? words.get("--authority-seed-file");
  if (path === undefined) return [];
  for (const mount of container.mounts) {
    const volume = volumes.find((one) => one.volume.name === mount.volume)?.volume;
    const file = volume?.kind === "secret" ? volume.files?.find((one) => `${mount.path}/${one.path}` === path) : undefined;
    if (file !== undefined)
      return [
        { name: file.secretName, purpose: "signing-key", target: { kind: "file", path, env: "CHIO_SIGNING_KEY_FILE" }, ref: file.ref },
      ];
  }
  return [];
}

function placeholder(platform: Platform): SecretBinding {
  return { name: "written-down", purpose: "signing-key", target: { kind: "env", env: "" }, ref: WRITTEN_DOWN[platform] };
}

/** Which address the process binds is in no document; which ports, only where something is sent there. */
function listens<P extends Platform>(read: ReadContainer, { sidecar }: ServiceParts<P>, mode: SidecarMode, role: ContainerRole) {
  const own = sidecar.container.ports;
  const seen = [...new Set(read.seenPorts)].filter((port) => !own.includes(port));
  const upstream = mode.kind === "api-protect" && URL.canParse(mode.upstream) ? new URL(mode.upstream) : null;
  const expected = upstream === null ? DEFAULTS.app.port : Number(upstream.port || 80);
  const ports =
    role === "app" && (seen.length === 0 || seen.includes(expected)) && !own.includes(expected) ? [...new Set([expected, ...seen])] : seen;
  return ports.map((port) => ({ host: DEFAULTS.app.bind, port }));
}

interface Placed {
  readonly read: ReadContainer;
  readonly container: Container;
}

/** Amounts that no rule objects to, where one of them is not known. */
function neutralResources(platform: Platform, containers: readonly Placed[]): Placed[] {
  const share =
    platform === "ecs"
      ? { cpuMilli: 62.5, memoryMiB: 64 }
      : {
          cpuMilli: containers.length === 1 ? 1000 : platform === "aca" ? 250 : 500,
          memoryMiB: platform === "aca" && containers.length === 1 ? 2048 : 512,
        };
  return containers.map(({ read, container }) => ({ read, container: { ...container, resources: share } }));
}

function placeContainers<P extends Platform>(reading: Reading, parts: ServiceParts<P>, containers: readonly Placed[]): void {
  reading.place("containers", parts.containersAt);
  if (parts.total === null) reading.place("resources", parts.containersAt);
  reading.place("startOrder", parts.edgesAt);
  for (const [index, { at }] of parts.edges.entries()) reading.place(`startOrder[${index}]`, at);
  for (const [index, { read, container }] of containers.entries()) {
    for (const prefix of [`containers.${container.name}`, `containers[${index}]`]) {
      reading.place(prefix, read.at);
      for (const [field, at] of Object.entries(read.fields)) reading.place(`${prefix}.${field}`, at);
    }
  }
}

function placeVolumes<P extends Platform>(reading: Reading, parts: ServiceParts<P>): void {
  for (const [index, { at, volume }] of parts.volumes.entries()) {
    reading.place(`volumes[${index}]`, at);
    reading.place(`volumes.${volume.name}`, at);
  }
}

function askAboutContainers(reading: Reading, containers: readonly Placed[]): void {
  for (const { read, container } of containers) {
    const { name, role, image } = container;
    if (role === "app" || role === "auxiliary")
      reading.ask(
        ["CHIO-APP-BIND", "CHIO-PORT-CLASH"],
        read.at,
        `which address and ports ${name} binds; on anything but loopback it is reached past the sidecar where the network allows it`,
      );
    if (imagePin(image) === "unknown")
      reading.ask(["CHIO-IMAGE-UNPINNED"], read.fields.image ?? read.at, `the image of ${name} is known only when it is deployed`);
  }
}

import { posix } from "node:path";
import { type Container, isDeferred, LIMITS, type PlatformTopology, type Volume } from "../../topology/index.ts";
import type { TarEntry } from "../engine/tar.ts";
import type { Hardening, StartTopologyOptions } from "../types.ts";
import type { ImageFacts } from "./images.ts";
import type { Materials } from "./materials.ts";

/** A Docker volume of one replica. */
export interface VolumePlan {
  /** Short name, unique in the replica. */
  readonly name: string;
  /** Held in memory: it ends with the replica. Null: on the engine's disk. */
  readonly memory: { readonly sizeMiB: number | null; readonly mode: string } | null;
  /** Laid into it before any container starts. Paths are relative to it; the empty path is the volume itself. */
  readonly entries: readonly TarEntry[];
}

export interface MountPlan {
  readonly volume: string;
  readonly path: string;
  readonly readOnly: boolean;
  /** The image's content and ownership at that path go into the empty volume. */
  readonly copyUp: boolean;
  /** Holds a secret: no one-off program gets it. */
  readonly secret: boolean;
}

export interface ContainerPlan {
  readonly model: Container;
  readonly image: ImageFacts;
  readonly args: readonly string[] | null;
  readonly env: Readonly<Record<string, string>>;
  /** Values of secrets. Never logged, and given to this container alone. */
  readonly secretEnv: Readonly<Record<string, string>>;
  readonly mounts: readonly MountPlan[];
  readonly tmpfs: readonly { readonly path: string; readonly options: string }[];
  readonly user: string | null;
  readonly readOnlyRoot: boolean;
  readonly capabilities: Container["capabilities"] | null;
  readonly initProcess: boolean;
  /** Thousandths of a core that it may use. */
  readonly cpuMilli: number;
  /** More for the start, where the platform gives it. */
  readonly startCpuMilli: number;
}

export interface ReplicaPlan {
  readonly volumes: readonly VolumePlan[];
  readonly containers: readonly ContainerPlan[];
  /** What differs from the model because this machine is no cloud, one sentence each. */
  readonly notes: readonly { readonly container: string; readonly text: string }[];
}

export interface PlanInput {
  readonly graph: PlatformTopology;
  readonly images: ReadonlyMap<string, ImageFacts>;
  readonly materials: Materials;
  readonly env: StartTopologyOptions["env"];
  readonly hardening: Hardening;
}

/** Everything that a replica is made of, before Docker is asked for any of it. The same for every replica of a version. */
export function planReplica(input: PlanInput): ReplicaPlan {
  const { graph } = input;
  const volumes = new Map(graph.volumes.map((volume) => [volume.name, planVolume(graph, volume, input.materials)]));
  const notes: { container: string; text: string }[] = [];
  const containers = graph.containers.map((model) => {
    const files = contentOf(model, graph, input.materials);
    for (const volume of files.volumes) volumes.set(volume.name, volume);
    return planContainer(model, files.mounts, input, (text) => notes.push({ container: model.name, text }));
  });
  return { volumes: [...volumes.values()], containers, notes };
}

const READABLE = 0o444;

function planVolume(graph: PlatformTopology, volume: Volume, materials: Materials): VolumePlan {
  if (volume.kind !== "empty") {
    return {
      name: volume.name,
      memory: { sizeMiB: null, mode: "0755" },
      entries: fileEntries(materials.volumes.get(volume.name) ?? new Map()),
    };
  }
  // Kubernetes makes an empty volume writable for everybody, and what Cloud Run documents of its own fits that; on Fargate and Docker it is root's.
  const everybody = graph.platform === "aca" || graph.platform === "cloud-run";
  if (volume.medium === "memory")
    return { name: volume.name, memory: { sizeMiB: volume.sizeMiB, mode: everybody ? "0777" : "0755" }, entries: [] };
  return { name: volume.name, memory: null, entries: everybody ? [{ path: "", content: null, mode: 0o777, uid: 0, gid: 0 }] : [] };
}

/** Root's, and readable for everybody, as the clouds mount their files. */
function fileEntries(files: ReadonlyMap<string, Uint8Array>, mode = READABLE, uid = 0, gid = 0): TarEntry[] {
  const directories = new Set<string>();
  for (const path of files.keys())
    for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1)) directories.add(path.slice(0, at + 1));
  return [
    ...[...directories].sort().map((path) => ({ path, content: null, mode: 0o755, uid: 0, gid: 0 })),
    ...[...files].map(([path, content]) => ({ path, content, mode, uid, gid })),
  ];
}

/** Volumes for the files that the model puts into a container one by one: secrets as files, and configuration that no mount of the model holds. */
function contentOf(model: Container, graph: PlatformTopology, materials: Materials): { volumes: VolumePlan[]; mounts: MountPlan[] } {
  const [uid = 0, gid = uid] = (model.user ?? "0").split(":").map(Number);
  const groups = new Map<string, { secret: boolean; entries: TarEntry[] }>();
  const add = (path: string, content: Uint8Array, secret: boolean) => {
    const directory = posix.dirname(path);
    const group = groups.get(directory) ?? { secret: false, entries: [] };
    const file = new Map([[posix.basename(path), content]]);
    group.entries.push(...(secret ? fileEntries(file, 0o400, uid, gid) : fileEntries(file)));
    groups.set(directory, { secret: group.secret || secret, entries: group.entries });
  };
  if (model.role === "sidecar") for (const [path, content] of materials.files) add(path, content, false);
  for (const { name, target } of model.secrets) {
    if (target.kind === "file") add(target.path, Buffer.from(materials.secrets.get(name) ?? ""), true);
  }
  const taken = new Set(graph.volumes.map((volume) => volume.name));
  const volumes: VolumePlan[] = [];
  const mounts: MountPlan[] = [];
  for (const [path, { secret, entries }] of groups) {
    const name = `${model.name}-files-${volumes.length}`;
    if (taken.has(name)) throw new RangeError(`volume name ${name} is taken`);
    volumes.push({ name, memory: { sizeMiB: null, mode: "0755" }, entries });
    mounts.push({ volume: name, path, readOnly: true, copyUp: false, secret });
  }
  return { volumes, mounts };
}

function planContainer(model: Container, extra: readonly MountPlan[], input: PlanInput, note: (text: string) => void): ContainerPlan {
  const { graph, materials, hardening } = input;
  const image = input.images.get(model.name);
  if (image === undefined) throw new RangeError(`no image for container ${model.name}`);
  const { fields } = LIMITS[graph.platform];
  const has = (field: keyof typeof fields) => hardening === "model" || fields[field];
  const readOnlyRoot = has("readOnlyRoot") && model.readOnlyRoot;
  if (!fields.user && model.user !== null && uidOf(image.user) !== uidOf(model.user)) {
    const there = image.user === "" ? "no USER, which is root" : `USER ${image.user}`;
    note(`its image has ${there}, and the platform would run it so; the model says ${model.user}`);
  }
  const cpuMilli = graph.platform === "ecs" ? graph.resources.cpuMilli : model.resources.cpuMilli;
  const boost = graph.platform === "cloud-run" && graph.settings.startupCpuBoost;
  return {
    model,
    image,
    args: model.args?.map((arg) => materials.replacements.get(arg) ?? arg) ?? null,
    env: environment(model, input, note),
    secretEnv: Object.fromEntries(
      model.secrets.flatMap(({ name, target }) =>
        target.kind === "env" ? [[target.env, (materials.secrets.get(name) ?? "").replace(/\r?\n$/, "")]] : [],
      ),
    ),
    mounts: [...model.mounts.map((mount) => planMount(graph, mount, image)), ...extra],
    tmpfs: [
      ...model.tmpfs.map(({ path, sizeMiB }) => ({ path, options: `rw,size=${sizeMiB}m,mode=1777` })),
      // The platform's root can be written, so that every app has its /tmp there; the model has no field to say so.
      ...(readOnlyRoot && !fields.tmpfs && model.role !== "sidecar" ? [{ path: "/tmp", options: "rw,mode=1777" }] : []),
    ],
    user: has("user") ? model.user : null,
    readOnlyRoot,
    capabilities: has("capabilities") ? model.capabilities : null,
    initProcess: graph.platform === "ecs" || graph.platform === "local" ? model.initProcess : false,
    cpuMilli,
    startCpuMilli: boost ? boosted(cpuMilli) : cpuMilli,
  };
}

const uidOf = (user: string) => user.split(":")[0];

/** Cloud Run's startup boost: two cores for up to one, else twice as many, up to eight. */
function boosted(cpuMilli: number): number {
  return cpuMilli <= 1000 ? 2000 : Math.min(cpuMilli * 2, 8000);
}

function planMount(graph: PlatformTopology, mount: Container["mounts"][number], image: ImageFacts): MountPlan {
  const volume = graph.volumes.find((one) => one.name === mount.volume);
  const empty = volume?.kind === "empty";
  // On Fargate an empty volume is root's, unless the image declares the path as a volume of its own; Docker always copies; the others never do.
  const copyUp = empty && (graph.platform === "local" || (graph.platform === "ecs" && image.volumes.includes(mount.path)));
  return { volume: mount.volume, path: mount.path, readOnly: mount.readOnly || !empty, copyUp, secret: volume?.kind === "secret" };
}

function environment(model: Container, input: PlanInput, note: (text: string) => void): Record<string, string> {
  const { graph, materials } = input;
  const given = input.env?.[model.name] ?? {};
  const env: Record<string, string> = { ...platformVariables(graph, model) };
  for (const [name, value] of Object.entries(model.env)) {
    if (given[name] !== undefined) continue;
    const replaced = model.role === "sidecar" ? materials.replacements.get(value) : undefined;
    if (replaced !== undefined) note(`${name} is a file of this machine in place of ${value}`);
    if (isDeferred(value)) note(`${name} is left out: its value is known only when the topology is deployed`);
    else env[name] = replaced ?? value;
  }
  for (const { target } of model.secrets) if (target.kind === "file" && target.env !== null) env[target.env] = target.path;
  for (const [name, value] of Object.entries(given)) {
    // The name alone: what is given here in a cloud's place may be a token.
    note(`${name} is ${model.env[name] === undefined ? "set" : "set otherwise"} for this machine`);
    env[name] = value;
  }
  return env;
}

/** What the platform itself tells every container. */
function platformVariables(graph: PlatformTopology, model: Container): Record<string, string> {
  switch (graph.platform) {
    case "cloud-run":
      return {
        K_SERVICE: graph.name,
        K_REVISION: `${graph.name}-local`,
        K_CONFIGURATION: graph.name,
        ...(model.name === graph.ingress.container ? { PORT: String(graph.ingress.port) } : {}),
      };
    case "aca":
      return {
        CONTAINER_APP_NAME: graph.name,
        CONTAINER_APP_REVISION: `${graph.name}--local`,
        CONTAINER_APP_PORT: String(graph.ingress.port),
      };
    case "ecs":
    case "local":
      return {};
  }
}

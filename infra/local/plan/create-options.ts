import type { CreateOptions, HostConfig } from "../engine/docker.ts";
import type { ContainerPlan, MountPlan, VolumePlan } from "./replica-plan.ts";

/** Docker counts CPU time per this many microseconds. */
const CPU_PERIOD = 100_000;
/** The least that Docker takes. */
const LEAST_QUOTA = 1_000;

export const cpuQuota = (cpuMilli: number) => ({ CpuPeriod: CPU_PERIOD, CpuQuota: Math.max(LEAST_QUOTA, (cpuMilli * CPU_PERIOD) / 1000) });

export interface Placement {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Docker network mode: the owner's namespace, or `none`. */
  readonly network: string;
  /** Docker's name of a volume of the plan. */
  readonly volumeName: (volume: string) => string;
}

/** A container of the model as Docker is asked for it. */
export function containerOptions(plan: ContainerPlan, place: Placement): CreateOptions {
  const { model } = plan;
  return {
    name: place.name,
    ...common(plan, place, plan.mounts),
    ...(model.entrypoint === null ? {} : { Entrypoint: [...model.entrypoint] }),
    ...(plan.args === null ? {} : { Cmd: [...plan.args] }),
    Env: Object.entries({ ...plan.env, ...plan.secretEnv }).map(([name, value]) => `${name}=${value}`),
    // What decides is the platform's probe; an image's own HEALTHCHECK is ignored on all of them.
    Healthcheck: { Test: ["NONE"] },
  };
}

/** The same image for a one-off program: no network, no secret, nothing that the app itself would be told. */
export function oneOffOptions(
  plan: ContainerPlan,
  place: Placement,
  command: readonly string[],
  entrypoint: readonly string[] | null,
): CreateOptions {
  return {
    ...common(
      plan,
      { ...place, network: "none" },
      plan.mounts.filter((mount) => !mount.secret),
    ),
    ...(entrypoint === null ? {} : { Entrypoint: [...entrypoint] }),
    Cmd: [...command],
    Healthcheck: { Test: ["NONE"] },
  };
}

function common(plan: ContainerPlan, place: Placement, mounts: readonly MountPlan[]): CreateOptions {
  const { model } = plan;
  const memory = model.resources.memoryMiB * 1024 * 1024;
  const host: HostConfig = {
    NetworkMode: place.network,
    ReadonlyRootfs: plan.readOnlyRoot,
    SecurityOpt: ["no-new-privileges"],
    ...(plan.capabilities === null ? {} : { CapDrop: [...plan.capabilities.drop], CapAdd: [...plan.capabilities.add] }),
    ...(plan.initProcess ? { Init: true } : {}),
    ...cpuQuota(plan.startCpuMilli),
    CpuShares: Math.max(2, Math.round(model.resources.cpuMilli * 1.024)),
    Memory: memory,
    MemorySwap: memory,
    Mounts: mounts.map((mount) => ({
      Type: "volume",
      Source: place.volumeName(mount.volume),
      Target: mount.path,
      ReadOnly: mount.readOnly,
      VolumeOptions: { NoCopy: !mount.copyUp, Labels: {}, DriverConfig: { Name: "local", Options: {} } },
    })),
    Tmpfs: Object.fromEntries(plan.tmpfs.map(({ path, options }) => [path, options])),
    RestartPolicy: { Name: "no" },
    LogConfig: { Type: "json-file", Config: { "max-size": "20m", "max-file": "1" } },
  };
  return {
    Image: plan.image.reference,
    Labels: { ...place.labels },
    ...(plan.user === null ? {} : { User: plan.user }),
    ...(model.workingDirectory === null ? {} : { WorkingDir: model.workingDirectory }),
    HostConfig: host,
  };
}

/** Options of a volume that Docker's local driver takes. */
export function volumeOptions(plan: VolumePlan, name: string, labels: Readonly<Record<string, string>>) {
  const { memory } = plan;
  if (memory === null) return { Name: name, Labels: { ...labels } };
  const size = memory.sizeMiB === null ? "" : `size=${memory.sizeMiB}m,`;
  return {
    Name: name,
    Labels: { ...labels },
    Driver: "local",
    DriverOpts: { type: "tmpfs", device: "tmpfs", o: `${size}mode=${memory.mode}` },
  };
}

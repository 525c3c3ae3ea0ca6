import { hostname } from "node:os";
import { connect, type Docker, type DockerContainer, unlessGone } from "./docker.ts";
import { OWNER_LABEL, RUN_LABEL } from "./labels.ts";

export interface CleanUpOptions {
  /** Also what belongs to processes that still run, on this machine or another. @default false */
  readonly all?: boolean;
  /** Only what carries these labels as well. */
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * Removes the containers, volumes and networks of local runs whose process is gone. Returns their names. A run removes its own in every ordinary
 * end; what is left for this are ends that nothing survives, such as a power cut.
 */
export async function cleanUp(options: CleanUpOptions = {}): Promise<string[]> {
  const { docker } = await connect();
  const wanted = [RUN_LABEL, ...Object.entries(options.labels ?? {}).map(([name, value]) => `${name}=${value}`)];
  return await removeAll(docker, wanted, (labels) => options.all === true || !ownerLives(labels[OWNER_LABEL] ?? ""));
}

/** Removes what one run has made. Safe to repeat. Returns the names. */
export async function removeRun(docker: Docker, run: string): Promise<string[]> {
  return await removeAll(docker, [`${RUN_LABEL}=${run}`], () => true);
}

async function removeAll(
  docker: Docker,
  label: string[],
  wanted: (labels: Readonly<Record<string, string>>) => boolean,
): Promise<string[]> {
  const filters = { label };
  const containers = (await docker.listContainers({ all: true, filters })).filter(({ Labels }) => wanted(Labels));
  await Promise.all(containers.map(({ Id, State }) => removeContainer(docker.getContainer(Id), State)));
  // A removal that somebody else has begun counts as gone, and may still hold the volume.
  await gone(docker, filters, wanted);
  const volumes = ((await docker.listVolumes({ filters })).Volumes ?? []).filter(({ Labels }) => wanted(Labels));
  const networks = (await docker.listNetworks({ filters })).filter(({ Labels }) => wanted(Labels ?? {}));
  await Promise.all([
    ...volumes.map(({ Name }) => unlessGone(docker.getVolume(Name).remove())),
    ...networks.map(({ Id }) => unlessGone(docker.getNetwork(Id).remove())),
  ]);
  return [
    ...containers.map(({ Names, Id }) => (Names[0] ?? Id).replace(/^\//, "")),
    ...volumes.map(({ Name }) => Name),
    ...networks.map(({ Name }) => Name),
  ];
}

/** Running or not. A container that stands still does not even take SIGKILL: some engines wait for it for ever. */
export async function removeContainer(container: DockerContainer, state?: string): Promise<void> {
  if (state === undefined || state === "paused") await container.unpause().catch(() => {});
  await unlessGone(container.remove({ force: true, v: true }));
}

async function gone(docker: Docker, filters: { label: string[] }, wanted: (labels: Readonly<Record<string, string>>) => boolean) {
  for (let turn = 0; turn < 200; turn++) {
    const left = (await docker.listContainers({ all: true, filters })).filter(({ Labels }) => wanted(Labels));
    if (left.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function ownerLives(owner: string): boolean {
  const cut = owner.lastIndexOf("/");
  // Another machine's process cannot be seen from here: its run is left alone.
  if (owner.slice(0, cut) !== hostname()) return true;
  try {
    process.kill(Number(owner.slice(cut + 1)), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

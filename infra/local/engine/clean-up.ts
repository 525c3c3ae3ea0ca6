import { type Docker, type DockerContainer, unlessGone } from "./docker.ts";
import { RUN_LABEL } from "./labels.ts";

/** Removes what one run has made. Safe to repeat. Returns the names. */
export async function removeRun(docker: Docker, run: string): Promise<string[]> {
  return await removeAll(docker, [`${RUN_LABEL}=${run}`], () => true);
}

/** Removes what these runs have made: first all their containers, which may be on each other's networks. Safe to repeat. Returns the names. */
export async function removeRuns(docker: Docker, runs: ReadonlySet<string>): Promise<string[]> {
  return await removeAll(docker, [RUN_LABEL], (labels) => runs.has(labels[RUN_LABEL] ?? ""));
}

/** Removes what carries all the labels, and is wanted by those that it has. Returns the names. */
export async function removeAll(
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

import type { getContainerRuntimeClient } from "testcontainers";

type Docker = Awaited<ReturnType<typeof getContainerRuntimeClient>>["container"]["dockerode"];
export type CreateOptions = Parameters<Docker["createContainer"]>[0];

/** On every container, volume and network that a test makes; its value is the run, so that two runs on one engine leave each other alone. */
export const LABEL = "dev.chio-kit.test";

/** Set once by the global setup, inherited by the workers. */
export function runId(): string {
  const id = process.env.CHIO_TEST_RUN;
  if (id === undefined) throw new Error("CHIO_TEST_RUN is not set: the global setup has not run");
  return id;
}

/** Removes every container, volume and network of this run. Returns their names. */
export async function removeLabelled(docker: Docker): Promise<string[]> {
  const filters = { label: [`${LABEL}=${runId()}`] };
  const containers = await docker.listContainers({ all: true, filters });
  for (const { Id } of containers) {
    await docker.getContainer(Id).remove({ force: true, v: true }).catch(ignoreGone);
  }
  const { Volumes } = await docker.listVolumes({ filters });
  for (const { Name } of Volumes ?? []) await docker.getVolume(Name).remove().catch(ignoreGone);
  const networks = await docker.listNetworks({ filters });
  for (const { Id } of networks) await docker.getNetwork(Id).remove().catch(ignoreGone);
  return [
    ...containers.map(({ Names, Id }) => Names[0] ?? Id),
    ...(Volumes ?? []).map(({ Name }) => Name),
    ...networks.map(({ Name }) => Name),
  ];
}

function ignoreGone(error: unknown): void {
  if ((error as { statusCode?: number }).statusCode !== 404) throw error;
}

import type { ContainerRuntimeClient } from "testcontainers";
import { LocalRunError } from "../errors.ts";

export type Docker = ContainerRuntimeClient["container"]["dockerode"];
export type CreateOptions = Parameters<Docker["createContainer"]>[0];
export type HostConfig = NonNullable<CreateOptions["HostConfig"]>;
export type DockerContainer = ReturnType<Docker["getContainer"]>;

/** The engine as testcontainers finds it: Docker Desktop, Colima, Podman, DOCKER_HOST, a rootless or a system socket. */
export interface Engine {
  readonly docker: Docker;
  /** Where its published ports are reached. */
  readonly host: string;
}

/** Throws `LocalRunError` `docker_unavailable`. */
export async function connect(): Promise<Engine> {
  const { getContainerRuntimeClient } = await import("testcontainers").catch((cause: unknown) => {
    throw new LocalRunError("docker_unavailable", "the package testcontainers, which finds the Docker engine, is not installed", {
      fix: "npm install --save-dev testcontainers",
      cause,
    });
  });
  try {
    const client = await getContainerRuntimeClient();
    const docker = client.container.dockerode;
    await docker.ping();
    const { host } = client.info.containerRuntime;
    // A name that may mean ::1 as well, where nothing is published.
    return { docker, host: host === "localhost" ? "127.0.0.1" : host };
  } catch (cause) {
    throw new LocalRunError("docker_unavailable", `no Docker engine answers: ${reason(cause)}`, {
      fix: "start Docker (on Linux `sudo systemctl start docker`, else Docker Desktop or Colima), or set DOCKER_HOST to where it listens",
      cause,
    });
  }
}

/** HTTP status of a refusal by the engine; null for anything else. */
export function refusal(error: unknown): number | null {
  const status = (error as { statusCode?: unknown }).statusCode;
  return typeof status === "number" ? status : null;
}

/** The engine's own words, without dockerode's frame around them. */
export function reason(error: unknown): string {
  const { json, message } = error as { json?: { message?: string }; message?: string };
  return (json?.message ?? message ?? String(error)).trim();
}

/** Does it, and wraps a refusal as `LocalRunError` `docker_failed`. */
export async function asked<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof LocalRunError) throw error;
    throw new LocalRunError("docker_failed", `${what}: ${reason(error)}`, {
      fix: "see the engine's own message; `docker info` shows its state",
      cause: error,
    });
  }
}

/** Ends quietly where the thing is gone, or its end is under way. */
export async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const status = refusal(error);
    if (status !== 404 && status !== 304 && status !== 409) throw error;
  }
}

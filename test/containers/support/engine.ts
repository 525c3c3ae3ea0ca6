import { randomBytes } from "node:crypto";
import { getContainerRuntimeClient } from "testcontainers";
import { afterEach } from "vitest";
import { textOf } from "../../../infra/local/engine/exec.ts";
import { type CreateOptions, LABEL, removeLabelled, runId } from "./labels.ts";

/** The engine's API, as testcontainers found the engine. */
export const engine = async () => (await getContainerRuntimeClient()).container.dockerode;

/** Hardening that every platform can give: what the images must run under. */
export const HARDENED = { ReadonlyRootfs: true, CapDrop: ["ALL"], SecurityOpt: ["no-new-privileges"] } as const;

export const labels = () => ({ [LABEL]: runId() });

/** A named volume of this run. Removed after the test. */
export async function createVolume(): Promise<string> {
  const docker = await engine();
  const name = `chio-test-${randomBytes(6).toString("hex")}`;
  await docker.createVolume({ Name: name, Labels: labels() });
  return name;
}

export interface Ended {
  code: number;
  output: string;
}

export interface RunOptions {
  command?: readonly string[];
  entrypoint?: readonly string[];
  env?: Record<string, string>;
  /** `source:target[:ro]`; source is a volume or an absolute path. */
  binds?: readonly string[];
  network?: string;
  user?: string;
  /** Without the read-only root, to see what the image itself forbids. */
  writableRoot?: boolean;
  /** Sends SIGTERM after this long, to a program that does not end by itself. */
  stopAfterMs?: number;
  timeoutMs?: number;
}

/** Runs an image to its end, hardened, and returns exit code and output. A container that does not end in time is killed and is an error. */
export async function runToEnd(image: string, options: RunOptions = {}): Promise<Ended> {
  const docker = await engine();
  const container = await docker.createContainer(createOptions(image, options));
  const attached = await container.attach({ stream: true, stdout: true, stderr: true });
  const collected = textOf(docker, attached);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      void container.kill();
      reject(new Error(`${image} ${options.command?.join(" ") ?? ""} did not end within ${options.timeoutMs ?? 30_000} ms`));
    }, options.timeoutMs ?? 30_000);
  });
  try {
    await container.start();
    if (options.stopAfterMs !== undefined) setTimeout(() => void container.kill({ signal: "SIGTERM" }), options.stopAfterMs);
    const { StatusCode } = (await Promise.race([container.wait(), late])) as { StatusCode: number };
    return { code: StatusCode, output: await collected };
  } finally {
    clearTimeout(timer);
    await container.remove({ force: true, v: true });
  }
}

function createOptions(image: string, options: RunOptions): CreateOptions {
  return {
    Image: image,
    Labels: labels(),
    ...(options.command ? { Cmd: [...options.command] } : {}),
    ...(options.entrypoint ? { Entrypoint: [...options.entrypoint] } : {}),
    ...(options.user ? { User: options.user } : {}),
    Env: Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`),
    HostConfig: {
      ReadonlyRootfs: options.writableRoot !== true,
      CapDrop: [...HARDENED.CapDrop],
      SecurityOpt: [...HARDENED.SecurityOpt],
      Binds: [...(options.binds ?? [])],
      NetworkMode: options.network ?? "none",
    },
  };
}

/** Removes what the test left, passed or failed. */
export function cleanUpAfterEach(): void {
  afterEach(async () => {
    await removeLabelled(await engine());
  });
}

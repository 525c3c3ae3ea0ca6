import { readFileSync } from "node:fs";
import { programUrl } from "../../package-root.ts";
import { connect, type DockerContainer, type Engine } from "../engine/docker.ts";
import { runOnce } from "../engine/exec.ts";
import { CONTAINER_LABEL } from "../engine/labels.ts";
import { NamespaceOwner } from "../engine/namespace-owner.ts";
import type { ImageFacts } from "../plan/images.ts";
import type { ProbeAnswer } from "../probes/prober.ts";
import type { Trial } from "./trial.ts";

/** What a process inside a container can see. */
export interface Sight {
  readonly pidNamespace: string;
  readonly processes: readonly SeenProcess[];
  readonly mounts: readonly { readonly point: string; readonly type: string; readonly options: string }[];
  /** Content of the files in its mounts, by path: the first 256 KiB, a character a byte. */
  readonly files: Readonly<Record<string, string>>;
  /** TCP ports that anybody in the replica listens on. */
  readonly listening: readonly { readonly port: number; readonly loopback: boolean }[];
}

export interface SeenProcess {
  readonly pid: number;
  /** With a NUL after each word. */
  readonly command: string;
  /** `NAME=value`, with a NUL after each; null when it cannot be read. */
  readonly environ: string | null;
  /** Fields of /proc/PID/status, such as `CapEff` and `Uid`. */
  readonly status: Readonly<Record<string, string>>;
}

const TIMEOUT_MS = 60_000;

/** Looks into a running container from beside it: in its process and network namespaces, and with its mounts, as root. Nothing inside it is needed. */
export async function lookInto(trial: Trial, name: string): Promise<Sight> {
  return await beside<Sight>(trial, name, "see", "0:0", ["SYS_PTRACE", "DAC_READ_SEARCH"]);
}

/** What comes of making a directory in each directory of a container's root file system, as this user: `written`, or the system's error. By path. */
export async function tryWrites(trial: Trial, name: string, user: string): Promise<Readonly<Record<string, string>>> {
  return (await beside<{ writes: Record<string, string> }>(trial, name, "write", user, [])).writes;
}

/** Another container on the trial's network, which asks what a neighbour could ask. Dispose it before the trial. */
export class Neighbour implements AsyncDisposable {
  /** Of the replica, on the network. */
  readonly address: string;
  readonly #owner: NamespaceOwner;

  private constructor(address: string, owner: NamespaceOwner) {
    this.address = address;
    this.#owner = owner;
  }

  static async start(trial: Trial): Promise<Neighbour> {
    const engine = await connect();
    const { network } = trial.started;
    const sidecar = await (await trial.hand.container(trial.sidecarName)).inspect();
    const replica = await engine.docker.getContainer(ownerOf(sidecar.HostConfig.NetworkMode)).inspect();
    const address = replica.NetworkSettings.Networks[network]?.IPAddress;
    if (address === undefined) throw new Error(`the replica has no address on network ${network}`);
    const { image, labels } = await imageOf(trial);
    const name = `${sidecar.Name.slice(1)}-neighbour`;
    const options = { name, labels, image, network, port: trial.graph.ingress.port, hostNames: [], volumes: [] };
    return new Neighbour(address, await NamespaceOwner.start(engine, options));
  }

  async connect(port: number): Promise<ProbeAnswer> {
    return await this.#owner.prober.probe({ kind: "tcp", host: this.address, port, path: "", timeoutMs: 5_000 });
  }

  async get(port: number, path: string): Promise<ProbeAnswer> {
    return await this.#owner.prober.probe({ kind: "http", host: this.address, port, path, timeoutMs: 10_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owner.remove();
  }
}

async function beside<T>(trial: Trial, name: string, what: "see" | "write", user: string, capabilities: readonly string[]): Promise<T> {
  const engine: Engine = await connect();
  const container: DockerContainer = await trial.hand.container(name);
  const { HostConfig } = await container.inspect();
  const { image, labels } = await imageOf(trial);
  const { exitCode, output } = await runOnce(
    engine,
    {
      Labels: labels,
      Image: image.reference,
      Env: ["BUN_BE_BUN=1", `LOOK=${what}`],
      Entrypoint: ["/usr/local/bin/chio"],
      Cmd: ["--eval", readFileSync(programUrl("infra/local/suite/look-program"), "utf8")],
      User: user,
      Healthcheck: { Test: ["NONE"] },
      HostConfig: {
        NetworkMode: HostConfig.NetworkMode ?? "none",
        PidMode: `container:${container.id}`,
        CapDrop: ["ALL"],
        CapAdd: [...capabilities],
        SecurityOpt: ["no-new-privileges"],
        // Else Docker makes a volume for each path that the image declares.
        Tmpfs: Object.fromEntries(image.volumes.map((path) => [path, "size=1m"])),
      },
    },
    TIMEOUT_MS,
  );
  const line = output.split("\n").find((one) => one.startsWith("{"));
  if (exitCode !== 0 || line === undefined) throw new Error(`the look into ${name} ended with ${exitCode}:\n${output.slice(-2_000)}`);
  return JSON.parse(line) as T;
}

/** The sidecar's image as it runs, and the labels by which the run's own end removes what is left here. */
async function imageOf(trial: Trial): Promise<{ image: ImageFacts; labels: Record<string, string> }> {
  const { Image, Config } = await (await trial.hand.container(trial.sidecarName)).inspect();
  const labels = Object.fromEntries(Object.entries(Config.Labels).filter(([label]) => label !== CONTAINER_LABEL));
  return { image: { reference: Image, volumes: Object.keys(Config.Volumes ?? {}), user: Config.User, stopSignal: "SIGTERM" }, labels };
}

function ownerOf(networkMode: string | undefined): string {
  const id = /^container:(.+)$/.exec(networkMode ?? "")?.[1];
  if (id === undefined) throw new Error(`the sidecar has no shared network namespace, but ${networkMode}`);
  return id;
}

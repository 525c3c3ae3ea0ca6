import { PassThrough } from "node:stream";
import { LocalRunError } from "../errors.ts";
import type { ImageFacts } from "../plan/images.ts";
import { Prober, proberProgram } from "../probes/prober.ts";
import { asked, type DockerContainer, type Engine, reason, unlessGone } from "./docker.ts";
import { type TarEntry, tar } from "./tar.ts";

export interface OwnerOptions {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The sidecar's: the only image that is certain to be there, and its program carries the runtime that the prober needs. */
  readonly image: ImageFacts;
  readonly network: string;
  /** Published on loopback, for the ingress. */
  readonly port: number;
  /** Names that mean this replica itself. */
  readonly hostNames: readonly string[];
  /** Docker volumes with what is to be laid into each. Mounted here as well, so that those in memory keep their content while others restart. */
  readonly volumes: readonly { readonly docker: string; readonly name: string; readonly entries: readonly TarEntry[] }[];
}

const VOLUMES_ROOT = "/volumes";

/**
 * The container whose network namespace all others of the replica share. It outlives each of them, as the platforms' own pause container
 * does, and probes from inside: the app listens on the namespace's loopback, where nobody else reaches it.
 */
export class NamespaceOwner {
  readonly id: string;
  /** The published port on the engine's host. */
  readonly hostPort: number;
  /** The replica's address on the network. */
  readonly address: string;
  readonly prober: Prober;
  readonly #container: DockerContainer;

  private constructor(container: DockerContainer, prober: Prober, hostPort: number, address: string) {
    this.#container = container;
    this.id = container.id;
    this.prober = prober;
    this.hostPort = hostPort;
    this.address = address;
  }

  static async start({ docker, host }: Engine, options: OwnerOptions): Promise<NamespaceOwner> {
    const port = `${options.port}/tcp`;
    const container = await asked(
      `cannot create the network namespace of ${options.name}`,
      docker.createContainer({
        name: options.name,
        Labels: { ...options.labels },
        Image: options.image.reference,
        // The program was made by `bun build --compile`; this variable turns it into the runtime itself.
        Env: ["BUN_BE_BUN=1"],
        Entrypoint: ["/usr/local/bin/chio"],
        Cmd: ["--eval", proberProgram()],
        Healthcheck: { Test: ["NONE"] },
        OpenStdin: true,
        AttachStdin: true,
        AttachStdout: true,
        AttachStderr: true,
        ExposedPorts: { [port]: {} },
        HostConfig: {
          NetworkMode: options.network,
          PortBindings: { [port]: [{ HostIp: isLoopback(host) ? "127.0.0.1" : "", HostPort: "" }] },
          ExtraHosts: options.hostNames.map((name) => `${name}:127.0.0.1`),
          CapDrop: ["ALL"],
          SecurityOpt: ["no-new-privileges"],
          // Files are laid in through the root, so that it cannot be read-only; nobody but the engine's API comes in here.
          Mounts: options.volumes.map((volume) => ({
            Type: "volume",
            Source: volume.docker,
            Target: `${VOLUMES_ROOT}/${volume.name}`,
            VolumeOptions: { NoCopy: true, Labels: {}, DriverConfig: { Name: "local", Options: {} } },
          })),
          // Else Docker makes a volume for each path that the image declares.
          Tmpfs: Object.fromEntries(options.image.volumes.map((path) => [path, "size=1m"])),
          RestartPolicy: { Name: "no" },
        },
      }),
    );
    const stream = await asked(
      "cannot attach to the prober",
      container.attach({ stream: true, stdin: true, stdout: true, stderr: true, hijack: true }),
    );
    const output = new PassThrough();
    const errors = new PassThrough();
    let complaint = "";
    errors.on("data", (piece: Buffer) => {
      complaint = `${complaint}${piece}`.slice(-1000);
    });
    docker.modem.demuxStream(stream, output, errors);
    const prober = new Prober(stream as unknown as import("node:stream").Duplex, output);
    try {
      await container.start();
    } catch (cause) {
      throw notRunning(options.image, reason(cause), cause);
    }
    const entries = options.volumes.flatMap((volume) =>
      volume.entries.map((entry) => ({ ...entry, path: `${VOLUMES_ROOT.slice(1)}/${volume.name}/${entry.path}` })),
    );
    const [ready, facts] = await Promise.all([
      prober.ready(),
      asked("cannot look at the network namespace", container.inspect()),
      entries.length === 0 ? null : asked("cannot fill the volumes", container.putArchive(tar(entries), { path: "/" })),
    ]);
    if (!ready) throw notRunning(options.image, complaint.trim() || "it ended at once", undefined);
    const hostPort = Number(facts.NetworkSettings.Ports[port]?.[0]?.HostPort);
    const address = Object.values(facts.NetworkSettings.Networks)[0]?.IPAddress ?? "";
    return new NamespaceOwner(container, prober, hostPort, address);
  }

  async remove(): Promise<void> {
    this.prober.close();
    await unlessGone(this.#container.remove({ force: true, v: true }));
  }
}

export const isLoopback = (host: string) => host === "::1" || host.startsWith("127.");

function notRunning(image: ImageFacts, why: string, cause: unknown): LocalRunError {
  return new LocalRunError("helper_failed", `the probes of a replica cannot be run from image ${image.reference}: ${why}`, {
    fix: "use an image built from chio-kit's Dockerfile.sidecar or Dockerfile.distroless for the sidecar",
    ...(cause === undefined ? {} : { cause }),
  });
}

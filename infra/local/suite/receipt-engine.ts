import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { programUrl } from "../../package-root.ts";
import { removeRun } from "../engine/clean-up.ts";
import { asked, connect, type Engine } from "../engine/docker.ts";
import { guardRun } from "../engine/guard.ts";
import { newRunId, runLabels } from "../engine/labels.ts";
import { type ImageFacts, provideImages } from "../plan/images.ts";
import { type Identity, selfSigned } from "./certificate.ts";
import { eventually } from "./events.ts";
import type { LifecycleSubject } from "./subject.ts";
import { graphOf, sidecarOf, type TrialOptions } from "./trial.ts";

/** `down`: connections are refused. `slow`: confirms after a delay. `stuck`: takes everything and never answers. */
export type EngineMode = "up" | "down" | "slow" | "stuck";

interface EngineState {
  readonly mode: EngineMode;
  readonly delayMs: number;
  readonly receipts: readonly string[];
}

const HOST = "receipt-engine";
const PORT = 8443;
const CONTROL = "9000/tcp";
const CA_FILE = "/run/chio-receipt-engine/ca.pem";

/**
 * A stand-in for the engine that a service sends its receipts to: a container on a Docker network of its own, which a trial joins. It speaks HTTPS, asks
 * for the bearer token, and confirms receipts as the mode says. Disposing it removes container and network, so that it has to outlive the trial.
 */
export class ReceiptEngine implements AsyncDisposable {
  /** Docker network that it answers on. */
  readonly network: string;
  /** For CHIO_RECEIPT_SINK. */
  readonly url = `https://${HOST}:${PORT}/v1/receipts`;
  /** Variables of the sidecar. */
  readonly env: Readonly<Record<string, string>>;
  /** Files of the sidecar: the certificate that it is to trust. */
  readonly files: Readonly<Record<string, string>>;
  /** For `Trial.start`: the subject's own options, with the sidecar joined to this engine in place of its other sinks. */
  readonly options: TrialOptions;
  readonly #engine: Engine;
  readonly #run: string;
  readonly #unguard: () => void;
  #control = "";

  private constructor(engine: Engine, subject: LifecycleSubject, sidecar: string, identity: Identity, token: string) {
    this.#engine = engine;
    this.#run = newRunId();
    this.#unguard = guardRun(this.#run);
    this.network = `chio-${this.#run}-receipts`;
    this.env = { CHIO_RECEIPT_SINK: this.url, CHIO_RECEIPT_SINK_TOKEN: token, NODE_EXTRA_CA_CERTS: CA_FILE };
    this.files = { [CA_FILE]: identity.cert };
    this.options = {
      network: this.network,
      env: { ...subject.env, [sidecar]: { ...subject.env?.[sidecar], ...this.env } },
      files: { ...subject.files, ...this.files },
    };
  }

  /** Starts it from the subject's sidecar image, whose program carries the runtime. Resolves when it takes receipts. */
  static async start(subject: LifecycleSubject): Promise<ReceiptEngine> {
    const graph = graphOf(subject);
    const sidecar = sidecarOf(graph);
    const docker = await connect();
    const image = (await provideImages(docker, { ...graph, containers: [sidecar] }, subject)).get(sidecar.name);
    if (image === undefined) throw new RangeError(`no image for container ${sidecar.name}`);
    const identity = selfSigned([HOST]);
    const token = randomBytes(16).toString("hex");
    const engine = new ReceiptEngine(docker, subject, sidecar.name, identity, token);
    try {
      await engine.#begin(image, identity, token, subject.labels);
    } catch (error) {
      await engine[Symbol.asyncDispose]();
      throw error;
    }
    return engine;
  }

  /** Resolves when the mode is in force. What waited in the old one is cut off. `delayMs`: of `slow`. */
  async set(mode: EngineMode, delayMs = 1_000): Promise<void> {
    await this.#ask({ method: "PUT", body: JSON.stringify({ mode, delayMs }) });
  }

  /** Ids of the receipts that it has confirmed, in order of arrival. One that was sent twice is in there twice. */
  async receiptIds(): Promise<readonly string[]> {
    return (await this.#ask()).receipts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await removeRun(this.#engine.docker, this.#run);
    this.#unguard();
  }

  async #begin(image: ImageFacts, identity: Identity, token: string, further: LifecycleSubject["labels"]): Promise<void> {
    const { docker, host } = this.#engine;
    const labels = runLabels(this.#run, further);
    await asked("cannot create a network", docker.createNetwork({ Name: this.network, Labels: labels }));
    const container = await asked(
      "cannot create the receipt engine",
      docker.createContainer({
        name: `chio-${this.#run}-receipt-engine`,
        Labels: labels,
        Image: image.reference,
        Env: Object.entries({
          BUN_BE_BUN: "1",
          ENGINE_CERT: identity.cert,
          ENGINE_KEY: identity.key,
          ENGINE_TOKEN: token,
          ENGINE_PORT: PORT,
          ENGINE_CONTROL_PORT: CONTROL.split("/")[0],
        }).map(([name, value]) => `${name}=${value}`),
        Entrypoint: ["/usr/local/bin/chio"],
        Cmd: ["--eval", readFileSync(programUrl("infra/local/suite/receipt-engine-program"), "utf8")],
        Healthcheck: { Test: ["NONE"] },
        ExposedPorts: { [CONTROL]: {} },
        NetworkingConfig: { EndpointsConfig: { [this.network]: { Aliases: [HOST] } } },
        HostConfig: {
          NetworkMode: this.network,
          PortBindings: { [CONTROL]: [{ HostIp: host.startsWith("127.") || host === "::1" ? "127.0.0.1" : "", HostPort: "" }] },
          CapDrop: ["ALL"],
          SecurityOpt: ["no-new-privileges"],
          // Else Docker makes a volume for each path that the image declares.
          Tmpfs: Object.fromEntries(image.volumes.map((path) => [path, "size=1m"])),
        },
      }),
    );
    await asked("cannot start the receipt engine", container.start());
    const { NetworkSettings } = await container.inspect();
    this.#control = `http://${host}:${NetworkSettings.Ports[CONTROL]?.[0]?.HostPort}/`;
    await eventually("the receipt engine answers", async () => {
      const { State } = await container.inspect();
      if (!State.Running)
        throw new Error(`the receipt engine ended with ${State.ExitCode}: ${await container.logs({ stdout: true, stderr: true })}`);
      return await this.#ask().then(
        () => true,
        () => false,
      );
    });
  }

  async #ask(init: RequestInit = {}): Promise<EngineState> {
    const answer = await fetch(this.#control, { ...init, signal: AbortSignal.timeout(10_000) });
    return (await answer.json()) as EngineState;
  }
}

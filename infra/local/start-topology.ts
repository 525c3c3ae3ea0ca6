import { type AnyTopology, assertValid, type PlatformTopology } from "../topology/index.ts";
import { Deployment } from "./deployment.ts";
import { connect } from "./engine/docker.ts";
import { Recorder } from "./engine/recorder.ts";
import { LocalRunError } from "./errors.ts";
import { checkOptions } from "./options.ts";
import type { StartedContainer, StartedTopology, StartTopologyOptions } from "./types.ts";

/**
 * Runs a topology on local Docker by the rules of a platform. Resolves when every replica takes requests. Throws `TopologyError` on findings, and
 * `LocalRunError` when Docker, an image, a value or the port is missing, or when the replicas do not get ready; nothing is left behind then.
 */
export async function startTopology(topology: AnyTopology, options: StartTopologyOptions): Promise<StartedTopology> {
  const graph: PlatformTopology = assertValid(topology, options.platform, options.acceptances).topology;
  checkOptions(graph, options);
  const { signal } = options;
  throwIfAborted(signal);
  const recorder = new Recorder(graph.name, graph.platform, options.onEvent);
  const engine = await connect();
  const deployment = await Deployment.prepare(engine, graph, options, recorder);
  const onAbort = () => void deployment.remove();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    throwIfAborted(signal);
    await deployment.start(graph);
    throwIfAborted(signal);
  } catch (error) {
    await deployment.remove();
    signal?.removeEventListener("abort", onAbort);
    throwIfAborted(signal);
    throw error;
  }
  return new RunningTopology(graph, deployment, () => signal?.removeEventListener("abort", onAbort));
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new LocalRunError("stopped", "the start was aborted", { fix: "start it again", cause: signal.reason });
}

class RunningTopology implements StartedTopology {
  readonly name: string;
  readonly platform: StartedTopology["platform"];
  readonly ingressUrl: string;
  readonly network: string;
  readonly #deployment: Deployment;
  readonly #ended: () => void;

  constructor(graph: PlatformTopology, deployment: Deployment, ended: () => void) {
    this.name = graph.name;
    this.platform = graph.platform;
    this.ingressUrl = deployment.url;
    this.network = deployment.network;
    this.#deployment = deployment;
    this.#ended = ended;
  }

  get timeline(): StartedTopology["timeline"] {
    return this.#deployment.recorder.timeline();
  }

  get replicas(): readonly string[] {
    return this.#deployment.replicas.map((one) => one.name);
  }

  container(name: string, replica?: string): StartedContainer {
    const owner = this.#deployment.replica(replica);
    const container = owner.container(name);
    return {
      name,
      replica: owner.name,
      get id() {
        return container.id;
      },
      get state() {
        return container.state;
      },
      get exitCode() {
        return container.exitCode;
      },
      get restarts() {
        return container.restarts;
      },
      exec: (command) => container.exec(command),
      run: (command, options) => container.runOnce(command, options),
      logs: () => container.tail.lines(),
    };
  }

  async rollout(...[topology, options = {}]: Parameters<StartedTopology["rollout"]>): Promise<void> {
    await this.#deployment.rollout(topology, options);
  }

  async kill(name: string, signal: NodeJS.Signals, replica?: string): Promise<void> {
    await this.#deployment.replica(replica).container(name).signal(signal, "from outside");
  }

  async stop(options: Parameters<StartedTopology["stop"]>[0] = {}): Promise<void> {
    await this.#deployment.stop(options);
    if (options.keep !== true) this.#ended();
  }

  async remove(): Promise<void> {
    await this.#deployment.remove();
    this.#ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

import type { Exit, ReplicaContainer } from "../../../infra/local/engine/replica-container.ts";
import { lifecycleOf } from "../../../infra/local/platforms/index.ts";
import type { ReplicaHost } from "../../../infra/local/platforms/lifecycle.ts";
import type { ProbeOutcome } from "../../../infra/local/probes/probe-loop.ts";
import type { Pace } from "../../../infra/local/types.ts";
import {
  apiProtect,
  type Container,
  defineTopology,
  type Platform,
  type PlatformTopology,
  type ProbeAction,
  type TopologyProps,
} from "../../../infra/topology/index.ts";
import { FakeClock, settle } from "./fake-clock.ts";

/** A container without Docker: a test says when it is healthy and when it ends. */
class FakeContainer {
  readonly model: Container;
  readonly plan: { model: Container; cpuMilli: number; startCpuMilli: number };
  running = false;
  exited: Promise<Exit> | null = null;
  /** Whether its health command, and its probes, succeed. */
  healthy = true;
  /** How it takes a stop signal: ends after so long, never when null. */
  endsAfterMs: number | null = 0;
  readonly #host: FakeHost;
  #startedAt = 0;
  #end: (exit: Exit) => void = () => {};

  constructor(model: Container, host: FakeHost) {
    this.model = model;
    this.plan = { model, cpuMilli: 1, startCpuMilli: 1 };
    this.#host = host;
  }

  get name(): string {
    return this.model.name;
  }

  async start(): Promise<void> {
    this.#host.note(this.exited === null ? `start ${this.name}` : `restart ${this.name}`);
    this.running = true;
    this.#startedAt = this.#host.clock.now();
    this.exited = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  end(code: number): void {
    if (!this.running) return;
    this.running = false;
    this.#host.note(`end ${this.name} ${code}`);
    this.#end({ code, ranMs: this.#host.clock.now() - this.#startedAt, detail: null });
  }

  async signal(name: string): Promise<void> {
    this.#host.note(`${name} ${this.name}`);
    if (name === "SIGKILL") this.end(137);
  }

  async stop(graceMs: number): Promise<void> {
    if (!this.running) return;
    await this.signal("SIGTERM");
    const { endsAfterMs } = this;
    await this.#host.clock.sleep(Math.min(graceMs, endsAfterMs ?? graceMs));
    if (endsAfterMs !== null && endsAfterMs < graceMs) this.end(0);
    else await this.signal("SIGKILL");
  }

  async exec(): Promise<{ exitCode: number; output: string }> {
    return { exitCode: this.healthy ? 0 : 1, output: "" };
  }

  record({ kind }: { kind: string }): void {
    if (kind === "healthy" || kind === "unhealthy") this.#host.note(`${kind} ${this.name}`);
  }

  async limitCpu(): Promise<void> {}
}

/** A replica of the notes service whose containers are fakes, on a clock that a test moves. `seen` is what happened, with its second. */
export class FakeHost implements ReplicaHost {
  readonly clock = new FakeClock();
  readonly pace: Pace = "platform";
  readonly graph: PlatformTopology;
  readonly fakes: readonly FakeContainer[];
  readonly seen: string[] = [];
  /** Requests in flight. */
  busy = Promise.withResolvers<void>();
  readonly lifecycle;
  #ready = false;
  #closed = false;
  readonly #stop = new AbortController();
  readonly stopping = this.#stop.signal;

  constructor(
    platform: Platform,
    change: (graph: PlatformTopology) => PlatformTopology = (graph) => graph,
    props: Partial<TopologyProps> = {},
  ) {
    const topology = defineTopology({
      name: "notes",
      mode: apiProtect({ spec: "/etc/chio/openapi.yaml" }),
      app: { image: "app:1", command: ["/app"] },
      ...props,
    });
    this.graph = change(structuredClone(topology.graphs[platform]));
    this.fakes = this.graph.containers.map((model) => new FakeContainer(model, this));
    this.busy.resolve();
    this.lifecycle = lifecycleOf(this);
  }

  get containers(): readonly ReplicaContainer[] {
    return this.fakes as unknown as readonly ReplicaContainer[];
  }

  note(text: string): void {
    this.seen.push(`${Math.round(this.clock.now() / 100) / 10} ${text}`);
  }

  fake(name: string): FakeContainer {
    return this.fakes.find((one) => one.name === name)!;
  }

  container(name: string): ReplicaContainer {
    return this.fake(name) as unknown as ReplicaContainer;
  }

  async probe(action: ProbeAction): Promise<ProbeOutcome> {
    const port = "port" in action ? action.port : null;
    const container = this.fakes.find((one) => one.model.listens.some((listen) => listen.port === port));
    return { ok: container?.running === true && container.healthy, detail: "" };
  }

  // As a real replica does: changes only, and none after the traffic was closed.
  setReady(ready: boolean): void {
    if (ready === this.#ready || this.#closed) return;
    this.#ready = ready;
    this.note(ready ? "ready" : "not ready");
  }

  closeTraffic(): void {
    this.#closed = true;
    this.note("closed");
  }

  async idle(): Promise<void> {
    await this.busy.promise;
  }

  giveUp = (reason: string): void => this.note(`given up: ${reason}`);

  background(work: Promise<unknown>): void {
    work.catch((error: Error) => this.note(`failed: ${error.message}`));
  }

  record(): void {}

  async start(): Promise<void> {
    await this.lifecycle.start();
    await settle();
  }

  /** The platform's stop, played to its end. */
  async stop(reason: "stop" | "rollout" | "failed" = "stop"): Promise<void> {
    this.#stop.abort();
    const stopped = this.lifecycle.stop(reason);
    await this.clock.advance(1_000_000);
    await stopped;
  }
}

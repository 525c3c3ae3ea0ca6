import type { PlatformTopology, ProbeAction } from "../topology/index.ts";
import { systemClock } from "./clock.ts";
import { type Engine, reason, unlessGone } from "./engine/docker.ts";
import { CONTAINER_LABEL, REPLICA_LABEL } from "./engine/labels.ts";
import { NamespaceOwner } from "./engine/namespace-owner.ts";
import type { Recorder } from "./engine/recorder.ts";
import { ReplicaContainer } from "./engine/replica-container.ts";
import { LocalRunError } from "./errors.ts";
import type { Targets } from "./ingress/targets.ts";
import { volumeOptions } from "./plan/create-options.ts";
import type { ReplicaPlan } from "./plan/replica-plan.ts";
import { CpuGate, IDLE_CPU_MILLI } from "./platforms/cpu-gate.ts";
import { lifecycleOf } from "./platforms/index.ts";
import type { Lifecycle, ReplicaHost, StopReason } from "./platforms/lifecycle.ts";
import type { ProbeOutcome } from "./probes/probe-loop.ts";
import type { TimelineEvent } from "./timeline/types.ts";
import type { LogLine, Pace } from "./types.ts";

export interface ReplicaContext {
  readonly engine: Engine;
  readonly recorder: Recorder;
  readonly targets: Targets;
  readonly run: string;
  readonly network: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly pace: Pace;
  readonly onLog: ((line: LogLine) => void) | undefined;
  /** The platform has given the replica up. */
  readonly onFailed: (replica: Replica, stop: "drain" | "at-once") => void;
}

/** One replica: its namespace, volumes and containers, living by the platform's rules. */
export class Replica implements ReplicaHost {
  readonly name: string;
  readonly graph: PlatformTopology;
  readonly containers: readonly ReplicaContainer[];
  readonly clock = systemClock;
  readonly pace: Pace;
  readonly stopping: AbortSignal;
  /** Why the platform gave it up; null as long as it has not. */
  failure: string | null = null;
  readonly #stop = new AbortController();
  readonly #context: ReplicaContext;
  readonly #plan: ReplicaPlan;
  readonly #lifecycle: Lifecycle;
  readonly #gate: CpuGate | null;
  #owner: NamespaceOwner | null = null;
  #closed = false;
  #ready = false;
  #everReady = false;
  #stopped: Promise<void> | null = null;
  #removed: Promise<void> | null = null;
  readonly #firstReady = Promise.withResolvers<void>();

  constructor(name: string, graph: PlatformTopology, plan: ReplicaPlan, context: ReplicaContext) {
    this.name = name;
    this.graph = graph;
    this.pace = context.pace;
    this.stopping = this.#stop.signal;
    this.#plan = plan;
    this.#context = context;
    this.containers = plan.containers.map(
      (one) =>
        new ReplicaContainer(one, {
          ...context,
          replica: name,
          place: () => ({
            name: this.#dockerName(one.model.name),
            labels: { ...context.labels, [REPLICA_LABEL]: name, [CONTAINER_LABEL]: one.model.name },
            network: `container:${this.#owner?.id ?? ""}`,
            volumeName: (volume) => this.#dockerName(volume),
          }),
        }),
    );
    const idle = plan.containers.some((one) => one.model.cpuIdle);
    this.#gate = idle ? new CpuGate((throttle) => this.#limitCpu(throttle)) : null;
    this.#lifecycle = lifecycleOf(this);
    this.#firstReady.promise.catch(() => {});
  }

  /** Whether it has been in service. */
  get wasReady(): boolean {
    return this.#everReady;
  }

  /** Makes and starts everything. Resolves when the replica is ready for requests; rejects when the platform gives it up before. */
  async start(): Promise<void> {
    const { engine, targets, recorder } = this.#context;
    await this.#create();
    for (const { container, text } of this.#plan.notes) recorder.record({ kind: "log", replica: this.name, container, detail: text });
    const owner = this.#owner;
    if (owner === null) throw new LocalRunError("stopped", `replica ${this.name} was stopped while it was made`);
    targets.add({ name: this.name, host: engine.host, port: owner.hostPort, onRequest: this.#gate });
    await this.#lifecycle.start();
    await this.#firstReady.promise;
  }

  /** Takes requests off it and stops it by the platform's rules. Containers and volumes stay. */
  stop(reason: StopReason): Promise<void> {
    this.#stopped ??= this.#stopNow(reason);
    return this.#stopped;
  }

  /** Removes its containers and volumes, running or not. */
  remove(): Promise<void> {
    this.#removed ??= this.#removeNow();
    return this.#removed;
  }

  container(name: string): ReplicaContainer {
    const container = this.containers.find((one) => one.name === name);
    if (container !== undefined) return container;
    throw new LocalRunError("option_invalid", `there is no container ${JSON.stringify(name)}`, {
      fix: `use one of ${this.containers.map((one) => one.name).join(", ")}`,
    });
  }

  async probe(action: ProbeAction, timeoutSeconds: number, address: "loopback" | "network" = "loopback"): Promise<ProbeOutcome> {
    if (action.kind === "exec") throw new RangeError("a command is no network probe");
    const owner = this.#owner;
    if (owner === null) return { ok: false, detail: "the replica is gone" };
    const { status, text } = await this.#withCpu(() =>
      owner.prober.probe({
        kind: action.kind,
        host: address === "loopback" ? "127.0.0.1" : owner.address,
        port: action.port ?? this.graph.ingress.port,
        path: action.kind === "http" ? action.path : "",
        timeoutMs: timeoutSeconds * 1000,
      }),
    );
    if (status === null || status === 0) return { ok: status === 0, detail: text };
    const ok = status >= 200 && status < 400;
    return { ok, detail: ok ? String(status) : `${status} ${text.trim().slice(0, 300)}`.trim() };
  }

  setReady(ready: boolean, detail?: string): void {
    if (ready === this.#ready || this.#closed) return;
    this.#ready = ready;
    this.record({ kind: ready ? "ready" : "not-ready", ...(detail === undefined ? {} : { detail }) });
    this.#setTraffic(ready);
    if (!ready) return;
    this.#everReady = true;
    this.#gate?.enable();
    this.#firstReady.resolve();
  }

  closeTraffic(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#setTraffic(false);
  }

  async idle(): Promise<void> {
    await this.#context.targets.idle(this.name);
  }

  // An arrow, since the rules of a platform pass it on by itself.
  giveUp = (reason: string, stop: "drain" | "at-once"): void => {
    if (this.failure !== null || this.stopping.aborted) return;
    this.failure = reason;
    this.record({ kind: "failed", detail: reason });
    this.#firstReady.reject(new LocalRunError("never_ready", reason));
    this.#context.onFailed(this, stop);
  };

  background(work: Promise<unknown>): void {
    work.catch((error: unknown) => this.giveUp(`the Docker engine failed: ${reason(error)}`, "at-once"));
  }

  record(event: Omit<TimelineEvent, "at" | "replica" | "container">): void {
    this.#context.recorder.record({ replica: this.name, container: null, ...event });
  }

  async #create(): Promise<void> {
    const { engine, network, labels } = this.#context;
    const sidecar = this.#plan.containers.find((one) => one.model.role === "sidecar");
    if (sidecar === undefined) throw new RangeError("a topology without a sidecar");
    const own = { ...labels, [REPLICA_LABEL]: this.name };
    await Promise.all(
      this.#plan.volumes.map((volume) => engine.docker.createVolume(volumeOptions(volume, this.#dockerName(volume.name), own))),
    );
    this.#owner = await NamespaceOwner.start(engine, {
      name: this.#dockerName("namespace"),
      labels: own,
      image: sidecar.image,
      network,
      port: this.graph.ingress.port,
      hostNames: this.graph.platform === "cloud-run" ? this.containers.map((one) => one.name) : [],
      volumes: this.#plan.volumes.map(({ name, entries }) => ({ docker: this.#dockerName(name), name, entries })),
    });
    await Promise.all(this.containers.map((one) => one.create()));
  }

  async #stopNow(reason: StopReason): Promise<void> {
    this.#stop.abort();
    await this.#gate?.disable();
    await this.#lifecycle.stop(reason);
    await Promise.all(this.containers.map((one) => one.exited));
  }

  async #removeNow(): Promise<void> {
    const { engine, targets } = this.#context;
    this.#stop.abort();
    this.#firstReady.reject(new LocalRunError("stopped", `replica ${this.name} was removed before it was ready`));
    this.closeTraffic();
    targets.remove(this.name);
    await Promise.all(this.containers.map((one) => one.remove()));
    await this.#owner?.remove();
    await Promise.all(this.#plan.volumes.map(({ name }) => unlessGone(engine.docker.getVolume(this.#dockerName(name)).remove())));
  }

  #setTraffic(open: boolean): void {
    const { targets } = this.#context;
    if (targets.setOpen(this.name, open)) this.record({ kind: open ? "traffic-on" : "traffic-off" });
  }

  async #withCpu<T>(work: () => Promise<T>): Promise<T> {
    if (this.#gate === null) return await work();
    await this.#gate.begin();
    try {
      return await work();
    } finally {
      this.#gate.end();
    }
  }

  async #limitCpu(throttle: boolean): Promise<void> {
    const idle = this.containers.filter((one) => one.model.cpuIdle);
    try {
      await Promise.all(idle.map((one) => one.limitCpu(throttle ? IDLE_CPU_MILLI : one.plan.cpuMilli)));
    } catch (error) {
      // A request is not to fail because its instance has the wrong speed.
      this.record({ kind: "log", detail: `the CPU limit cannot be changed: ${reason(error)}` });
    }
  }

  #dockerName(part: string): string {
    return `chio-${this.#context.run}-${this.name}-${part}`;
  }
}

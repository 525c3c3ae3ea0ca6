import type { AnyTopology, PlatformTopology } from "../topology/index.ts";
import { assertValid } from "../topology/index.ts";
import { slept, systemClock, within } from "./clock.ts";
import { removeRun } from "./engine/clean-up.ts";
import { asked, type Engine } from "./engine/docker.ts";
import { guardRun } from "./engine/guard.ts";
import { newRunId, runLabels } from "./engine/labels.ts";
import type { Recorder } from "./engine/recorder.ts";
import { LocalRunError } from "./errors.ts";
import { Ingress } from "./ingress/ingress.ts";
import { provideImages } from "./plan/images.ts";
import { gatherMaterials } from "./plan/materials.ts";
import { planReplica, type ReplicaPlan } from "./plan/replica-plan.ts";
import { readyTimeoutMs, requestTimeoutOf } from "./platforms/index.ts";
import { Replica } from "./replica.ts";
import type { RolloutOptions, StartTopologyOptions, StopOptions } from "./types.ts";

/** What replicas are made from: one for the start, another for each rollout. */
interface Version {
  readonly graph: PlatformTopology;
  readonly plan: ReplicaPlan;
  readonly count: number;
  readonly readyTimeoutMs: number;
}

const LAST_LINES = 12;
/** How long the platform waits before it replaces a replica once more, when the one before did not get ready either. */
const REPLACE_DELAYS_MS = [0, 1_000, 5_000, 15_000, 60_000];

/** The service: its replicas, the ingress before them, and all that Docker keeps for them. */
export class Deployment {
  readonly recorder: Recorder;
  readonly network: string;
  readonly #engine: Engine;
  readonly #options: StartTopologyOptions;
  readonly #run: string;
  readonly #labels: Readonly<Record<string, string>>;
  readonly #ingress: Ingress;
  readonly #unguard: () => void;
  /** In service, or on the way there. */
  #replicas: Replica[] = [];
  readonly #all: Replica[] = [];
  #version: Version | null = null;
  #numbered = 0;
  readonly #ending = new AbortController();
  /** Starts and stops under way: nothing is removed under their hands. */
  readonly #work = new Set<Promise<unknown>>();
  #stopped: Promise<void> | null = null;
  #removed: Promise<void> | null = null;

  private constructor(engine: Engine, options: StartTopologyOptions, recorder: Recorder, run: string, ingress: Ingress) {
    this.#engine = engine;
    this.#options = options;
    this.recorder = recorder;
    this.#run = run;
    this.#labels = runLabels(run, options.labels);
    this.network = options.network ?? `chio-${run}`;
    this.#ingress = ingress;
    this.#unguard = guardRun(run);
  }

  /** Everything that needs no container: the port, the network. */
  static async prepare(engine: Engine, graph: PlatformTopology, options: StartTopologyOptions, recorder: Recorder): Promise<Deployment> {
    const ingress = await Ingress.listen(options.hostPort ?? 0, requestTimeoutOf(graph));
    const deployment = new Deployment(engine, options, recorder, newRunId(), ingress);
    try {
      if (options.network === undefined) {
        const network = engine.docker.createNetwork({ Name: deployment.network, Labels: { ...deployment.#labels } });
        await asked("cannot create a network", network);
      }
    } catch (error) {
      await deployment.remove();
      throw error;
    }
    return deployment;
  }

  get url(): string {
    return this.#ingress.url;
  }

  get replicas(): readonly Replica[] {
    return this.#replicas;
  }

  replica(name: string | undefined): Replica {
    const replica = name === undefined ? this.#replicas[0] : this.#all.find((one) => one.name === name);
    if (replica !== undefined) return replica;
    throw new LocalRunError(
      "option_invalid",
      name === undefined ? "the deployment has no replica" : `there is no replica ${JSON.stringify(name)}`,
      {
        fix: `use one of ${this.#all.map((one) => one.name).join(", ")}`,
      },
    );
  }

  /** The first version. Resolves when every replica takes requests; throws `LocalRunError` `never_ready`. */
  async start(graph: PlatformTopology): Promise<void> {
    const version = await this.#prepareVersion(graph, this.#options);
    this.#version = version;
    await this.#bring(version, "never_ready");
  }

  /** Throws `LocalRunError` `rollout_failed`, and leaves the old replicas as they are. */
  async rollout(topology: AnyTopology, options: RolloutOptions): Promise<void> {
    const merged = { ...this.#options, ...options };
    const graph: PlatformTopology = assertValid(topology, this.#options.platform, merged.acceptances).topology;
    const version = await this.#prepareVersion(graph, merged);
    const old = this.#replicas;
    const fresh = await this.#bring(version, "rollout_failed");
    this.#version = version;
    this.#replicas = fresh;
    await this.#track(Promise.all(old.map((one) => one.stop("rollout"))));
  }

  stop(options: StopOptions): Promise<void> {
    this.#stopped ??= this.#stopNow(options);
    return options.keep === true ? this.#stopped : this.#stopped.finally(() => this.remove());
  }

  remove(): Promise<void> {
    this.#removed ??= this.#removeNow();
    return this.#removed;
  }

  async #prepareVersion(graph: PlatformTopology, options: StartTopologyOptions): Promise<Version> {
    const materials = gatherMaterials(graph, options);
    const images = await provideImages(this.#engine, graph, options);
    const plan = planReplica({ graph, images, materials, env: options.env, hardening: options.hardening ?? "model" });
    return {
      graph,
      plan,
      count: options.replicas ?? Math.max(1, graph.scaling.minReplicas),
      readyTimeoutMs: options.readyTimeoutMs ?? readyTimeoutMs(graph),
    };
  }

  /** Starts the version's replicas beside what there is. When one does not get ready, all of them are removed again. */
  async #bring(version: Version, code: "never_ready" | "rollout_failed"): Promise<Replica[]> {
    const fresh = Array.from({ length: version.count }, () => this.#newReplica(version));
    if (code === "never_ready") this.#replicas = fresh;
    const ready = within(systemClock, version.readyTimeoutMs, Promise.all(fresh.map((one) => this.#track(one.start()))));
    try {
      if (!(await ready).done) {
        const late = fresh.find((one) => one.failure === null && !this.#ingress.targets.isOpen(one.name)) ?? fresh[0];
        late?.giveUp(`not ready after ${version.readyTimeoutMs / 1000} s`, "at-once");
        throw new LocalRunError("never_ready", `not ready after ${version.readyTimeoutMs / 1000} s`);
      }
      return fresh;
    } catch (error) {
      await Promise.allSettled(fresh.map((one) => this.#track(one.stop("failed"))));
      const failed = this.#explain(error, fresh, code);
      if (code === "rollout_failed") await Promise.allSettled(fresh.map((one) => this.#track(one.remove())));
      throw failed;
    }
  }

  #newReplica(version: Version): Replica {
    const replica = new Replica(`r${++this.#numbered}`, version.graph, version.plan, {
      engine: this.#engine,
      recorder: this.recorder,
      targets: this.#ingress.targets,
      run: this.#run,
      network: this.network,
      labels: this.#labels,
      pace: this.#options.pace ?? "eager",
      onLog: this.#options.onLog,
      onFailed: (failed, stop) => void this.#track(this.#replace(failed, stop)),
    });
    this.#all.push(replica);
    return replica;
  }

  /** What the platform does about a replica that it has given up after it was in service: another one takes its place. */
  async #replace(failed: Replica, stop: "drain" | "at-once"): Promise<void> {
    const version = this.#version;
    // On the way to its first readiness its failure is the caller's: nothing is retried behind his back.
    if (version === null || !failed.wasReady) return;
    const stopping = failed.stop(stop === "drain" ? "rollout" : "failed");
    for (const delay of REPLACE_DELAYS_MS) {
      if (!(await slept(systemClock, delay, this.#ending.signal))) return await stopping;
      const next = this.#newReplica(version);
      this.#replicas = this.#replicas.map((one) => (one === failed ? next : one));
      try {
        await next.start();
        return await stopping;
      } catch {
        await next.stop("failed");
        failed = next;
      }
    }
    await stopping;
    this.recorder.record({ kind: "failed", replica: null, container: null, detail: "no replacement got ready; nothing more is tried" });
  }

  async #stopNow(options: StopOptions): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#replicas.map((one) => this.#track(one.stop("stop"))));
    if (options.keep === true) await this.#ingress.close();
  }

  async #removeNow(): Promise<void> {
    this.#ending.abort();
    await this.#ingress.close();
    await Promise.allSettled(this.#all.map((one) => one.remove()));
    // What was being made when the end came is there by now.
    await Promise.allSettled([...this.#work]);
    await removeRun(this.#engine.docker, this.#run);
    this.#unguard();
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#work.add(work);
    const done = () => this.#work.delete(work);
    work.then(done, done);
    return work;
  }

  /** The error for the caller: what the platform says, and the last lines of the container that it is about. */
  #explain(error: unknown, replicas: readonly Replica[], code: "never_ready" | "rollout_failed"): unknown {
    if (!(error instanceof LocalRunError) || error.code !== "never_ready") return error;
    const failed = replicas.find((one) => one.failure !== null) ?? replicas[0];
    const logs = (failed?.containers ?? [])
      .filter((one) => one.tail.lines().length > 0 && one.exitCode !== 0)
      .map((one) => `last lines of ${one.name}:\n${indent(one.tail.text(LAST_LINES))}`);
    const head = code === "never_ready" ? "the replica did not get ready" : "the new replica did not get ready, the old ones still serve";
    return new LocalRunError(code, [`${head}: ${failed?.failure ?? error.message}`, ...logs].join("\n"), {
      fix: "mend what the lines say; the timeline of this error shows what happened when",
      cause: error,
      timeline: this.recorder.timeline(),
    });
  }
}

const indent = (text: string) => text.replace(/^/gm, "  ");

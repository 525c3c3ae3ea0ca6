import type { Container, HealthCheck, StartEdge } from "../../topology/index.ts";
import { slept, within } from "../clock.ts";
import type { ReplicaContainer } from "../engine/replica-container.ts";
import { healthLoop } from "../probes/health-loop.ts";
import { probeLoop } from "../probes/probe-loop.ts";
import { EAGER_MS } from "../probes/schedule.ts";
import { ecsRestarts } from "./back-off.ts";
import { Changes } from "./changes.ts";
import { type ContainerFacts, edgeState, stopGroups } from "./conditions.ts";
import type { Lifecycle, ReplicaHost, StopReason } from "./lifecycle.ts";

/** What a task has around it. A task on this machine, without a cluster, has no target group and nobody who replaces it for its health. */
export interface TaskRules {
  readonly target: {
    readonly check: { readonly path: string; readonly intervalSeconds: number; readonly timeoutSeconds: number };
    readonly healthyThreshold: number;
    readonly unhealthyThreshold: number;
    readonly deregistrationDelaySeconds: number;
  } | null;
  /** How long after the start of the task failing checks are passed over. Null: they never end it. */
  readonly graceSeconds: number | null;
}

/** Fargate waits this long for a dependency that states no startTimeout. */
const DEFAULT_START_TIMEOUT_SECONDS = 180;

/** Without a target group there is no interval to go by. */
const LISTEN_SECONDS = 10;

interface Facts {
  started: boolean;
  healthy: boolean;
  exitCode: number | null;
  startedAt: number;
}

/**
 * A task on ECS: containers start when their dependencies have reached their conditions, which are looked at then and never again. A health command
 * that keeps failing, or the end of an essential container, ends the task. At the stop the target is deregistered first, then the containers
 * stop in the reverse of the start order.
 */
export class EcsTask implements Lifecycle {
  readonly #host: ReplicaHost;
  readonly #rules: TaskRules;
  readonly #facts: Map<string, Facts>;
  readonly #changes = new Changes();
  #began = 0;

  constructor(host: ReplicaHost, rules: TaskRules) {
    this.#host = host;
    this.#rules = rules;
    this.#facts = new Map(host.containers.map((one) => [one.name, { started: false, healthy: false, exitCode: null, startedAt: 0 }]));
  }

  async start(): Promise<void> {
    this.#began = this.#host.clock.now();
    for (const container of this.#host.containers) this.#host.background(this.#run(container));
    this.#host.background(this.#serve());
  }

  async stop(reason: StopReason): Promise<void> {
    this.#host.closeTraffic();
    const { target } = this.#rules;
    // A target without requests in flight is deregistered at once.
    if (target !== null && reason !== "failed") await within(this.#host.clock, target.deregistrationDelaySeconds * 1000, this.#host.idle());
    const models = this.#host.containers.map((one) => one.model);
    for (const group of stopGroups(models, this.#host.graph.startOrder)) {
      await Promise.all(group.map((name) => this.#host.container(name).stop(this.#host.container(name).model.graceSeconds * 1000)));
    }
  }

  async #run(container: ReplicaContainer): Promise<void> {
    const { stopping, clock, graph } = this.#host;
    for (const edge of graph.startOrder.filter((one) => one.container === container.name)) {
      if (!(await this.#wait(edge))) return;
    }
    const facts = this.#factsOf(container.name);
    while (!stopping.aborted) {
      await container.start();
      facts.started = true;
      facts.startedAt = clock.now();
      facts.exitCode = null;
      this.#changes.tell();
      const ended = new AbortController();
      const checking =
        container.model.healthCheck === null
          ? null
          : this.#check(container, container.model.healthCheck, AbortSignal.any([stopping, ended.signal]));
      const exit = await container.exited;
      ended.abort();
      await checking;
      facts.healthy = false;
      if (exit === null || stopping.aborted) return;
      if (ecsRestarts(container.model.restart, exit)) continue;
      facts.exitCode = exit.code;
      this.#changes.tell();
      const why = `container ${container.name} ended with ${exit.code}${exit.detail === null ? "" : ` (${exit.detail})`}`;
      if (container.model.essential) this.#host.giveUp(`essential ${why}`, "at-once");
      return;
    }
  }

  /** Waits for one dependency. False: the task was given up or stops. */
  async #wait(edge: StartEdge): Promise<boolean> {
    const { clock, stopping, giveUp } = this.#host;
    const dependency = this.#host.container(edge.dependsOn).model;
    const facts = this.#factsOf(edge.dependsOn);
    if (!(await this.#changes.until(() => facts.started || facts.exitCode !== null, stopping))) return false;
    const seconds = dependency.startTimeoutSeconds ?? DEFAULT_START_TIMEOUT_SECONDS;
    const left = facts.startedAt + seconds * 1000 - clock.now();
    const state = () => edgeState(edge.condition, facts as ContainerFacts);
    const decided = this.#changes.until(() => state() !== "waiting", stopping);
    const result = await within(clock, left, decided);
    if (stopping.aborted) return false;
    if (result.done && state() === "satisfied") return true;
    const what = `container ${edge.container} waits for ${edge.dependsOn} to be ${edge.condition}`;
    giveUp(result.done ? `${what}, which cannot happen any more` : `${what}, which was not so ${seconds} s after its start`, "at-once");
    return false;
  }

  async #check(container: ReplicaContainer, check: HealthCheck, signal: AbortSignal): Promise<void> {
    const facts = this.#factsOf(container.name);
    await healthLoop({
      check,
      clock: this.#host.clock,
      pace: this.#host.pace,
      signal,
      run: async () => {
        const { exitCode, output } = await container.exec(check.command);
        const last = output.trim().split("\n").at(-1) ?? "";
        return { ok: exitCode === 0, detail: exitCode === 0 ? "exit 0" : `exit ${exitCode}: ${last}`.slice(0, 300) };
      },
      onOutcome: ({ ok, detail }, { status }, changed) => {
        container.record({ kind: ok ? "probe-passed" : "probe-failed", probe: "health-check", detail });
        if (!changed) return;
        facts.healthy = status === "healthy";
        container.record({ kind: status === "healthy" ? "healthy" : "unhealthy" });
        this.#changes.tell();
        if (status === "unhealthy" && container.model.essential) {
          this.#host.background(this.#endAfterGrace(() => !facts.healthy, `essential container ${container.name} is unhealthy: ${detail}`));
        }
      },
    });
  }

  /** Ends the task when the grace is over and the reason still holds. */
  async #endAfterGrace(holds: () => boolean, reason: string): Promise<void> {
    const { clock, stopping, giveUp } = this.#host;
    if (this.#rules.graceSeconds === null) return;
    const left = this.#began + this.#rules.graceSeconds * 1000 - clock.now();
    if (!(await slept(clock, left, stopping)) || !holds()) return;
    giveUp(reason, "drain");
  }

  /** From the moment that every container runs: when the replica is sent requests. */
  async #serve(): Promise<void> {
    const { stopping, graph } = this.#host;
    const up = () => this.#host.containers.every((one) => hasStarted(one.model, this.#factsOf(one.name)));
    if (!(await this.#changes.until(up, stopping))) return;
    const { target } = this.#rules;
    if (target === null) return await this.#serveByHealth(graph.ingress.container);
    let before: "unknown" | "passing" | "failing" = "unknown";
    const { path, intervalSeconds, timeoutSeconds } = target.check;
    const listening = this.#listening(intervalSeconds);
    await probeLoop({
      probe: {
        initialDelaySeconds: 0,
        periodSeconds: intervalSeconds,
        timeoutSeconds,
        // The first success makes a new target healthy, whatever the threshold.
        get successThreshold() {
          return before === "failing" ? target.healthyThreshold : 1;
        },
        failureThreshold: target.unhealthyThreshold,
      },
      clock: this.#host.clock,
      pace: this.#host.pace,
      signal: stopping,
      run: async () => {
        await listening;
        return await this.#host.probe({ kind: "http", path, port: graph.ingress.port }, timeoutSeconds, "network");
      },
      onOutcome: ({ ok, detail }, { state }, changed) => {
        this.#host.record({ kind: ok ? "probe-passed" : "probe-failed", probe: "readiness", detail: `target: ${detail}` });
        before = state;
        if (!changed) return true;
        this.#host.setReady(state === "passing", state === "passing" ? "the target is healthy" : `the target is unhealthy: ${detail}`);
        if (state === "failing")
          this.#host.background(this.#endAfterGrace(() => before === "failing", `the target is unhealthy: ${detail}`));
        return true;
      },
    });
  }

  /** Without a target group: as long as the container behind the ingress is healthy. */
  async #serveByHealth(name: string): Promise<void> {
    const { stopping } = this.#host;
    const container = this.#host.container(name);
    await this.#listening(LISTEN_SECONDS);
    const healthy = () => container.running && (container.model.healthCheck === null || this.#factsOf(name).healthy);
    for (let ready = false; await this.#changes.until(() => healthy() !== ready, stopping); ) {
      ready = healthy();
      this.#host.setReady(ready, ready ? undefined : `${name} is not healthy`);
    }
  }

  /**
   * At the platform's pace an app has a whole interval to begin listening before the target's first check. Who is eager waits for the ports that
   * the model says, but no longer than that interval.
   */
  async #listening(seconds: number): Promise<void> {
    const { pace, clock, stopping, graph } = this.#host;
    if (pace !== "eager") return;
    const ports = graph.containers.filter((one) => one.role !== "init").flatMap((one) => one.listens.map((listen) => listen.port));
    const open = async () => (await Promise.all(ports.map((port) => this.#host.probe({ kind: "tcp", port }, 1)))).every(({ ok }) => ok);
    for (const end = clock.now() + seconds * 1000; clock.now() < end && !(await open()); ) {
      if (!(await slept(clock, EAGER_MS, stopping))) return;
    }
  }

  #factsOf(name: string): Facts {
    const facts = this.#facts.get(name);
    if (facts === undefined) throw new RangeError(`no container ${name}`);
    return facts;
  }
}

/** An init container need not run any more: it has to have run. */
function hasStarted(model: Container, facts: Facts): boolean {
  return model.role === "init" ? facts.exitCode !== null : facts.started;
}

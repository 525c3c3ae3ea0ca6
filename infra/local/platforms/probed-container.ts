import type { Probe } from "../../topology/index.ts";
import { slept } from "../clock.ts";
import type { ReplicaContainer } from "../engine/replica-container.ts";
import { probeLoop } from "../probes/probe-loop.ts";
import { afterCrash, NO_CRASH } from "./back-off.ts";
import type { ReplicaHost } from "./lifecycle.ts";

export interface ProbeRules {
  /** What a container that does not come through its startup probe, or ends before, means for the replica. */
  readonly beforeStarted: "give-up" | "restart";
  /** How a container that its probes have failed is ended. */
  readonly end: (container: ReplicaContainer) => Promise<void>;
}

/** A container under startup, liveness and readiness probes: started again by itself, as Kubernetes and Cloud Run do. */
export class ProbedContainer {
  readonly container: ReplicaContainer;
  /** Its startup probe has passed in this run. */
  started = false;
  /** Started, and its readiness probe, if it has one, passes. */
  ready = false;
  readonly #host: ReplicaHost;
  readonly #rules: ProbeRules;
  readonly #probes: ReplicaContainer["model"]["probes"];
  readonly #onChange: () => void;
  /** Why the platform ended the current run; null while it has not. */
  #condemned: string | null = null;
  #everReady = false;
  #runs = 0;

  constructor(
    container: ReplicaContainer,
    host: ReplicaHost,
    rules: ProbeRules,
    probes: ReplicaContainer["model"]["probes"],
    onChange: () => void,
  ) {
    this.container = container;
    this.#host = host;
    this.#rules = rules;
    this.#probes = probes;
    this.#onChange = onChange;
  }

  /** Runs it until the replica stops or is given up. */
  async run(): Promise<void> {
    const { stopping, clock } = this.#host;
    for (let backOff = NO_CRASH; !stopping.aborted; ) {
      const run = ++this.#runs;
      this.#condemned = null;
      await this.container.start();
      const ended = new AbortController();
      const probing = this.#probe(AbortSignal.any([stopping, ended.signal]), run);
      const exit = await this.container.exited;
      ended.abort();
      await probing;
      const cameUp = this.started;
      this.#set(false, false);
      if (stopping.aborted || exit === null) return;
      const why = this.#condemned ?? `${this.container.name} ended with ${exit.code}${exit.detail === null ? "" : ` (${exit.detail})`}`;
      if (!cameUp && this.#rules.beforeStarted === "give-up") return this.#host.giveUp(`${why} before it had started up`, "at-once");
      backOff = afterCrash(backOff, exit.ranMs);
      // The platform would go on for ever, each time later; who waits for the first readiness has seen enough.
      if (!this.#everReady && backOff.crashes > 1) return this.#host.giveUp(`${why}, the second time: a crash loop`, "at-once");
      if (!(await slept(clock, backOff.delayMs, stopping))) return;
    }
  }

  async #probe(signal: AbortSignal, run: number): Promise<void> {
    const { startup, liveness, readiness } = this.#probes;
    if (startup !== null && !(await this.#startup(startup, signal))) return;
    if (signal.aborted || !this.container.running) return;
    this.#set(true, readiness === null);
    await Promise.all([
      liveness === null ? null : this.#liveness(liveness, signal, run),
      readiness === null ? null : this.#readiness(readiness, signal),
    ]);
  }

  /** Resolves with true when the container came up. */
  async #startup(probe: Probe, signal: AbortSignal): Promise<boolean> {
    let passed = false;
    await this.#loop("startup", probe, signal, this.#host.pace, (state) => {
      if (state === "unknown") return true;
      passed = state === "passing";
      this.container.record({ kind: passed ? "healthy" : "unhealthy" });
      if (!passed) this.#host.background(this.#condemn(`${this.container.name} failed its startup probe ${probe.failureThreshold} times`));
      return false;
    });
    return passed;
  }

  async #liveness(probe: Probe, signal: AbortSignal, run: number): Promise<void> {
    // Nothing waits for it, so that there is nothing to be early for.
    await this.#loop("liveness", probe, signal, "platform", (state) => {
      if (state !== "failing") return true;
      this.container.record({ kind: "unhealthy" });
      if (run === this.#runs)
        this.#host.background(this.#condemn(`${this.container.name} failed its liveness probe ${probe.failureThreshold} times`));
      return false;
    });
  }

  async #readiness(probe: Probe, signal: AbortSignal): Promise<void> {
    await this.#loop("readiness", probe, signal, this.#host.pace, (state, changed) => {
      if (changed) this.#set(true, state === "passing");
      return true;
    });
  }

  async #loop(
    name: "startup" | "liveness" | "readiness",
    probe: Probe,
    signal: AbortSignal,
    pace: ReplicaHost["pace"],
    onVerdict: (state: "unknown" | "passing" | "failing", changed: boolean) => boolean,
  ): Promise<void> {
    await probeLoop({
      probe,
      clock: this.#host.clock,
      pace,
      signal,
      run: () => this.#host.probe(probe.action, probe.timeoutSeconds),
      onOutcome: ({ ok, detail }, verdict, changed) => {
        this.container.record({ kind: ok ? "probe-passed" : "probe-failed", probe: name, detail });
        return onVerdict(verdict.state, changed);
      },
    });
  }

  async #condemn(why: string): Promise<void> {
    this.#condemned = why;
    await this.#rules.end(this.container);
  }

  #set(started: boolean, ready: boolean): void {
    const changed = this.started !== started || this.ready !== ready;
    if (this.ready !== ready) this.container.record({ kind: ready ? "ready" : "not-ready" });
    this.started = started;
    this.ready = ready;
    this.#everReady ||= ready;
    if (changed) this.#onChange();
  }
}

import { PassThrough } from "node:stream";
import type { Container } from "../../topology/index.ts";
import { systemClock, within } from "../clock.ts";
import { containerOptions, cpuQuota, oneOffOptions, type Placement } from "../plan/create-options.ts";
import type { ContainerPlan } from "../plan/replica-plan.ts";
import type { ExecResult, LogLine } from "../types.ts";
import { removeContainer } from "./clean-up.ts";
import { asked, type DockerContainer, type Engine, reason, refusal, unlessGone } from "./docker.ts";
import { execIn, runOnce } from "./exec.ts";
import { LineReader, LogTail } from "./log-lines.ts";
import type { Recorder } from "./recorder.ts";
import { drainedReceipts, explains } from "./sidecar-log.ts";

/** How a run of a container ended. */
export interface Exit {
  readonly code: number;
  readonly ranMs: number;
  /** What is known beyond the code. */
  readonly detail: string | null;
}

export interface ContainerContext {
  readonly engine: Engine;
  readonly recorder: Recorder;
  readonly replica: string;
  /** Asked when a container is made: the namespace has to be there by then. */
  readonly place: () => Placement;
  readonly onLog: ((line: LogLine) => void) | undefined;
}

/** One container of a replica over all its runs: Docker underneath, events in the timeline. What to do after an end is the platform's affair. */
export class ReplicaContainer {
  readonly plan: ContainerPlan;
  readonly model: Container;
  readonly tail = new LogTail();
  state: "created" | "running" | "exited" = "created";
  exitCode: number | null = null;
  restarts = 0;
  /** Of the current or last run; resolves at its end. Null before the first. */
  exited: Promise<Exit> | null = null;
  readonly #context: ContainerContext;
  #container: DockerContainer | null = null;
  #starting: Promise<void> | null = null;

  constructor(plan: ContainerPlan, context: ContainerContext) {
    this.plan = plan;
    this.model = plan.model;
    this.#context = context;
  }

  get name(): string {
    return this.model.name;
  }

  get id(): string {
    return this.#container?.id ?? "";
  }

  /** Whether its last run began and has not ended. */
  get running(): boolean {
    return this.state === "running";
  }

  async create(): Promise<void> {
    const { engine, place } = this.#context;
    this.#container = await asked(
      `cannot create container ${this.name}`,
      engine.docker.createContainer(containerOptions(this.plan, place())),
    );
    this.record({ kind: "created", detail: this.plan.image.reference });
  }

  /** Starts it, again if need be. What the engine cannot start (no such program) counts as a run that ended with 127. */
  start(): Promise<void> {
    this.#starting = this.#startNow();
    return this.#starting;
  }

  async #startNow(): Promise<void> {
    const container = this.#created();
    const again = this.exited !== null;
    const reader = this.#readLines(container);
    await reader.attached;
    const waiting = container.wait({ condition: "next-exit" }) as Promise<{ StatusCode: number }>;
    // Its failure is told by the start itself.
    waiting.catch(() => {});
    const began = performance.now();
    if (again) this.restarts++;
    try {
      await container.start();
    } catch (error) {
      if (refusal(error) === null) throw error;
      this.#end(127, `cannot be started: ${reason(error)}`);
      this.exited = Promise.resolve({ code: 127, ranMs: 0, detail: reason(error) });
      return;
    }
    this.state = "running";
    this.exitCode = null;
    this.record({ kind: again ? "restarted" : "started" });
    this.exited = waiting.then(
      async ({ StatusCode }) => {
        await within(systemClock, 500, reader.ended);
        const detail = await this.#whyEnded(container);
        this.#end(StatusCode, detail);
        return { code: StatusCode, ranMs: performance.now() - began, detail };
      },
      (error: unknown) => {
        // Removed under our hands: the topology is being taken away.
        this.#end(137, reason(error));
        return { code: 137, ranMs: performance.now() - began, detail: reason(error) };
      },
    );
  }

  /** The image's own STOPSIGNAL is honoured where a platform sends SIGTERM. */
  get stopSignal(): string {
    return this.plan.image.stopSignal;
  }

  async signal(name: string, detail?: string): Promise<void> {
    if (!this.running) return;
    this.record({ kind: "signal", signal: name, ...(detail === undefined ? {} : { detail }) });
    // A container that stands still takes no signal, not even this one.
    if (name === "SIGKILL")
      await this.#created()
        .unpause()
        .catch(() => {});
    await asked(`cannot send ${name} to ${this.name}`, unlessGone(this.#created().kill({ signal: name })));
  }

  /** Stop signal, then SIGKILL when the grace is over. Resolves at the end. */
  async stop(graceMs: number): Promise<void> {
    // A start that is under way cannot be taken back: it ends, and then the container is stopped.
    await this.#starting?.catch(() => {});
    if (!this.running || this.exited === null) return;
    await this.signal(this.stopSignal);
    const ended = await within(systemClock, graceMs, this.exited);
    if (ended.done) return;
    await this.signal("SIGKILL", `still running after its ${graceMs / 1000} s`);
    await this.exited;
  }

  async exec(command: readonly string[]): Promise<ExecResult> {
    return await execIn(this.#context.engine, this.#created(), command);
  }

  async runOnce(command: readonly string[], options: { entrypoint?: readonly string[]; timeoutMs?: number } = {}): Promise<ExecResult> {
    const create = oneOffOptions(this.plan, this.#context.place(), command, options.entrypoint ?? null);
    return await runOnce(this.#context.engine, create, options.timeoutMs ?? 60_000);
  }

  /** Changes how much CPU it may use from now on. */
  async limitCpu(cpuMilli: number): Promise<void> {
    if (this.running) await unlessGone(this.#created().update(cpuQuota(cpuMilli)));
  }

  async remove(): Promise<void> {
    if (this.#container === null) return;
    await removeContainer(this.#container);
    this.record({ kind: "removed" });
  }

  record(event: Omit<Parameters<Recorder["record"]>[0], "replica" | "container">): void {
    this.#context.recorder.record({ replica: this.#context.replica, container: this.name, ...event });
  }

  #created(): DockerContainer {
    if (this.#container === null) throw new RangeError(`container ${this.name} does not exist yet`);
    return this.#container;
  }

  #end(code: number, detail: string | null): void {
    this.state = "exited";
    this.exitCode = code;
    this.record({ kind: "exited", exitCode: code, ...(detail === null ? {} : { detail }) });
  }

  async #whyEnded(container: DockerContainer): Promise<string | null> {
    try {
      const { State } = await container.inspect();
      if (State.OOMKilled) return `out of memory: its limit is ${this.model.resources.memoryMiB} MiB`;
    } catch (error) {
      if (refusal(error) !== 404) throw error;
    }
    return null;
  }

  /** Both streams as lines, from now on until the run ends. */
  #readLines(container: DockerContainer): { attached: Promise<void>; ended: Promise<void> } {
    const { engine, recorder, replica, onLog } = this.#context;
    const take = (stream: "stdout" | "stderr") => (text: string) => {
      const line: LogLine = { at: recorder.at(), replica, container: this.name, stream, text };
      this.tail.add(line);
      onLog?.(line);
      if (this.model.role === "sidecar") this.#noteSidecar(text);
    };
    const attach = container.attach({ stream: true, stdout: true, stderr: true });
    const ended = attach.then(async (source) => {
      const outputs = (["stdout", "stderr"] as const).map((name) => ({ pass: new PassThrough(), lines: new LineReader(take(name)) }));
      const [stdout, stderr] = outputs;
      for (const { pass, lines } of outputs) pass.on("data", (piece: Buffer) => lines.push(piece));
      engine.docker.modem.demuxStream(source, stdout!.pass, stderr!.pass);
      await new Promise<void>((resolve) => source.on("end", resolve).on("close", resolve).on("error", resolve));
      for (const { lines } of outputs) lines.end();
    });
    ended.catch(() => {});
    return { attached: attach.then(() => {}), ended };
  }

  #noteSidecar(text: string): void {
    const receipts = drainedReceipts(text);
    if (receipts !== null) this.record({ kind: "drained", receipts });
    const why = explains(text);
    if (why !== null) this.record({ kind: "log", detail: why });
  }
}

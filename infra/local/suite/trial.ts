import { randomBytes } from "node:crypto";
import { encodeBearer } from "../../../sidecar/wire/bearer.ts";
import { CAPABILITY_SCHEMA, issueCapability } from "../../../sidecar/wire/capability.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import type { HttpReceipt } from "../../../sidecar/wire/types.ts";
import { assertValid, type Container, type PlatformTopology } from "../../topology/index.ts";
import { LocalRunError } from "../errors.ts";
import { startTopology } from "../start-topology.ts";
import type { StartedTopology, StartTopologyOptions, Timeline, TimelineEvent } from "../types.ts";
import { DockerHand, SUITE_LABEL } from "./docker-hand.ts";
import { told } from "./events.ts";
import { Caller } from "./load.ts";
import type { LifecycleSubject } from "./subject.ts";

/** What one test changes about the subject's run. */
export interface TrialOptions extends Omit<Partial<StartTopologyOptions>, "platform" | "onEvent"> {
  /** Called for each event; what it starts is awaited before the trial ends. */
  readonly onEvent?: (event: TimelineEvent, hand: DockerHand) => Promise<void> | void;
  /** The graph to run in place of the subject's. */
  readonly graph?: PlatformTopology;
}

/** A start that the platform gave up. */
export interface FailedStart {
  readonly error: LocalRunError;
  readonly timeline: Timeline;
}

/** The report of `chio checkpoint verify`. */
export interface LogReport {
  readonly ok: boolean;
  readonly receipts: number;
  readonly checkpoints: number;
  readonly open_decisions: { readonly count: number };
}

/** The subject, running once: with a signing key of its own, its capability, and a hand on its containers. */
export class Trial implements AsyncDisposable {
  readonly graph: PlatformTopology;
  readonly started: StartedTopology;
  readonly caller: Caller;
  readonly hand: DockerHand;
  readonly publicKeyHex: string;
  readonly #pending: Promise<unknown>[];

  private constructor(
    graph: PlatformTopology,
    started: StartedTopology,
    caller: Caller,
    hand: DockerHand,
    key: Keypair,
    pending: Promise<unknown>[],
  ) {
    this.graph = graph;
    this.started = started;
    this.caller = caller;
    this.hand = hand;
    this.publicKeyHex = key.publicKeyHex;
    this.#pending = pending;
  }

  /** Rejects when the topology does not get ready. */
  static async start(subject: LifecycleSubject, options: TrialOptions = {}): Promise<Trial> {
    const result = await Trial.attempt(subject, options);
    if (result instanceof Trial) return result;
    throw result.error;
  }

  /** The running subject, or why it does not run. Rejects only for what is no decision of the platform, such as a missing image. */
  static async attempt(subject: LifecycleSubject, options: TrialOptions = {}): Promise<Trial | FailedStart> {
    const { onEvent, graph: changed, ...further } = options;
    const graph = changed ?? graphOf(subject);
    const suite = randomBytes(6).toString("hex");
    const hand = new DockerHand(suite);
    const key = Keypair.generate();
    const pending: Promise<unknown>[] = [];
    try {
      const started = await startTopology(graph, {
        ...given(subject),
        ...further,
        platform: subject.platform,
        secrets: { ...subject.secrets, [signingKeyName(graph)]: hexSeed(key), ...further.secrets },
        labels: { ...subject.labels, [SUITE_LABEL]: suite },
        onEvent: (event) => void pending.push(Promise.resolve(onEvent?.(event, hand))),
      });
      const caller = new Caller(started.ingressUrl, everyRoute(key), subject.call);
      return new Trial(graph, started, caller, hand, key, pending);
    } catch (error) {
      if (!(error instanceof LocalRunError) || error.timeline === undefined) throw error;
      return { error, timeline: error.timeline };
    } finally {
      await Promise.all(pending);
    }
  }

  get timeline(): Timeline {
    return this.started.timeline;
  }

  get sidecarName(): string {
    return sidecarOf(this.graph).name;
  }

  get appName(): string {
    return appOf(this.graph).name;
  }

  /** Every receipt of a replica's store, by id. `chio receipt list` verifies each before it prints it. Also for a replica that has ended. */
  async receipts(replica?: string): Promise<Map<string, HttpReceipt>> {
    const output = await this.#chio(replica, "receipt", "list", "--receipt-db", storeOf(this.graph), "--limit", "1000000");
    const lines = output.split("\n").filter((line) => line.startsWith("{"));
    return new Map(lines.map((line) => JSON.parse(line) as HttpReceipt).map((receipt) => [receipt.id, receipt]));
  }

  /** Verifies the chain of a replica's store under the trial's key. Throws with the report when anything is wrong with it. */
  async verifyLog(replica?: string): Promise<LogReport> {
    const key = ["--trusted-key", this.publicKeyHex];
    return JSON.parse(await this.#chio(replica, "checkpoint", "verify", "--receipt-db", storeOf(this.graph), ...key)) as LogReport;
  }

  /** Starts the new version under the same signing key. */
  async rollout(graph: PlatformTopology, options: Parameters<StartedTopology["rollout"]>[1] = {}): Promise<void> {
    await this.started.rollout(graph, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.caller.close();
    await this.started.remove();
    await Promise.allSettled(this.#pending);
  }

  async #chio(replica: string | undefined, ...command: string[]): Promise<string> {
    const { exitCode, output } = await this.started.container(this.sidecarName, replica).run(command, { timeoutMs: 120_000 });
    if (exitCode !== 0) throw new Error(`chio ${command.slice(0, 2).join(" ")} ended with ${exitCode}:\n${output.slice(-4000)}`);
    return output;
  }
}

/** The failed start, and nothing else. */
export async function mustFail(result: Trial | FailedStart): Promise<FailedStart> {
  if (!(result instanceof Trial)) {
    if (result.error.code === "never_ready") return result;
    throw result.error;
  }
  const { timeline } = result;
  await result[Symbol.asyncDispose]();
  throw new Error(`it got ready, and must not:\n${told(timeline)}`);
}

/** The graph of the subject's platform. Throws `TopologyError` with every finding that was not accepted. */
export function graphOf(subject: LifecycleSubject): PlatformTopology {
  return assertValid(subject.topology, subject.platform, subject.acceptances).topology;
}

export function sidecarOf(graph: PlatformTopology): Container {
  return ofRole(graph, "sidecar");
}

export function appOf(graph: PlatformTopology): Container {
  return ofRole(graph, "app");
}

function ofRole(graph: PlatformTopology, role: Container["role"]): Container {
  const container = graph.containers.find((one) => one.role === role);
  if (container === undefined)
    throw new TypeError(`${graph.name} on ${graph.platform} has no ${role}: the lifecycle suite is for api-protect`);
  return container;
}

/** The graph with some containers changed. */
export function withContainers(graph: PlatformTopology, change: (container: Container) => Container): PlatformTopology {
  return { ...graph, containers: graph.containers.map(change) };
}

function storeOf({ name, receipts }: PlatformTopology): string {
  if (receipts.store === null) throw new TypeError(`${name} keeps no local store: its receipts cannot be counted here; set receipts.store`);
  return receipts.store;
}

function given({ images, secrets, baseDirectory, configDirectory, files, env, acceptances, hardening }: LifecycleSubject) {
  const all = { images, secrets, baseDirectory, configDirectory, files, env, acceptances, hardening };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as Partial<typeof all>;
}

function signingKeyName(graph: PlatformTopology): string {
  const binding = sidecarOf(graph).secrets.find((one) => one.purpose === "signing-key");
  if (binding === undefined) throw new TypeError(`${graph.name} on ${graph.platform} gives its sidecar no signing key`);
  return binding.name;
}

export const hexSeed = (key: Keypair) => Buffer.from(key.exportSeed()).toString("hex");

/** A bearer token for every route, signed by the sidecar's own key. */
export function everyRoute(issuer: Keypair): string {
  const now = Math.floor(Date.now() / 1000);
  return encodeBearer(
    issueCapability(
      {
        schema: CAPABILITY_SCHEMA,
        id: `lifecycle-${now}`,
        issuer: issuer.publicKeyHex,
        subject: Keypair.generate().publicKeyHex,
        scope: { grants: [{ server_id: "http", tool_name: "*", operations: ["invoke"] }] },
        issued_at: now - 5,
        expires_at: now + 3600,
      },
      issuer,
    ),
  );
}

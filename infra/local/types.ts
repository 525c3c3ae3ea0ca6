import type { Acceptance, AnyTopology, Platform } from "../topology/index.ts";
import type { Timeline, TimelineEvent } from "./timeline/types.ts";

export type { Timeline, TimelineEvent, TimelineEventKind } from "./timeline/types.ts";

/** What `startTopology` takes beside the topology. Names are those of the model. */
export interface StartTopologyOptions {
  /** Whose rules are played, and which graph of the topology is run. */
  readonly platform: Platform;
  /**
   * Image to run in place of the model's, by container name. What the model builds or bundles needs none. The sidecar's stands for every
   * container that the model makes from the same image.
   */
  readonly images?: Readonly<Record<string, string>>;
  /**
   * Values of the secrets, by the name they have in the model (`chio-signing-key`). A secret whose reference is a file or a variable of this
   * machine is read from there. Values are given to the containers that the model names, and appear in no log, event or error.
   */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Directory whose files stand for those below the configuration's mount: `spec/openapi.yaml` is `/etc/chio/spec/openapi.yaml`. */
  readonly configDirectory?: string;
  /**
   * Content of single files of the sidecar, by absolute path, or by the URL it would be fetched from (`s3://bucket/policy.yaml`): the sidecar
   * is then started with the path of the file in place of that URL.
   */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Variables set in place of the model's, by container name: what a cloud would give and this machine cannot. Each is noted in the timeline. */
  readonly env?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What relative paths of the model start from: build contexts, secrets and directories of this machine. @default the working directory */
  readonly baseDirectory?: string;
  /** @default the model's least number of replicas, at least 1 */
  readonly replicas?: number;
  /** Port of the ingress on 127.0.0.1. @default a free one */
  readonly hostPort?: number;
  /**
   * `eager`: what waits for its first success is tried every tenth of a second, so that a start takes as long as the containers do; failures
   * count as late as they would on the platform. `platform`: every probe at the platform's own time. @default eager
   */
  readonly pace?: Pace;
  /**
   * `model`: uids, read-only roots and dropped capabilities as the model has them, on every platform. `platform`: only where the platform has
   * them too, so that elsewhere the image alone decides. @default model
   */
  readonly hardening?: Hardening;
  /** Longest wait for the first replicas, and for a rollout's. @default what the platform would wait, from the model's probes */
  readonly readyTimeoutMs?: number;
  /** On top of those in the topology. */
  readonly acceptances?: readonly Acceptance[];
  /** Existing Docker network to join, for example one with a stand-in of a receipt engine. @default one of its own */
  readonly network?: string;
  /** Further labels on every container, volume and network. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Called for each event as it happens. It must not throw. */
  readonly onEvent?: (event: TimelineEvent) => void;
  /** Called for each line that a container writes. It must not throw. */
  readonly onLog?: (line: LogLine) => void;
  /** Progress of image builds and pulls. */
  readonly onImage?: (progress: ImageProgress) => void;
  /** Aborted: the start is given up, or the started topology is removed at once, without a drain. */
  readonly signal?: AbortSignal;
}

export type Pace = "eager" | "platform";
export type Hardening = "model" | "platform";

export interface LogLine {
  /** Milliseconds since the topology was started. */
  readonly at: number;
  readonly replica: string;
  readonly container: string;
  readonly stream: "stdout" | "stderr";
  /** Without its end of line. */
  readonly text: string;
}

export interface ImageProgress {
  readonly container: string;
  readonly image: string;
  readonly step: "present" | "pulling" | "building" | "ready";
  /** A line of the builder's or the registry's output. */
  readonly text?: string;
}

/** A topology that runs. `await using` stops it by the platform's rules and removes everything. */
export interface StartedTopology extends AsyncDisposable {
  readonly name: string;
  readonly platform: Platform;
  /** `http://127.0.0.1:PORT`: round robin over the replicas that are ready; 503 while none is. */
  readonly ingressUrl: string;
  /** Name of the Docker network that the replicas are on. */
  readonly network: string;
  /** What has happened so far, as plain data. */
  readonly timeline: Timeline;
  /** Names of the replicas that the deployment has now, in order. */
  readonly replicas: readonly string[];
  /** A container of the model. `replica` as in the timeline. @default the first replica of the deployment */
  container(name: string, replica?: string): StartedContainer;
  /**
   * New replicas become ready, traffic moves, the old ones drain and stop. Throws `LocalRunError` `rollout_failed` when the new ones do not get
   * ready: they are removed, the old ones stay and serve.
   */
  rollout(topology: AnyTopology, options?: RolloutOptions): Promise<void>;
  /** Sends a signal to a container's first process, as `docker kill` does. What follows is the platform's affair. */
  kill(name: string, signal: NodeJS.Signals, replica?: string): Promise<void>;
  /** Stops by the platform's rules, then removes containers, volumes and the network, unless they are to be kept for a look. A second call waits for the first. */
  stop(options?: StopOptions): Promise<void>;
  /** Removes what is left, at once and without a drain. */
  remove(): Promise<void>;
}

/** What a new version is run with. What is not given stays as it was. */
export type RolloutOptions = Pick<
  StartTopologyOptions,
  "images" | "secrets" | "baseDirectory" | "configDirectory" | "files" | "env" | "acceptances" | "readyTimeoutMs"
>;

export interface StopOptions {
  /** Keep stopped containers and volumes until `remove()`: to read exit codes, logs and receipts. @default false */
  readonly keep?: boolean;
}

export interface StartedContainer {
  readonly name: string;
  readonly replica: string;
  /** Id of the Docker container; empty before it exists. */
  readonly id: string;
  readonly state: "created" | "running" | "exited";
  /** Of the last run. Null while it runs. */
  readonly exitCode: number | null;
  readonly restarts: number;
  /** Runs a program in the running container. */
  exec(command: readonly string[]): Promise<ExecResult>;
  /**
   * Runs the container's image once more with the same user, volumes and hardening, without network and secrets: `["receipt", "list", …]` reads the
   * receipts of a sidecar, also after it has ended.
   */
  run(command: readonly string[], options?: { readonly entrypoint?: readonly string[]; readonly timeoutMs?: number }): Promise<ExecResult>;
  /** Last lines that it wrote, over all its runs, oldest first. At most 2000. */
  logs(): readonly LogLine[];
}

export interface ExecResult {
  readonly exitCode: number;
  /** Both streams, in order. */
  readonly output: string;
}

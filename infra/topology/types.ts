import type { PolicySource } from "./policy-source.ts";
import type { ReceiptSink } from "./receipt-sink.ts";
import type { SecretRef } from "./secret-ref.ts";
import type { SettingsOf } from "./settings.ts";

/** Where a topology runs. `local` is a machine with Docker or systemd. */
export type Platform = "ecs" | "cloud-run" | "aca" | "local";
export const PLATFORMS = ["ecs", "cloud-run", "aca", "local"] as const satisfies readonly Platform[];
/** What people call them. */
export const PLATFORM_NAMES: { readonly [P in Platform]: string } = {
  ecs: "ECS Fargate",
  "cloud-run": "Cloud Run",
  aca: "Azure Container Apps",
  local: "this machine",
};

/**
 * One deployment, complete and explicit, for every platform. `defineTopology` is the only place where a default enters: what follows it
 * reads values, it never invents one. Plain data: it can be logged, compared and serialized.
 */
export interface Topology {
  readonly kind: "topology";
  readonly name: string;
  readonly graphs: { readonly [P in Platform]: TopologyFor<P> };
}

/** The deployment as one platform runs it. Edit a copy of it to try something the props cannot say; `validate` checks it all the same. */
export interface TopologyFor<P extends Platform> {
  readonly kind: "platform-topology";
  readonly platform: P;
  readonly name: string;
  readonly mode: SidecarMode;
  readonly architecture: Architecture;
  /** Listed in start order where the edges leave a choice: init containers, the sidecar, then the others. */
  readonly containers: readonly Container[];
  readonly startOrder: readonly StartEdge[];
  readonly startGate: StartGate;
  readonly volumes: readonly Volume[];
  readonly ingress: Ingress;
  readonly scaling: Scaling;
  /** What the platform is asked for as a whole: a legal pair, at least the sum of the containers. */
  readonly resources: Resources;
  readonly policySource: PolicySource | null;
  readonly receipts: Receipts;
  readonly config: ConfigDelivery;
  readonly settings: SettingsOf[P];
  /** What `defineTopology` changed in the request to make it legal. Never silent: each shows as a finding. */
  readonly adjustments: readonly Adjustment[];
  /** Findings accepted by the props. `assertValid` takes more. */
  readonly accept: readonly Acceptance[];
}

/** The graph of one platform; for several, one of theirs. */
export type GraphOf<P extends Platform> = P extends Platform ? TopologyFor<P> : never;
export type PlatformTopology = GraphOf<Platform>;
export type AnyTopology = Topology | PlatformTopology;

export type Architecture = "amd64" | "arm64";
export type ContainerRole = "init" | "sidecar" | "app" | "auxiliary";

export interface Container {
  /** DNS label. */
  readonly name: string;
  readonly role: ContainerRole;
  readonly image: ImageRef;
  /** Replaces the image's ENTRYPOINT. Null keeps it; for the sidecar it is always null (INV-9). */
  readonly entrypoint: readonly string[] | null;
  /** Replaces the image's CMD. Null keeps it. */
  readonly args: readonly string[] | null;
  readonly workingDirectory: string | null;
  /** Plain values. No secret belongs here. */
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly SecretBinding[];
  readonly mounts: readonly Mount[];
  /** Memory file systems inside this container; only where the platform has them (ECS, local). */
  readonly tmpfs: readonly Tmpfs[];
  /** Ports announced to the platform. */
  readonly ports: readonly number[];
  /** Addresses that the process binds. */
  readonly listens: readonly Listen[];
  readonly probes: Probes;
  /** A command run inside the container (ECS, local). Null where the platform probes over the network. */
  readonly healthCheck: HealthCheck | null;
  readonly resources: Resources;
  /** `uid` or `uid:gid`. Null: the image's own USER, which the kit then cannot check. */
  readonly user: string | null;
  readonly readOnlyRoot: boolean;
  readonly capabilities: { readonly drop: readonly string[]; readonly add: readonly string[] };
  /** An init process as PID 1 that reaps and forwards signals (ECS). */
  readonly initProcess: boolean;
  /** When it ends, the replica ends. */
  readonly essential: boolean;
  readonly restart: RestartPolicy | null;
  /** From SIGTERM to SIGKILL. */
  readonly graceSeconds: number;
  /** How long others wait for this container to be ready (ECS `startTimeout`). Null: the platform's own. */
  readonly startTimeoutSeconds: number | null;
  /** Cloud Run only: CPU is withheld outside requests. */
  readonly cpuIdle: boolean;
}

/** `container` starts only when `dependsOn` has reached `condition`. */
export interface StartEdge {
  readonly container: string;
  readonly dependsOn: string;
  readonly condition: StartCondition;
}
export type StartCondition = "started" | "healthy" | "completed" | "succeeded";

/**
 * Who makes the app wait for the sidecar. `platform`: the orchestrator. `wrapper`: an init container leaves `program` in a shared volume and the
 * app starts through it. `traffic`: nobody; only requests wait, until every container is ready.
 */
export type StartGate =
  | { readonly kind: "platform" }
  | {
      readonly kind: "wrapper";
      readonly container: string;
      readonly program: string;
      readonly programLibc: "glibc" | "musl";
      readonly appLibc: "glibc" | "musl" | "none";
    }
  | { readonly kind: "traffic" };

export interface Probes {
  readonly startup: Probe | null;
  readonly liveness: Probe | null;
  readonly readiness: Probe | null;
}

export interface Probe {
  readonly action: ProbeAction;
  readonly initialDelaySeconds: number;
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly failureThreshold: number;
  readonly successThreshold: number;
}

export type ProbeAction =
  | { readonly kind: "http"; readonly path: string; readonly port: number | null }
  | { readonly kind: "tcp"; readonly port: number | null }
  | { readonly kind: "exec"; readonly command: readonly string[] };

export interface HealthCheck {
  /** Exec form without the leading `CMD`: program and arguments, no shell. */
  readonly command: readonly string[];
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly retries: number;
  readonly startPeriodSeconds: number;
}

export type ImageRef =
  /** A registry reference. Pinned when it ends in `@sha256:` and 64 hex digits. */
  | { readonly kind: "registry"; readonly reference: string }
  /** The kit's own Dockerfile, built by the construct that deploys it, with `configDirectory` (if any) as its `/etc/chio`. */
  | { readonly kind: "bundled"; readonly flavor: SidecarFlavor; readonly configDirectory: string | null }
  /** A build of the user's, done by the construct. Paths are relative to the program or the input file. */
  | { readonly kind: "build"; readonly context: string; readonly dockerfile: string; readonly target: string | null }
  /** A reference that only the deploying tool knows, with its word for how it is pinned. */
  | { readonly kind: "provided"; readonly reference: string; readonly pinnedBy: "digest" | "content-hash" };

/** `distroless`: glibc, uid 65532. `alpine`: musl, uid 10001. */
export type SidecarFlavor = "distroless" | "alpine";

export type SecretPurpose = "signing-key" | "authority-url" | "control-token" | "config-file" | "other";

export interface SecretBinding {
  /** Name of the secret inside the deployment: DNS label (the ACA secret, the compose secret). */
  readonly name: string;
  readonly purpose: SecretPurpose;
  /** `env`: the value is in variable `env`. `file`: the value is at `path`, and `env`, if any, holds that path. */
  readonly target:
    | { readonly kind: "env"; readonly env: string }
    | { readonly kind: "file"; readonly path: string; readonly env: string | null };
  readonly ref: SecretRef;
}

export interface Mount {
  readonly volume: string;
  readonly path: string;
  readonly readOnly: boolean;
}

export interface Tmpfs {
  readonly path: string;
  readonly sizeMiB: number;
}

export type Volume =
  | { readonly kind: "empty"; readonly name: string; readonly medium: "disk" | "memory"; readonly sizeMiB: number | null }
  | {
      readonly kind: "efs";
      readonly name: string;
      readonly fileSystemId: string;
      readonly accessPointId: string | null;
      /** Null with an access point, which has its own root. */
      readonly rootDirectory: string | null;
      readonly transitEncryption: boolean;
      readonly iam: boolean;
    }
  /** `files` null mounts every secret of the app (ACA): always a finding. */
  | { readonly kind: "secret"; readonly name: string; readonly files: readonly SecretFile[] | null }
  | { readonly kind: "gcs"; readonly name: string; readonly bucket: string; readonly readOnly: boolean }
  | { readonly kind: "azure-file"; readonly name: string; readonly storageName: string; readonly readOnly: boolean }
  | { readonly kind: "host"; readonly name: string; readonly source: string };
export type VolumeKind = Volume["kind"];

export interface SecretFile {
  /** As `SecretBinding.name`. */
  readonly secretName: string;
  readonly ref: SecretRef;
  /** File name below the mount path. */
  readonly path: string;
}

export interface Listen {
  readonly host: string;
  readonly port: number;
}

export interface Ingress {
  readonly container: string;
  readonly port: number;
  /** `internal`: reachable inside the network only. `external`: from the Internet. */
  readonly exposure: "internal" | "external";
  readonly additionalPorts: readonly number[];
  /** Plain HTTP from outside. */
  readonly allowInsecure: boolean;
  readonly requestTimeoutSeconds: number;
}

export interface Scaling {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** Requests a replica takes at a time. */
  readonly concurrency: number;
}

/** CPU in thousandths of a core (ECS: 1024 units are 1000), memory in MiB. */
export interface Resources {
  readonly cpuMilli: number;
  readonly memoryMiB: number;
}

export interface RestartPolicy {
  readonly attemptPeriodSeconds: number;
  readonly ignoredExitCodes: readonly number[];
}

export interface Receipts {
  readonly sinks: readonly ReceiptSink[];
  /** What an answer waits for: the local store, or the remote engine. */
  readonly acknowledge: "ledger" | "sink";
  /** SQLite file inside the sidecar. Null: receipts are kept nowhere but in the sinks (`--allow-ephemeral-receipts`). */
  readonly store: string | null;
}

/** How spec, policy and kernel.yaml come into the sidecar. */
export type ConfigDelivery =
  /** In a layer of the sidecar's image, at the stated paths. */
  | { readonly kind: "image" }
  | {
      readonly kind: "efs";
      readonly fileSystemId: string;
      readonly accessPointId: string | null;
      readonly rootDirectory: string | null;
      readonly transitEncryption: boolean;
      readonly iam: boolean;
      readonly mountPath: string;
    }
  /** One read-only mount per file: Secret Manager and Key Vault secrets, or files of the host. */
  | { readonly kind: "secret-files"; readonly files: readonly ConfigFile[] }
  /** The sidecar fetches each file itself before it listens. `base` ends in a slash. */
  | { readonly kind: "fetched"; readonly base: string }
  | { readonly kind: "gcs"; readonly bucket: string; readonly mountPath: string }
  | { readonly kind: "azure-file"; readonly storageName: string; readonly mountPath: string }
  | { readonly kind: "host"; readonly directory: string; readonly mountPath: string };
export type ConfigKind = ConfigDelivery["kind"];

export interface ConfigFile {
  /** Absolute path inside the sidecar. */
  readonly path: string;
  readonly ref: SecretRef;
}

export interface ApiProtectMode {
  readonly kind: "api-protect";
  readonly upstream: string;
  /** OpenAPI document: path inside the sidecar, or URL when the config is fetched. Null: discovered from the running app. */
  readonly spec: string | null;
  /** `--policy`: file inside the sidecar. Null when the policy comes from `policySource`. */
  readonly policy: string | null;
  readonly extraArgs: readonly string[];
}

export interface McpServeHttpMode {
  readonly kind: "mcp-serve-http";
  readonly serverId: string;
  readonly serverName: string | null;
  readonly policy: string;
  /** The wrapped MCP server, run inside the sidecar's container. Empty only for the built-in `local-mock`. */
  readonly command: readonly string[];
  readonly extraArgs: readonly string[];
}
export type SidecarMode = ApiProtectMode | McpServeHttpMode;

export type InvariantId = "INV-1" | "INV-2" | "INV-3" | "INV-4" | "INV-5" | "INV-6" | "INV-7" | "INV-8" | "INV-9" | "INV-10";
export type Severity = "error" | "warning" | "info";

export interface Finding {
  /** Stable: `CHIO-…`. Listed in docs/topology.md. */
  readonly code: string;
  readonly severity: Severity;
  /** Where in the topology: `containers.app.ports[0]`. */
  readonly path: string;
  readonly message: string;
  readonly fix: string;
  readonly link: string;
}

/** A finding that somebody takes on. Matches by code; by path and platform only where they are given. */
export interface Acceptance {
  readonly code: string;
  readonly reason: string;
  readonly path?: string;
  readonly platform?: Platform;
}

export interface AcceptedFinding extends Finding {
  readonly reason: string;
}

export interface Adjustment {
  readonly kind: "grace" | "resources";
  readonly path: string;
  readonly requested: string;
  readonly used: string;
  readonly why: string;
}

import type { PolicySource } from "./policy-source.ts";
import type { ReceiptSink } from "./receipt-sink.ts";
import type { SecretRef } from "./secret-ref.ts";
import type { AcaSettings, CloudRunSettings, EcsSettings, LocalSettings } from "./settings.ts";
import type { Acceptance, Architecture, ConfigDelivery, HealthCheck, ImageRef, Platform } from "./types.ts";

/**
 * A value, or one per platform. `default` holds where a platform has none of its own; where that is missing too, the property counts as
 * not given there.
 */
export type Choice<T> = T | { readonly byPlatform: { readonly [P in Platform]?: T } & { readonly default?: T } };

/** What `defineTopology` takes. The input file has the same form. */
export interface TopologyProps {
  /** DNS label: name of the service, and the stem of the names made from it. */
  readonly name: string;
  readonly mode: SidecarModeProps;
  /** Required for `api-protect`. */
  readonly app?: AppProps;
  readonly sidecar?: SidecarProps;
  /** Further long-running containers beside the app, a metrics collector for example. They wait for the sidecar too. */
  readonly auxiliary?: readonly AuxiliaryProps[];
  /** Containers that run to their end before the others start. Not on Cloud Run. */
  readonly init?: readonly InitProps[];
  readonly secrets?: SecretsProps;
  readonly policySource?: Choice<string | PolicySource>;
  readonly receipts?: ReceiptsProps;
  readonly config?: Choice<ConfigProps>;
  /** @default internal on ECS and Azure, external on Cloud Run (where no caller is let in until it is named) */
  readonly exposure?: Choice<"internal" | "external">;
  readonly scaling?: Choice<ScalingProps>;
  /** Longest request. @default 60 on ECS, 300 on Cloud Run, 240 on Azure, 300 locally */
  readonly requestTimeoutSeconds?: Choice<number>;
  /** From SIGTERM to SIGKILL. @default 30; Cloud Run has 10 and no other */
  readonly graceSeconds?: Choice<number>;
  /** @default grace less 2 s */
  readonly shutdownDrainMs?: Choice<number>;
  /** @default amd64 */
  readonly architecture?: Architecture;
  readonly ecs?: Partial<EcsProps>;
  readonly cloudRun?: Partial<CloudRunProps>;
  readonly aca?: Partial<AcaProps>;
  readonly local?: Partial<LocalSettings>;
  readonly accept?: readonly Acceptance[];
}

/** Made by `apiProtect` and `mcpServeHttp`; the input file writes them out, with `kind`. */
export type SidecarModeProps = ApiProtectProps | McpServeHttpProps;

export interface ApiProtectProps {
  readonly kind: "api-protect";
  /** @default the app's port on 127.0.0.1 */
  readonly upstream?: string;
  /** OpenAPI document inside the sidecar. Null: ask the running app, which cannot be combined with a start order. */
  readonly spec: string | null;
  readonly policy?: string;
  readonly extraArgs?: readonly string[];
}

export interface McpServeHttpProps {
  readonly kind: "mcp-serve-http";
  readonly serverId: string;
  readonly serverName?: string;
  readonly policy: string;
  readonly command?: readonly string[];
  readonly extraArgs?: readonly string[];
}

/** Protects an HTTP app: the sidecar is a reverse proxy in front of it. `spec`: path of the OpenAPI document inside the sidecar. */
export function apiProtect(props: Omit<ApiProtectProps, "kind">): ApiProtectProps {
  return { kind: "api-protect", ...props };
}

/** Wraps an MCP server that speaks over stdio; `command` runs inside the sidecar's container. */
export function mcpServeHttp(props: Omit<McpServeHttpProps, "kind">): McpServeHttpProps {
  return { kind: "mcp-serve-http", ...props };
}

export type ImageProps = string | ImageRef;

/** `cpu`: cores as a number, or a quantity ("500m", "0.5"). `memory`: a quantity ("128Mi", "1.5Gi") or MiB as a number. */
export interface ResourcesProps {
  readonly cpu: string | number;
  readonly memory: string | number;
}

interface ContainerProps {
  readonly image: Choice<ImageProps>;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly workingDirectory?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, Choice<string | SecretRef>>>;
  readonly resources?: Choice<ResourcesProps>;
  /** `uid:gid`, or `image` for the image's own USER. @default 1000:1000 */
  readonly user?: string;
  /** @default true */
  readonly readOnlyRoot?: boolean;
  /** Writable directories, in memory. @default /tmp with 64 MiB */
  readonly writable?: readonly { readonly path: string; readonly sizeMiB: number }[];
}

export interface AppProps extends ContainerProps {
  /** @default app */
  readonly name?: string;
  /** @default 8080 */
  readonly port?: number;
  /** Address the app binds. The model cannot see it: what is stated here is what is checked. @default 127.0.0.1 */
  readonly bind?: string;
  /** Path of an HTTP health endpoint, `tcp` to see only whether the port is open, or `none`. @default tcp */
  readonly health?: string;
  /** Health command inside the app's image, exec form (ECS and local, which have no network probe). @default none */
  readonly healthCommand?: Partial<HealthCheck> & Pick<HealthCheck, "command">;
  /** Which libc the app's image has; `none` for a static one. Azure's start gate is a program that must run in it. @default glibc */
  readonly libc?: "glibc" | "musl" | "none";
}

export interface SidecarProps {
  /** @default chio-sidecar */
  readonly name?: string;
  /** @default the bundled distroless image */
  readonly image?: Choice<ImageProps>;
  /** Which of the two images a registry reference is. It fixes the uid. @default distroless */
  readonly flavor?: "distroless" | "alpine";
  /** @default 9090 */
  readonly port?: number;
  /** @default /chio/health */
  readonly healthPath?: string;
  /** @default /etc/chio/kernel/kernel.yaml with secret files, else /etc/chio/kernel.yaml. With a baked configuration the image's own. Null: none has to be there */
  readonly kernelConfig?: string | null;
  /** @default info */
  readonly logLevel?: "trace" | "debug" | "info" | "warn" | "error";
  /** Hex public keys. */
  readonly trustedIssuers?: readonly string[];
  /** @default off */
  readonly policyRefresh?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly resources?: Choice<ResourcesProps>;
  readonly user?: string;
  readonly readOnlyRoot?: boolean;
  /** Exec form. @default the program's own `chio health`; on ECS with `--exclude sinks`, since ECS replaces a task that is not healthy */
  readonly healthCommand?: Partial<HealthCheck>;
  readonly startup?: { readonly periodSeconds?: number; readonly attempts?: number };
}

export interface AuxiliaryProps extends ContainerProps {
  readonly name: string;
  /** Ports it listens on, on loopback. */
  readonly listens?: readonly number[];
}

export interface InitProps extends ContainerProps {
  readonly name: string;
}

/** Seen by the sidecar alone. */
export interface SecretsProps {
  readonly signingKey?: Choice<string | SecretRef>;
  readonly capabilityAuthorityUrl?: Choice<string | SecretRef>;
  readonly controlToken?: Choice<string | SecretRef>;
  /** Further variables of the sidecar, `PGPASSWORD` for example. */
  readonly env?: Readonly<Record<string, Choice<string | SecretRef>>>;
}

export interface ReceiptsProps {
  /** @default stdout */
  readonly sink?: Choice<string | ReceiptSink | readonly (string | ReceiptSink)[]>;
  /** @default sink where there is a remote one, else ledger */
  readonly acknowledge?: Choice<"ledger" | "sink">;
  /** Null: no local store. @default /var/lib/chio/receipts.sqlite */
  readonly store?: string | null;
}

/** As `ConfigDelivery`, with references as text and the secure settings as defaults. */
export type ConfigProps =
  | Exclude<ConfigDelivery, { kind: "efs" | "secret-files" | "fetched" | "gcs" | "azure-file" | "host" }>
  | {
      readonly kind: "efs";
      readonly fileSystemId: string;
      readonly accessPointId?: string;
      readonly rootDirectory?: string;
      readonly transitEncryption?: boolean;
      readonly iam?: boolean;
      readonly mountPath?: string;
    }
  | { readonly kind: "secret-files"; readonly files: readonly { readonly path: string; readonly ref: string | SecretRef }[] }
  | { readonly kind: "fetched"; readonly base: string }
  | { readonly kind: "gcs"; readonly bucket: string; readonly mountPath?: string }
  | { readonly kind: "azure-file"; readonly storageName: string; readonly mountPath?: string }
  | { readonly kind: "host"; readonly directory: string; readonly mountPath?: string };

export interface ScalingProps {
  readonly minReplicas?: number;
  readonly maxReplicas?: number;
  readonly concurrency?: number;
}

/** Nested settings may be given in part. */
export type EcsProps = Omit<EcsSettings, "logs" | "circuitBreaker" | "loadBalancer"> & {
  readonly logs: Partial<EcsSettings["logs"]>;
  readonly circuitBreaker: Partial<EcsSettings["circuitBreaker"]>;
  readonly loadBalancer: {
    readonly certificateArn?: string | null;
    readonly healthCheck?: Partial<EcsSettings["loadBalancer"]["healthCheck"]>;
  };
};
/** `cpuIdle`: one value for all containers. `readinessProbe` is a preview of Cloud Run: it sets the launch stage to BETA. */
export type CloudRunProps = CloudRunSettings & { readonly cpuIdle: boolean; readonly readinessProbe: boolean };
/** `startGate`: start the app through a wrapper that waits for the sidecar. Needs `app.command`. */
export type AcaProps = Omit<AcaSettings, "usesWorkloadIdentity"> & { readonly startGate: boolean };

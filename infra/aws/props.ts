import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import type { DockerImageAsset } from "aws-cdk-lib/aws-ecr-assets";
import type { ContainerImage } from "aws-cdk-lib/aws-ecs";
import type { IAccessPoint, IFileSystem } from "aws-cdk-lib/aws-efs";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { RetentionDays } from "aws-cdk-lib/aws-logs";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { IParameter } from "aws-cdk-lib/aws-ssm";
import type {
  Acceptance,
  Architecture,
  EcsSettings,
  HealthCheck,
  ResourcesProps,
  SidecarModeProps,
  SidecarProps,
} from "../topology/index.ts";
import type { ChioImage } from "./image.ts";

/** A reference with a digest, an image of the CDK, or an asset. */
export type ChioAppImage = string | ContainerImage | DockerImageAsset;

/** A secret of Secrets Manager, one JSON field or version of it, or a SecureString of Systems Manager. */
export type ChioSecret =
  | ISecret
  | IParameter
  | {
      readonly secret: ISecret;
      /** JSON field of the value. @default the whole value */
      readonly field?: string;
      /** @default AWSCURRENT, resolved when a task starts */
      readonly versionStage?: string;
      /** @default none: the stage decides */
      readonly versionId?: string;
    };

/** An object in a bucket, or the text of CHIO_POLICY_SOURCE: `s3://BUCKET/KEY`, `https://HOST/PATH`, `/PATH`. */
export type ChioPolicySource = string | { readonly bucket: IBucket; readonly key: string };

/** A table, a bucket with a prefix, or the text of CHIO_RECEIPT_SINK, such as `stdout` or `https://HOST/PATH`. */
export type ChioReceiptSink =
  | string
  | { readonly table: ITable }
  | {
      readonly bucket: IBucket;
      /** @default the bucket's root */
      readonly prefix?: string;
    };

export interface ChioReceiptsProps {
  /** @default stdout */
  readonly sink?: ChioReceiptSink | readonly ChioReceiptSink[];
  /** What an answer waits for. @default sink where there is a remote one, else ledger */
  readonly acknowledge?: "ledger" | "sink";
  /** Null: no local store. @default /var/lib/chio/receipts.sqlite */
  readonly store?: string | null;
}

/** How spec, policy and kernel.yaml come to the sidecar. */
export type ChioConfig =
  /** In a layer of the sidecar's image: nothing to fetch, nothing to change at run time. */
  | { readonly kind: "image" }
  /** Mounted read-only with TLS and IAM, through an access point. Who may write the file system decides the policy. */
  | {
      readonly kind: "efs";
      readonly fileSystem: IFileSystem;
      readonly accessPoint: IAccessPoint;
      /** @default /etc/chio */
      readonly mountPath?: string;
    }
  /** Fetched by the sidecar before it listens. It fails closed without. */
  | {
      readonly kind: "fetched";
      readonly bucket: IBucket;
      /** Ends in a slash. @default the bucket's root */
      readonly prefix?: string;
    };

/** Props of the sidecar's container. */
export interface ChioSidecarContainerProps extends Omit<SidecarProps, "image" | "flavor" | "resources" | "name"> {
  /** @default chio-sidecar */
  readonly containerName?: string;
  /** @default the bundled distroless image */
  readonly image?: ChioImage;
  /** CPU in cores, memory as a quantity. @default 0.125 CPU and 128Mi; more with a wrapped MCP server */
  readonly resources?: ResourcesProps;
}

export interface ChioContainerProps {
  readonly image: ChioAppImage;
  /** Replaces the image's ENTRYPOINT. @default the image's */
  readonly entryPoint?: readonly string[];
  /** Replaces the image's CMD. @default the image's */
  readonly command?: readonly string[];
  /** @default the image's */
  readonly workingDirectory?: string;
  /** Plain variables. No secret belongs here. @default none */
  readonly environment?: Readonly<Record<string, string>>;
  /** Variables from Secrets Manager or Systems Manager. The sidecar's secrets are refused here. @default none */
  readonly secrets?: Readonly<Record<string, ChioSecret>>;
  /** @default 0.375 CPU and 896Mi for the app, 0.125 CPU and 128Mi for others; the app gets what rounding up leaves over */
  readonly resources?: ResourcesProps;
  /** `uid:gid`, or `image` for the image's own USER. @default 1000:1000 */
  readonly user?: string;
  /** @default true */
  readonly readonlyRootFilesystem?: boolean;
  /** Writable directories, in memory. @default /tmp with 64 MiB */
  readonly writable?: readonly { readonly path: string; readonly sizeMiB: number }[];
}

export interface ChioAppProps extends ChioContainerProps {
  /** @default app */
  readonly containerName?: string;
  /** @default 8080 */
  readonly port?: number;
  /** Address that the app binds. What is stated here is what is checked. @default 127.0.0.1 */
  readonly bind?: string;
  /** Health command inside the app's image, exec form without a leading CMD. @default none: ECS has no network probe for it */
  readonly healthCheck?: Partial<HealthCheck> & Pick<HealthCheck, "command">;
}

export interface ChioAuxiliaryProps extends ChioContainerProps {
  readonly containerName: string;
  /** Ports it listens on, on loopback. @default none */
  readonly listens?: readonly number[];
}

export interface ChioInitProps extends ChioContainerProps {
  readonly containerName: string;
}

export interface ChioLogsProps {
  /** @default 90 days */
  readonly retention?: RetentionDays;
  /** @default CloudWatch's own key */
  readonly encryptionKey?: IKey;
  /** The sidecar's log holds receipts: blocking drops none. @default blocking */
  readonly sidecarMode?: EcsSettings["logs"]["sidecarMode"];
  /** @default non-blocking */
  readonly appMode?: EcsSettings["logs"]["appMode"];
}

/** What a service and an extension have in common. */
export interface ChioProps {
  /** Made by `apiProtect({ spec })` or `mcpServeHttp({ serverId, policy, command })`. */
  readonly mode: SidecarModeProps;
  /** The seed that signs receipts. Resolved with the execution role, into the sidecar alone. */
  readonly signingKey: ChioSecret;
  /** @default none: trusted issuers only */
  readonly capabilityAuthorityUrl?: ChioSecret;
  /** @default none */
  readonly controlToken?: ChioSecret;
  /** Further variables of the sidecar from Secrets Manager or Systems Manager, such as PGPASSWORD. @default none */
  readonly sidecarSecrets?: Readonly<Record<string, ChioSecret>>;
  /** @default the bundled image with the defaults of the topology */
  readonly sidecar?: ChioSidecarContainerProps;
  /** @default none: the policy is in `mode.policy` or kernel.yaml */
  readonly policySource?: ChioPolicySource;
  /** @default stdout and the local store */
  readonly receipts?: ChioReceiptsProps;
  /** @default in the sidecar's image */
  readonly config?: ChioConfig;
  /** @default groups of their own for app and sidecar, 90 days */
  readonly logs?: ChioLogsProps;
  /** Seconds from SIGTERM to SIGKILL, 2 to 120. @default 30 */
  readonly graceSeconds?: number;
  /** @default amd64 */
  readonly architecture?: Architecture;
  /** Findings that you take on, each with a reason. @default none */
  readonly accept?: readonly Acceptance[];
}

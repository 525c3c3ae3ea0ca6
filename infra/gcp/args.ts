import type * as pulumi from "@pulumi/pulumi";
import type { AppArgs, AuxiliaryArgs, SidecarArgs } from "../pulumi/containers.ts";
import type { Acceptance, CloudRunEgress, ResourcesProps, SidecarModeProps } from "../topology/index.ts";

export type { ImageInput } from "../pulumi/containers.ts";

/**
 * A version of a Secret Manager secret: `projects/P/secrets/S/versions/7`, `secrets/S/versions/7` (in the service's project), the `name` of a
 * `gcp.secretmanager.SecretVersion`, or its parts. A reference, never the value.
 */
export type SecretInput =
  | pulumi.Input<string>
  | {
      /** Short name (`secretId`) or full name (`id`) of the secret. */
      readonly secret: pulumi.Input<string>;
      readonly version: pulumi.Input<string> | pulumi.Input<number>;
      /** @default the service's project */
      readonly project?: pulumi.Input<string>;
    };

export interface CloudRunAppArgs extends AppArgs<SecretInput> {
  /** @default 1 CPU and 512Mi */
  readonly resources?: ResourcesProps;
}

export interface CloudRunAuxiliaryArgs extends AuxiliaryArgs<SecretInput> {
  /** @default 0.25 CPU and 128Mi */
  readonly resources?: ResourcesProps;
}

export interface CloudRunSidecarArgs extends SidecarArgs {
  /** @default 0.5 CPU and 256Mi */
  readonly resources?: ResourcesProps;
  /** Startup probe. Period times attempts is at most 240 s. @default every second, 30 attempts */
  readonly startup?: { readonly periodSeconds?: number; readonly attempts?: number };
}

export type CloudRunPolicySource =
  | string
  | { readonly kind: "gs"; readonly bucket: pulumi.Input<string>; readonly object: pulumi.Input<string> }
  | { readonly kind: "https"; readonly url: pulumi.Input<string> };

export type CloudRunSink =
  | string
  | {
      readonly kind: "bigquery";
      readonly project: pulumi.Input<string>;
      readonly dataset: pulumi.Input<string>;
      readonly table: pulumi.Input<string>;
    }
  | { readonly kind: "gs"; readonly bucket: pulumi.Input<string>; readonly prefix?: string }
  | { readonly kind: "https"; readonly url: pulumi.Input<string> };

export type CloudRunConfig =
  /** In a layer of the sidecar's image. */
  | { readonly kind: "image" }
  /** One secret per file and directory, mounted read-only. */
  | { readonly kind: "secret-files"; readonly files: readonly { readonly path: string; readonly ref: SecretInput }[] }
  /** A bucket, mounted read-only at `/etc/chio`. */
  | { readonly kind: "gcs"; readonly bucket: pulumi.Input<string>; readonly mountPath?: string }
  /** The sidecar fetches its files before it listens. `base`: `gs://BUCKET/PREFIX/` or `https://HOST/PATH/`. */
  | { readonly kind: "fetched"; readonly base: string }
  | { readonly kind: "fetched"; readonly bucket: pulumi.Input<string>; readonly prefix?: string };

export type CloudRunVpcArgs =
  /** Direct VPC egress. */
  | {
      readonly kind: "direct";
      readonly network: pulumi.Input<string>;
      readonly subnetwork: pulumi.Input<string>;
      /** Network tags. @default none */
      readonly tags?: readonly pulumi.Input<string>[];
      /** @default private-ranges-only */
      readonly egress?: CloudRunEgress;
    }
  /** A Serverless VPC Access connector. */
  | {
      readonly kind: "connector";
      readonly connector: pulumi.Input<string>;
      /** @default private-ranges-only */
      readonly egress?: CloudRunEgress;
    };

/** A share of the traffic. Without `revision` it is the latest ready one. */
export interface TrafficTarget {
  /** Full name of a revision. @default the latest ready one */
  readonly revision?: pulumi.Input<string>;
  /** 0 to 100; all together 100. */
  readonly percent: pulumi.Input<number>;
  /** Makes a URL of its own for this target: `https://TAG---SERVICE-….run.app`. @default none */
  readonly tag?: pulumi.Input<string>;
}

/** What decides the shape (ports, names, kinds) is plain; values may be outputs of other resources. */
export interface ChioCloudRunServiceArgs {
  /** Region of the service. */
  readonly region: pulumi.Input<string>;
  /** @default the provider's project */
  readonly project?: pulumi.Input<string>;
  /** Name of the service: DNS label. @default the Pulumi name of the component */
  readonly name?: pulumi.Input<string>;
  /** `apiProtect({ spec })` or `mcpServeHttp({ … })`. */
  readonly mode: SidecarModeProps;
  /** The protected service. Required for `apiProtect`. */
  readonly app?: CloudRunAppArgs;
  readonly sidecar: CloudRunSidecarArgs;
  /** Further containers beside the app. They wait for the sidecar too. @default none */
  readonly auxiliary?: readonly CloudRunAuxiliaryArgs[];
  /** Seen by the sidecar alone. The signing key's version is a number. */
  readonly secrets: {
    readonly signingKey: SecretInput;
    /** @default none */
    readonly capabilityAuthorityUrl?: SecretInput;
    /** @default none */
    readonly controlToken?: SecretInput;
    /** Further variables of the sidecar. @default none */
    readonly env?: Readonly<Record<string, SecretInput>>;
  };
  /** The service account gets read access to this one object. @default the policy that mode and kernel.yaml name */
  readonly policySource?: CloudRunPolicySource;
  readonly receipts?: {
    /** The service account may add to it: nothing else on a bucket, `receiptRole` on a table. @default stdout, which Cloud Logging keeps */
    readonly sink?: CloudRunSink | readonly CloudRunSink[];
    /** What an answer waits for. @default sink where there is a remote one, else ledger */
    readonly acknowledge?: "ledger" | "sink";
    /** Local store; on Cloud Run it is in memory. Null: none. @default /var/lib/chio/receipts.sqlite */
    readonly store?: string | null;
    /** Role on the BigQuery table. A custom role with bigquery.tables.get and bigquery.tables.updateData is less. @default roles/bigquery.dataEditor */
    readonly receiptRole?: pulumi.Input<string>;
  };
  /** @default image */
  readonly config?: CloudRunConfig;
  /** `internal`: reached from the project's networks only. @default external, where no caller is let in until `invokers` names it */
  readonly exposure?: "internal" | "external";
  /** @default what `exposure` says: all, or internal */
  readonly ingress?: "all" | "internal" | "internal-and-cloud-load-balancing";
  /** Members that may call: `serviceAccount:…`, `group:…`. `allUsers` makes the service public, and only when written here. @default none */
  readonly invokers?: readonly pulumi.Input<string>[];
  readonly scaling?: {
    /** @default 1 */
    readonly minInstances?: pulumi.Input<number>;
    /** @default 100 */
    readonly maxInstances?: pulumi.Input<number>;
    /** Requests an instance takes at a time, 1 to 1000. @default 80 */
    readonly concurrency?: pulumi.Input<number>;
  };
  /** Longest request in seconds, at most 3600. @default 300 */
  readonly timeoutSeconds?: pulumi.Input<number>;
  /** Within Cloud Run's 10 s. @default 8000 */
  readonly shutdownDrainMs?: number;
  /** CPU only while a request is in flight, for all containers alike. @default false: policy refresh and receipts need it between requests */
  readonly cpuIdle?: boolean;
  /** @default true */
  readonly startupCpuBoost?: boolean;
  /** @default gen2 */
  readonly executionEnvironment?: "gen1" | "gen2";
  /** Readiness probe of the sidecar, a preview of Cloud Run: sets the launch stage to BETA. @default false */
  readonly readinessProbe?: boolean;
  /** @default none */
  readonly vpc?: CloudRunVpcArgs;
  /** `default` for the project's policy, or the name of a platform policy. @default none */
  readonly binaryAuthorization?: pulumi.Input<string>;
  /** Shares by revision. @default everything to the latest ready revision */
  readonly traffic?: readonly TrafficTarget[];
  /** Ends the name of the revision, `SERVICE-SUFFIX`; change it with every change. @default Cloud Run's own names */
  readonly revisionSuffix?: pulumi.Input<string>;
  /** E-mail address of an account that exists. It gets the same grants. @default an account of its own */
  readonly serviceAccount?: pulumi.Input<string>;
  /** 6 to 30 characters. @default made from the name */
  readonly serviceAccountId?: string;
  /** Refuse to delete the service. @default true */
  readonly deletionProtection?: pulumi.Input<boolean>;
  /** Cloud KMS key for the container images' layers. @default Google's keys */
  readonly encryptionKey?: pulumi.Input<string>;
  /** @default false */
  readonly sessionAffinity?: pulumi.Input<boolean>;
  /** Audiences of ID tokens that are taken beside the URL. @default none */
  readonly customAudiences?: readonly pulumi.Input<string>[];
  /** @default none */
  readonly labels?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Findings taken on, each by code and with a reason. @default none */
  readonly accept?: readonly Acceptance[];
}

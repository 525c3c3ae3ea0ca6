import type * as pulumi from "@pulumi/pulumi";
import type { AppArgs, AuxiliaryArgs, ContainerArgs, SidecarArgs } from "../pulumi/containers.ts";
import type { Acceptance, ResourcesProps, SidecarModeProps } from "../topology/index.ts";

export type { ImageInput } from "../pulumi/containers.ts";

/**
 * URL of a Key Vault secret, best with its version: `https://VAULT.vault.azure.net/secrets/NAME/VERSION`, or `properties.secretUriWithVersion`
 * of a `keyvault.Secret`. A reference, never the value.
 */
export type SecretInput = pulumi.Input<string>;

export interface ContainerAppAppArgs extends AppArgs<SecretInput> {
  /**
   * What the image starts (its ENTRYPOINT). With it the app's process is started by a program that waits for the sidecar; without it the app
   * starts at once, and only requests wait.
   */
  readonly command?: readonly string[];
  /** Which libc the app's image has; `none` for a static one, which the start gate cannot run in. @default glibc */
  readonly libc?: "glibc" | "musl" | "none";
  /** @default 0.75 CPU and 1.5Gi, and what is over from the next legal sum */
  readonly resources?: ResourcesProps;
}

export interface ContainerAppAuxiliaryArgs extends AuxiliaryArgs<SecretInput> {
  /** @default 0.25 CPU and 0.5Gi */
  readonly resources?: ResourcesProps;
}

/** Runs to its end before the others start. */
export interface ContainerAppInitArgs extends ContainerArgs<SecretInput> {
  /** DNS label. */
  readonly name: string;
  /** @default 0.25 CPU and 0.5Gi */
  readonly resources?: ResourcesProps;
}

export interface ContainerAppSidecarArgs extends SidecarArgs {
  /** @default 0.25 CPU and 0.5Gi */
  readonly resources?: ResourcesProps;
}

export type ContainerAppPolicySource =
  | string
  | {
      readonly kind: "azblob";
      readonly account: pulumi.Input<string>;
      readonly container: pulumi.Input<string>;
      readonly blob: pulumi.Input<string>;
    }
  | { readonly kind: "https"; readonly url: pulumi.Input<string> };

export type ContainerAppSink =
  | string
  | {
      readonly kind: "cosmosdb";
      readonly account: pulumi.Input<string>;
      /** Given together with `container`, or not at all. @default the sidecar's own */
      readonly database?: pulumi.Input<string>;
      readonly container?: pulumi.Input<string>;
    }
  /** The password is a secret: `secrets.env.PGPASSWORD`. */
  | {
      readonly kind: "postgres";
      readonly host: pulumi.Input<string>;
      readonly port?: number;
      readonly database: pulumi.Input<string>;
      readonly user?: pulumi.Input<string>;
      readonly parameters?: string;
    }
  | { readonly kind: "https"; readonly url: pulumi.Input<string> };

export type ContainerAppConfig =
  /** In a layer of the sidecar's image. */
  | { readonly kind: "image" }
  /** Key Vault secrets, mounted as files. At most 25 KB each. */
  | { readonly kind: "secret-files"; readonly files: readonly { readonly path: string; readonly ref: SecretInput }[] }
  /** A share that is registered with the environment as read-only, mounted at `/etc/chio`. */
  | { readonly kind: "azure-file"; readonly storageName: pulumi.Input<string>; readonly mountPath?: string }
  /** The sidecar fetches its files before it listens. `base`: `azblob://ACCOUNT/CONTAINER/PREFIX/` or `https://HOST/PATH/`. */
  | { readonly kind: "fetched"; readonly base: string }
  | {
      readonly kind: "fetched";
      readonly account: pulumi.Input<string>;
      readonly container: pulumi.Input<string>;
      readonly prefix?: string;
    };

/** An identity that exists; a `managedidentity.UserAssignedIdentity` is one. */
export interface ExistingIdentity {
  /** Resource id. */
  readonly id: pulumi.Input<string>;
  /** Gets the grants. Left out, none are made: the identity must have them. */
  readonly principalId?: pulumi.Input<string>;
}

export interface ExistingWorkloadIdentity extends ExistingIdentity {
  readonly clientId: pulumi.Input<string>;
}

/** An environment that exists (an `app.ManagedEnvironment` is one), or how to make one. */
export type ContainerAppEnvironment = { readonly id: pulumi.Input<string> } | NewEnvironment;

export interface NewEnvironment {
  readonly id?: undefined;
  /** Resource id of a subnet that is delegated to `Microsoft.App/environments`. @default a network of Azure's own */
  readonly infrastructureSubnetId?: pulumi.Input<string>;
  /** No address on the Internet: its apps are reached from the subnet's network. Needs a subnet. @default true with a subnet */
  readonly internal?: boolean;
  /** Needs a subnet. @default false */
  readonly zoneRedundant?: boolean;
  /** Days for which the workspace keeps the logs, receipts on stdout among them: 30 to 730. @default 90 */
  readonly logRetentionDays?: number;
  /** Dedicated profiles beside `Consumption`. @default none */
  readonly workloadProfiles?: readonly {
    readonly name: string;
    /** `D4` for example. */
    readonly type: string;
    readonly minimumCount: number;
    readonly maximumCount: number;
  }[];
}

/** A share of the traffic. Without `revision` it is the latest one that is ready. */
export interface TrafficWeight {
  /** Full name of a revision. @default the latest ready one */
  readonly revision?: pulumi.Input<string>;
  /** 0 to 100; all together 100. */
  readonly weight: pulumi.Input<number>;
  /** Makes a URL of its own for this revision: `https://APP---LABEL.…`. @default none */
  readonly label?: pulumi.Input<string>;
}

/** A KEDA scaler beside the one for HTTP: `{ name: "cpu", type: "cpu", metadata: { type: "Utilization", value: "70" } }`. */
export interface ScaleRule {
  readonly name: string;
  readonly type: pulumi.Input<string>;
  readonly metadata: Readonly<Record<string, pulumi.Input<string>>>;
  /** Resource id of an identity of the app that the scaler signs in with. Secrets of the app are not given to scalers. @default none */
  readonly identity?: pulumi.Input<string>;
}

/** What decides the shape (ports, names, kinds) is plain; values may be outputs of other resources. */
export interface ChioContainerAppArgs {
  /** Resource group of everything that is made here. */
  readonly resourceGroupName: pulumi.Input<string>;
  /** @default the resource group's */
  readonly location?: pulumi.Input<string>;
  /** Name of the app: 2 to 32 lower-case letters, digits and single dashes. @default the Pulumi name of the component */
  readonly name?: pulumi.Input<string>;
  /** `apiProtect({ spec })` or `mcpServeHttp({ … })`. */
  readonly mode: SidecarModeProps;
  /** The protected service. Required for `apiProtect`. */
  readonly app?: ContainerAppAppArgs;
  readonly sidecar: ContainerAppSidecarArgs;
  /** Further containers beside the app. @default none */
  readonly auxiliary?: readonly ContainerAppAuxiliaryArgs[];
  /** Containers that run to their end before the others start. @default none */
  readonly init?: readonly ContainerAppInitArgs[];
  /** Seen by the sidecar alone. */
  readonly secrets: {
    readonly signingKey: SecretInput;
    /** @default none */
    readonly capabilityAuthorityUrl?: SecretInput;
    /** @default none */
    readonly controlToken?: SecretInput;
    /** Further variables of the sidecar. @default none */
    readonly env?: Readonly<Record<string, SecretInput>>;
  };
  /** The workload identity gets read access to this one blob. @default the policy that mode and kernel.yaml name */
  readonly policySource?: ContainerAppPolicySource;
  readonly receipts?: {
    /** The workload identity may add items, and nothing else. @default stdout, which the environment's logs keep */
    readonly sink?: ContainerAppSink | readonly ContainerAppSink[];
    /** What an answer waits for. @default sink where there is a remote one, else ledger */
    readonly acknowledge?: "ledger" | "sink";
    /** Local store; it ends with its replica. Null: none. @default /var/lib/chio/receipts.sqlite */
    readonly store?: string | null;
    /** Id of a data-plane role of the Cosmos DB account. @default a role of its own that adds items */
    readonly receiptRole?: pulumi.Input<string>;
  };
  /** @default image */
  readonly config?: ContainerAppConfig;
  /** @default one of its own, with a Log Analytics workspace */
  readonly environment?: ContainerAppEnvironment;
  /** `internal`: reached by apps of the same environment. `external`: from outside of it, which is the Internet unless the environment is internal. @default internal */
  readonly exposure?: "internal" | "external";
  /** CIDR blocks that may reach the ingress, no others. @default all */
  readonly allowedIpRanges?: readonly pulumi.Input<string>[];
  /** TLS certificates of callers. @default ignore */
  readonly clientCertificates?: "ignore" | "accept" | "require";
  /** Names bound to certificates of the environment. @default none */
  readonly customDomains?: readonly { readonly name: pulumi.Input<string>; readonly certificateId: pulumi.Input<string> }[];
  /** Requests of one caller go to one replica. With a single active revision only. @default false */
  readonly stickySessions?: boolean;
  /** @default auto */
  readonly transport?: "auto" | "http" | "http2";
  readonly scaling?: {
    /** @default 1 */
    readonly minReplicas?: pulumi.Input<number>;
    /** @default 20 */
    readonly maxReplicas?: pulumi.Input<number>;
    /** Requests that a replica takes at a time. @default 50 */
    readonly concurrency?: pulumi.Input<number>;
    /** Further scalers. @default none */
    readonly rules?: readonly ScaleRule[];
    /** Seconds. @default 300 */
    readonly cooldownPeriod?: pulumi.Input<number>;
    /** Seconds. @default 30 */
    readonly pollingInterval?: pulumi.Input<number>;
  };
  /** From SIGTERM to SIGKILL, in seconds. @default 30 */
  readonly graceSeconds?: number;
  /** Within the grace. @default the grace less 2 s */
  readonly shutdownDrainMs?: number;
  /** Start the app through a program that waits for the sidecar. @default true where `app.command` is given and the image has a libc */
  readonly startGate?: boolean;
  /** Name of a workload profile. @default Consumption in an environment of its own, else the environment's default */
  readonly workloadProfile?: string;
  /** @default Multiple with `traffic`, else Single */
  readonly revisionsMode?: "Single" | "Multiple";
  /** Shares by revision. @default everything to the latest ready revision */
  readonly traffic?: readonly TrafficWeight[];
  /** Ends the name of the revision, `APP--SUFFIX`; change it with every change. @default Azure's own names */
  readonly revisionSuffix?: pulumi.Input<string>;
  /** Old revisions that are kept for a rollback, 0 to 100. @default 10 */
  readonly maxInactiveRevisions?: number;
  /** Azure container registries to pull from: `team.azurecr.io`. The identity gets AcrPull. @default none: images are public */
  readonly registries?: readonly pulumi.Input<string>[];
  /**
   * Resource ids of vaults, registries, storage accounts and Cosmos DB accounts that are not in `resourceGroupName`. They are found by their
   * names. @default everything is in the resource group
   */
  readonly resourceIds?: readonly pulumi.Input<string>[];
  /** Identity that reads the vault and pulls images. No container gets a token of it. @default one of its own */
  readonly identity?: ExistingIdentity;
  /** Identity that the sidecar writes receipts and reads its policy with. Every container can use it. @default one of its own where something needs it */
  readonly workloadIdentity?: ExistingWorkloadIdentity;
  /** A lock against deletion in Azure, and Pulumi's `protect`. @default true */
  readonly deletionProtection?: boolean;
  /** @default none */
  readonly tags?: Readonly<Record<string, pulumi.Input<string>>>;
  /** Findings taken on, each by code and with a reason. @default none */
  readonly accept?: readonly Acceptance[];
}

import type { Platform, Resources } from "./types.ts";

/** What only Amazon ECS on Fargate has. */
export interface EcsSettings {
  readonly family: string;
  /** Null where a construct makes the role. */
  readonly executionRoleArn: string | null;
  readonly taskRoleArn: string | null;
  /** Statements known to be on the task role: checked for any way to the sidecar's secrets. */
  readonly taskRoleStatements: readonly IamStatement[];
  readonly region: string | null;
  readonly logs: EcsLogs;
  readonly enableExecuteCommand: boolean;
  /** Fargate's only value is `task`: it shows every process's environment to the others. Null keeps them apart. */
  readonly pidMode: "task" | null;
  readonly securityGroupIngress: readonly SecurityGroupRule[];
  readonly loadBalancer: EcsLoadBalancer;
  readonly deregistrationDelaySeconds: number;
  readonly healthCheckGracePeriodSeconds: number;
  readonly circuitBreaker: { readonly enable: boolean; readonly rollback: boolean };
  readonly minHealthyPercent: number;
  readonly maxHealthyPercent: number;
  readonly platformVersion: string;
}

export interface EcsLogs {
  readonly appGroup: string;
  readonly sidecarGroup: string;
  readonly retentionDays: number;
  /** Receipts go to stdout: their log must not drop lines. */
  readonly sidecarMode: "blocking" | "non-blocking";
  readonly appMode: "blocking" | "non-blocking";
  readonly appMaxBufferMiB: number;
}

export interface EcsLoadBalancer {
  readonly certificateArn: string | null;
  /** Target-group check, always on the ingress port. */
  readonly healthCheck: {
    readonly path: string;
    readonly intervalSeconds: number;
    readonly timeoutSeconds: number;
    readonly healthyThreshold: number;
    readonly unhealthyThreshold: number;
  };
}

/** `source`: `load-balancer`, a security group id, or a CIDR block. */
export interface SecurityGroupRule {
  readonly source: string;
  readonly port: number;
}

export interface IamStatement {
  readonly effect: "Allow" | "Deny";
  readonly actions: readonly string[];
  readonly resources: readonly string[];
}

/** What only Cloud Run has. */
export interface CloudRunSettings {
  readonly project: string | null;
  readonly region: string | null;
  /** E-mail address of the revision's service account. Null where a construct makes it. */
  readonly serviceAccount: string | null;
  readonly ingress: "all" | "internal" | "internal-and-cloud-load-balancing";
  readonly executionEnvironment: "gen1" | "gen2";
  readonly startupCpuBoost: boolean;
  readonly launchStage: "GA" | "BETA";
  readonly vpc: CloudRunVpc | null;
  /** Members with `roles/run.invoker`. `allUsers` makes the service public. */
  readonly invokers: readonly string[];
  readonly binaryAuthorization: string | null;
}

export type CloudRunVpc =
  | {
      readonly kind: "direct";
      readonly network: string;
      readonly subnetwork: string;
      readonly tags: readonly string[];
      readonly egress: CloudRunEgress;
    }
  | { readonly kind: "connector"; readonly connector: string; readonly egress: CloudRunEgress };
export type CloudRunEgress = "all-traffic" | "private-ranges-only";

/** What only Azure Container Apps has. */
export interface AcaSettings {
  readonly environmentId: string | null;
  readonly location: string | null;
  /** Resource id of the user-assigned identity that reads Key Vault. Null where a construct makes it. */
  readonly identityId: string | null;
  /** Which containers can get a token of that identity. `None`: none can, only the platform uses it. */
  readonly identityLifecycle: "None" | "Init" | "Main" | "All";
  /**
   * Resource id of a second identity, for what the sidecar itself does in Azure: write receipts, read its policy. Every container can use it. Null
   * where a construct makes it, or nothing needs it.
   */
  readonly workloadIdentityId: string | null;
  /** Whether receipts, policy or configuration need that identity. */
  readonly usesWorkloadIdentity: boolean;
  readonly revisionsMode: "Single" | "Multiple";
  readonly transport: "auto" | "http" | "http2";
  readonly workloadProfile: string | null;
  /** Servers that images are pulled from with the identity, such as `team.azurecr.io`. */
  readonly registries: readonly string[];
  readonly maxInactiveRevisions: number;
}

/** A machine with Docker or systemd. */
export interface LocalSettings {
  readonly publishHost: string;
  readonly publishPort: number;
}

export interface SettingsOf {
  readonly ecs: EcsSettings;
  readonly "cloud-run": CloudRunSettings;
  readonly aca: AcaSettings;
  readonly local: LocalSettings;
}

export type ResourcesOf = { readonly [P in Platform]: Resources };

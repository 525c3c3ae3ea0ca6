import {
  formatPolicySource,
  formatReceiptSink,
  formatSecretRef,
  type InvariantId,
  keyVaultParts,
  type Platform,
  type PlatformTopology,
  type PolicySource,
  type ReceiptSink,
  type SecretRef,
  type Volume,
} from "../topology/index.ts";

/** What the platform calls one running copy of all containers. */
export const REPLICA: { readonly [P in Platform]: string } = {
  ecs: "Fargate task",
  "cloud-run": "Cloud Run instance",
  aca: "Replica",
  local: "Compose project",
};

/** The invariants in two words, as the specification names them. */
export const INVARIANT_WORDS: { readonly [I in InvariantId]: string } = {
  "INV-1": "start order",
  "INV-2": "single ingress",
  "INV-3": "secret scope",
  "INV-4": "read-only root",
  "INV-5": "non-root",
  "INV-6": "probes",
  "INV-7": "drain",
  "INV-8": "fail closed",
  "INV-9": "real command",
  "INV-10": "pinned images",
};

export interface IngressWords {
  readonly caller: string;
  readonly title: string;
  readonly lines: readonly string[];
}

/** Where requests come from, and what passes them on. */
export function ingressWords(graph: PlatformTopology): IngressWords {
  const { exposure, allowInsecure, additionalPorts } = graph.ingress;
  const more = additionalPorts.length === 0 ? [] : [`and ports ${additionalPorts.join(", ")}`];
  const insecure = allowInsecure ? ", plain HTTP let in" : "";
  const internal = exposure === "internal";
  switch (graph.platform) {
    case "ecs": {
      const { certificateArn, healthCheck } = graph.settings.loadBalancer;
      return {
        caller: internal ? "Callers in the VPC" : "Internet",
        title: "Application Load Balancer",
        lines: [`${exposure}${certificateArn === null ? "" : ", HTTPS"}${insecure}`, `checks ${healthCheck.path}`, ...more],
      };
    }
    case "cloud-run":
      return {
        caller:
          graph.settings.ingress !== "all"
            ? "Callers in the project's networks"
            : isPublic(graph.settings.invokers)
              ? "Internet"
              : "Internet, with an identity",
        title: "Cloud Run front end",
        lines: [`ingress ${graph.settings.ingress}, HTTPS${insecure}`, invokers(graph.settings.invokers), ...more],
      };
    case "aca":
      return {
        caller: internal ? "Apps of the environment" : "Internet",
        title: "Container Apps ingress",
        lines: [`${exposure}, ${allowInsecure ? "plain HTTP let in" : "HTTPS only"}`, ...more],
      };
    case "local":
      return {
        caller: "This machine",
        title: "Published port",
        lines: [`${graph.settings.publishHost}:${graph.settings.publishPort}`, ...more],
      };
  }
}

const isPublic = (members: readonly string[]) => members.includes("allUsers");

function invokers(members: readonly string[]): string {
  if (isPublic(members)) return "invokers: everyone (allUsers)";
  if (members.length === 0) return "invokers: none named here";
  return members.length === 1 ? `invoker: ${members[0]}` : `${members.length} invokers`;
}

/** The store that holds the secret, by name. */
export function secretStore(ref: SecretRef): string {
  switch (ref.kind) {
    case "aws-secrets-manager":
      return "AWS Secrets Manager";
    case "aws-ssm-parameter":
      return "SSM Parameter Store";
    case "gcp-secret-manager":
      return ref.project === null ? "Secret Manager" : `Secret Manager of ${ref.project}`;
    case "azure-key-vault": {
      const vault = keyVaultParts(ref.uri)?.vaultUrl;
      return vault === undefined ? "Key Vault" : `Key Vault ${new URL(vault).hostname.split(".")[0]}`;
    }
    case "file":
      return "Files of this machine";
    case "environment":
      return "Variables of this shell";
  }
}

/** What the secret is called in its store. */
export function secretName(ref: SecretRef): string {
  switch (ref.kind) {
    case "aws-secrets-manager":
      return `${ref.arn.split(":secret:")[1] ?? ref.arn}${ref.field === null ? "" : `, field ${ref.field}`}`;
    case "aws-ssm-parameter":
      return ref.arn.split(":parameter")[1] ?? ref.arn;
    case "gcp-secret-manager":
      return `${ref.secret}, version ${ref.version}`;
    case "azure-key-vault": {
      const parts = keyVaultParts(ref.uri);
      return parts === null
        ? ref.uri
        : `${parts.secret}${parts.version === null ? ", current version" : `, ${parts.version.slice(0, 7)}…`}`;
    }
    case "file":
    case "environment":
      return formatSecretRef(ref).replace(/^[a-z]+:/, "");
  }
}

const SOURCES: { readonly [K in PolicySource["kind"]]: string } = {
  s3: "Amazon S3",
  gs: "Cloud Storage",
  azblob: "Azure Blob Storage",
  https: "HTTPS",
  file: "file in the sidecar",
};
export const policyWords = (source: PolicySource) => ({ store: SOURCES[source.kind], place: formatPolicySource(source) });

const SINKS: { readonly [K in ReceiptSink["kind"]]: string } = {
  dynamodb: "DynamoDB",
  bigquery: "BigQuery",
  cosmosdb: "Cosmos DB",
  postgres: "PostgreSQL",
  s3: "Amazon S3",
  gs: "Cloud Storage",
  https: "HTTPS",
  sqlite: "SQLite",
  stdout: "standard output",
};
export const sinkWords = (sink: ReceiptSink) => ({ store: SINKS[sink.kind], place: formatReceiptSink(sink) });

/** A volume that is kept outside of the replica. Null for one that lives and dies with it. */
export function volumeWords(volume: Volume): { readonly store: string; readonly lines: readonly string[] } | null {
  switch (volume.kind) {
    case "empty":
      return null;
    case "efs": {
      const how = [volume.transitEncryption ? "TLS" : "no TLS", volume.iam ? "IAM" : "no IAM"].join(", ");
      return { store: "EFS", lines: [volume.fileSystemId, ...(volume.accessPointId === null ? [] : [volume.accessPointId]), how] };
    }
    case "secret":
      return {
        store: "secret volume",
        lines: volume.files === null ? ["every secret of the app"] : volume.files.map((file) => secretName(file.ref)),
      };
    case "gcs":
      return { store: "Cloud Storage", lines: [volume.bucket] };
    case "azure-file":
      return { store: "Azure Files", lines: [volume.storageName] };
    case "host":
      return { store: "local directory", lines: [volume.source] };
  }
}

import {
  apiProtect,
  defineTopology,
  type Platform,
  type PlatformTopology,
  resolveFor,
  type Topology,
  type TopologyProps,
} from "../../../infra/topology/index.ts";

export const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
export const APP_IMAGE = `registry.example.com/team/app@${DIGEST}`;
export const SIDECAR_IMAGE = `ghcr.io/backbay-labs/chio-sidecar@${DIGEST}`;
export const KEY_ARN = "arn:aws:secretsmanager:us-east-1:123456789012:secret:chio/signing-key";
export const KEY_VAULT = "https://team.vault.azure.net/secrets/chio-signing-key/0123456789abcdef0123456789abcdef";

/** A topology without a finding on any platform. */
export const PROPS = {
  name: "agent-tool-server",
  mode: apiProtect({ spec: "/etc/chio/spec/openapi.yaml" }),
  app: { image: APP_IMAGE, health: "/healthz" },
  sidecar: { image: SIDECAR_IMAGE },
  secrets: {
    signingKey: {
      byPlatform: { ecs: KEY_ARN, "cloud-run": "secrets/chio-signing-key/versions/7", aca: KEY_VAULT, local: "file:./signing-seed.hex" },
    },
    capabilityAuthorityUrl: {
      byPlatform: {
        ecs: "arn:aws:secretsmanager:us-east-1:123456789012:secret:chio/capability-authority-url",
        "cloud-run": "secrets/chio-capability-authority-url/versions/latest",
        aca: "https://team.vault.azure.net/secrets/chio-capability-authority-url",
        local: "env:CHIO_CAPABILITY_AUTHORITY_URL",
      },
    },
  },
  policySource: {
    byPlatform: {
      ecs: "s3://team-chio-config/policy.yaml",
      "cloud-run": "gs://team-chio-config/policy.yaml",
      aca: "azblob://team/config/policy.yaml",
      local: "/etc/chio/policy.yaml",
    },
  },
  receipts: {
    sink: {
      byPlatform: {
        ecs: "dynamodb://chio-receipts",
        "cloud-run": "bigquery://team.chio.receipts",
        aca: "cosmosdb://chio-receipts",
        local: "stdout",
      },
    },
  },
  config: {
    byPlatform: {
      ecs: { kind: "efs", fileSystemId: "fs-0123456789abcdef0", accessPointId: "fsap-0123456789abcdef0" },
      "cloud-run": {
        kind: "secret-files",
        files: [
          { path: "/etc/chio/kernel/kernel.yaml", ref: "secrets/chio-kernel-config/versions/3" },
          { path: "/etc/chio/spec/openapi.yaml", ref: "secrets/chio-openapi-spec/versions/3" },
        ],
      },
      aca: { kind: "azure-file", storageName: "chio-config" },
      local: { kind: "host", directory: "./config" },
    },
  },
} as const satisfies TopologyProps;

export function baseline(changes: Partial<TopologyProps> = {}): Topology {
  return defineTopology({ ...PROPS, ...changes });
}

// biome-ignore lint/suspicious/noExplicitAny: a broken graph need not have the type of a right one
export type Loose = any;

/** A copy of one platform's graph with a change made to it. */
export function broken(platform: Platform, change: (graph: Loose) => void, props: Partial<TopologyProps> = {}): PlatformTopology {
  const graph = structuredClone(resolveFor(baseline(props), platform)) as Loose;
  change(graph);
  return graph;
}

export function container(graph: Loose, role: "app" | "sidecar" | "init" | "auxiliary"): Loose {
  return graph.containers.find((one: Loose) => one.role === role);
}

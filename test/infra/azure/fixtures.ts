import { apiProtect, type ChioContainerAppArgs } from "../../../infra/azure/index.ts";

export const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;
export const VERSION = "0123456789abcdef".repeat(2);
export const secret = (name: string, version = VERSION) => `https://team.vault.azure.net/secrets/${name}/${version}`;

/** The app of the reference manifest, with every kind of grant. */
export const ARGS = {
  resourceGroupName: "tools",
  location: "eastus",
  mode: apiProtect({ spec: "/etc/chio/spec/openapi.yaml" }),
  app: { image: `team.azurecr.io/app@${DIGEST}`, health: "/healthz", command: ["node", "server.js"], env: { GREETING: "hello" } },
  sidecar: { image: `team.azurecr.io/chio-sidecar@${DIGEST}` },
  secrets: { signingKey: secret("chio-signing-key"), capabilityAuthorityUrl: secret("chio-capability-authority-url") },
  policySource: "azblob://teamconfig/chio/policies/policy.yaml",
  receipts: { sink: "cosmosdb://team-receipts/chio/receipts" },
  config: {
    kind: "secret-files",
    files: [
      { path: "/etc/chio/kernel/kernel.yaml", ref: secret("chio-kernel-config") },
      { path: "/etc/chio/spec/openapi.yaml", ref: secret("chio-openapi-spec") },
    ],
  },
  registries: ["team.azurecr.io"],
} as const satisfies ChioContainerAppArgs;

import { readFileSync } from "node:fs";
import { Secret } from "@pulumi/azure-native/keyvault/secret.js";
import * as pulumi from "@pulumi/pulumi";
// Outside this repository: from "chio-kit/azure".
import { apiProtect, ChioContainerApp, type ChioContainerAppArgs } from "../../azure/index.ts";

const config = new pulumi.Config();
const resourceGroupName = config.require("resourceGroup");
const vaultName = config.require("vault");
const stableRevision = config.get("stableRevision") ?? "";
const newPercent = config.getNumber("newPercent") ?? 100;
const appCommand = config.getObject<string[]>("appCommand");

/** One secret per file, at its version: a changed file makes another revision. Not for values that nobody may see: they show in the state. */
function file(secretName: string, source: string): pulumi.Output<string> {
  const value = readFileSync(new URL(`./config/${source}`, import.meta.url), "utf8");
  const secret = new Secret(secretName, { resourceGroupName, vaultName, secretName, properties: { value } });
  return secret.properties.secretUriWithVersion;
}

/** One revision at a time, unless a stable one is named: then it keeps the rest, and the newest has a URL of its own. */
function traffic(): Pick<ChioContainerAppArgs, "traffic"> {
  if (stableRevision === "") return {};
  return {
    traffic: [
      { revision: stableRevision, weight: 100 - newPercent },
      { weight: newPercent, label: "next" },
    ],
  };
}

const server = new ChioContainerApp("agent-tool-server", {
  resourceGroupName,
  mode: apiProtect({ spec: "/etc/chio/spec/openapi.yaml" }),
  // With its command, the app's process is not started before the sidecar is healthy.
  app: { image: config.require("appImage"), health: "/healthz", ...(appCommand === undefined ? {} : { command: appCommand }) },
  sidecar: { image: config.require("sidecarImage") },
  // Made by hand, so that neither the program nor its state ever holds them. The control token keeps minting and revoking from the app.
  secrets: {
    signingKey: config.require("signingKey"),
    controlToken: `https://${vaultName}.vault.azure.net/secrets/chio-sidecar-control-token`,
  },
  config: {
    kind: "secret-files",
    files: [
      { path: "/etc/chio/kernel/kernel.yaml", ref: file("chio-kernel-config", "kernel.yaml") },
      { path: "/etc/chio/spec/openapi.yaml", ref: file("chio-openapi-spec", "openapi.yaml") },
      { path: "/etc/chio/policy/policy.yaml", ref: file("chio-policy", "policy.yaml") },
    ],
  },
  policySource: "/etc/chio/policy/policy.yaml",
  registries: [`${config.require("registry")}.azurecr.io`],
  exposure: "external",
  allowedIpRanges: config.requireObject<string[]>("callers"),
  ...traffic(),
});

export const url = server.url;
export const revision = server.revision;
export const identity = server.identity;
export const logs = server.logs;
export const posture = server.posture;

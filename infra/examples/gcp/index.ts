import { readFileSync } from "node:fs";
import { Secret } from "@pulumi/gcp/secretmanager/secret.js";
import { SecretVersion } from "@pulumi/gcp/secretmanager/secretVersion.js";
import * as pulumi from "@pulumi/pulumi";
// Outside this repository: from "chio-kit/gcp".
import { apiProtect, ChioCloudRunService, type TrafficTarget } from "../../gcp/index.ts";

const config = new pulumi.Config();
const stableRevision = config.get("stableRevision") ?? "";
const newPercent = config.getNumber("newPercent") ?? 100;

/** One secret per file: Cloud Run mounts each in a directory of its own. A changed file is a new version, and a new revision. */
function file(name: string, source: string): pulumi.Output<string> {
  const secret = new Secret(name, { secretId: name, replication: { auto: {} } });
  const secretData = readFileSync(new URL(`./config/${source}`, import.meta.url), "utf8");
  return new SecretVersion(name, { secret: secret.id, secretData, deletionPolicy: "ABANDON" }).name;
}

/** Everything to the newest revision, unless a stable one is named: then it keeps the rest, and the newest has a URL of its own. */
function traffic(): TrafficTarget[] {
  if (stableRevision === "") return [{ percent: 100 }];
  return [
    { revision: stableRevision, percent: 100 - newPercent },
    { percent: newPercent, tag: "next" },
  ];
}

const server = new ChioCloudRunService("agent-tool-server", {
  region: new pulumi.Config("gcp").require("region"),
  project: new pulumi.Config("gcp").require("project"),
  mode: apiProtect({ spec: "/etc/chio/spec/openapi.yaml" }),
  app: { image: config.require("appImage"), health: "/healthz" },
  sidecar: { image: config.require("sidecarImage") },
  // Made by hand, so that neither the program nor its state ever holds them. The control token keeps minting and revoking from the app.
  secrets: {
    signingKey: `secrets/chio-signing-key/versions/${config.requireNumber("signingKeyVersion")}`,
    controlToken: "secrets/chio-sidecar-control-token/versions/1",
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
  invokers: config.getObject<string[]>("callers") ?? [],
  traffic: traffic(),
});

export const uri = server.uri;
export const revision = server.revision;
export const serviceAccount = server.serviceAccount;
export const posture = server.posture;

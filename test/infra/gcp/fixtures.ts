import { apiProtect, type ChioCloudRunServiceArgs } from "../../../infra/gcp/index.ts";

export const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

/** The service of the reference manifest, with every kind of grant. */
export const ARGS = {
  region: "us-central1",
  project: "team",
  mode: apiProtect({ spec: "/etc/chio/spec/openapi.yaml" }),
  app: { image: `us-docker.pkg.dev/team/apps/app@${DIGEST}`, health: "/healthz", env: { GREETING: "hello" } },
  sidecar: { image: `us-docker.pkg.dev/team/apps/chio-sidecar@${DIGEST}` },
  secrets: {
    signingKey: "secrets/chio-signing-key/versions/7",
    capabilityAuthorityUrl: "projects/security/secrets/chio-capability-authority-url/versions/2",
  },
  policySource: "gs://team-chio-config/policy.yaml",
  receipts: { sink: "bigquery://team.chio.receipts" },
  config: {
    kind: "secret-files",
    files: [
      { path: "/etc/chio/kernel/kernel.yaml", ref: "secrets/chio-kernel-config/versions/3" },
      { path: "/etc/chio/spec/openapi.yaml", ref: "secrets/chio-openapi-spec/versions/3" },
    ],
  },
} as const satisfies ChioCloudRunServiceArgs;

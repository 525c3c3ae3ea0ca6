import { type StartTopologyOptions, startTopology } from "../../../infra/local/index.ts";
import { apiProtect, defineTopology } from "../../../infra/topology/index.ts";

// Started by a test: runs a topology and ends by a signal, without having stopped it.
const { options, image } = JSON.parse(process.argv[2] ?? "") as { options: Omit<StartTopologyOptions, "platform">; image: string };
const topology = defineTopology({
  name: "notes",
  mode: apiProtect({ spec: "/etc/chio/openapi.yaml" }),
  app: { image: { kind: "build", context: image, dockerfile: "Dockerfile", target: null }, command: ["node", "/app/server.mjs"] },
  sidecar: { image: `registry.example.com/chio-sidecar@sha256:${"0".repeat(64)}` },
  secrets: { signingKey: "secrets/chio-signing-key/versions/7" },
  policySource: "/etc/chio/policy.yaml",
  config: { kind: "gcs", bucket: "notes-config" },
});
await startTopology(topology, { platform: "cloud-run", ...options, onEvent: ({ kind }) => console.log(kind) });
process.kill(process.pid, process.argv[3] as NodeJS.Signals);
setInterval(() => {}, 1_000);

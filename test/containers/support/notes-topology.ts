import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiProtect, defineTopology, type Topology, type TopologyProps } from "../../../infra/topology/index.ts";
import { inRoot } from "../../../scripts/lib/paths.mjs";

// Apart from the tests' own support: the benchmark runs the same service.

/** A digest that no registry has: what a test runs is named by `images`. */
export const PINNED = `@sha256:${"0".repeat(64)}`;
export const NOTES_COMMAND = ["node", "/app/server.mjs"];
/** The app without its command: it is in the image, and the topology does not know it. */
export const NOTES_APP = { image: `registry.example.com/notes${PINNED}`, health: "/openapi.yaml" } as const;
/** Where each platform would have the signing key. */
export const SIGNING_KEY = {
  byPlatform: {
    ecs: "arn:aws:secretsmanager:us-east-1:111122223333:secret:chio/signing-key-AbCdEf",
    "cloud-run": "secrets/chio-signing-key/versions/3",
    aca: "https://team.vault.azure.net/secrets/chio-signing-key/0123456789abcdef0123456789abcdef",
  },
} as const;
/** Holds the app's OpenAPI document and the policy. */
export const NOTES_CONFIG = inRoot("test/fixtures/app");

/** The notes service as a team would deploy it: images by digest, the key in each cloud's store, configuration by policy and spec alone. */
export function notesTopology(
  flavor: "distroless" | "alpine" = "distroless",
  app: TopologyProps["app"] = { ...NOTES_APP, command: NOTES_COMMAND },
): Topology {
  return defineTopology({
    name: "notes",
    mode: apiProtect({ spec: "/etc/chio/openapi.yaml", policy: "/etc/chio/policy.yaml" }),
    app,
    sidecar: { image: `registry.example.com/chio-sidecar${PINNED}`, flavor, kernelConfig: null },
    // The gate is a program of the sidecar's image, which has to run in the app's: that one has glibc.
    ...(flavor === "distroless" ? {} : { aca: { startGate: false } }),
    secrets: { signingKey: SIGNING_KEY },
  });
}

/** A directory that the image of the notes app can be built from, as a user's would be. `base`: an image with Node. */
export function writeNotesContext(directory: string, base: string): void {
  mkdirSync(directory, { recursive: true });
  cpSync(NOTES_CONFIG, join(directory, "app"), { recursive: true });
  writeFileSync(join(directory, "Dockerfile"), `FROM ${base}\nCOPY app /app\nCMD ${JSON.stringify(NOTES_COMMAND)}\n`);
}

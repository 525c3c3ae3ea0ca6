import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { dockerBuild } from "../../../infra/local/engine/build.ts";
import { engine } from "./engine.ts";
import { APP_IMAGE } from "./images.ts";
import { APP_FIXTURE } from "./sidecar.ts";

/** A digest that no registry has: what a test runs is named by `images`. */
export const PINNED = `@sha256:${"0".repeat(64)}`;
export const NOTES_COMMAND = ["node", "/app/server.mjs"];
/** Where each platform would have the signing key. */
export const SIGNING_KEY = {
  byPlatform: {
    ecs: "arn:aws:secretsmanager:us-east-1:111122223333:secret:chio/signing-key-AbCdEf",
    "cloud-run": "secrets/chio-signing-key/versions/3",
    aca: "https://team.vault.azure.net/secrets/chio-signing-key/0123456789abcdef0123456789abcdef",
  },
} as const;

/** A directory that the image of the notes app can be built from, as a user's would be. */
export function writeNotesContext(directory: string): void {
  mkdirSync(directory, { recursive: true });
  cpSync(APP_FIXTURE, join(directory, "app"), { recursive: true });
  writeFileSync(join(directory, "Dockerfile"), `FROM ${APP_IMAGE}\nCOPY app /app\nCMD ${JSON.stringify(NOTES_COMMAND)}\n`);
}

/** Builds the notes app for one test file. Returns the image's name, which is on the engine from `beforeAll` to `afterAll`. */
export function useNotesImage(): string {
  const tag = `chio-kit-test/notes:${process.pid}-${Date.now()}`;
  beforeAll(async () => {
    const context = mkdtempSync(join(tmpdir(), "chio-notes-"));
    try {
      writeNotesContext(context);
      await dockerBuild({ name: "app", tag, context, dockerfile: null, target: null, onLine: () => {} });
    } finally {
      rmSync(context, { recursive: true });
    }
  });
  afterAll(async () => {
    await (await engine()).getImage(tag).remove({ force: true });
  });
  return tag;
}

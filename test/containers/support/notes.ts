import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { dockerBuild } from "../../../infra/local/engine/build.ts";
import { engine } from "./engine.ts";
import { APP_IMAGE } from "./images.ts";
import { writeNotesContext } from "./notes-topology.ts";

/** Builds the notes app for one test file. Returns the image's name, which is on the engine from `beforeAll` to `afterAll`. */
export function useNotesImage(): string {
  const tag = `chio-kit-test/notes:${process.pid}-${Date.now()}`;
  beforeAll(async () => {
    const context = mkdtempSync(join(tmpdir(), "chio-notes-"));
    try {
      writeNotesContext(context, APP_IMAGE);
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

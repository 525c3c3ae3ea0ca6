import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { Consumer } from "../../infra/package/consumer.ts";
import { project } from "../local/up-run.ts";
import { useNotesImage } from "../support/notes.ts";
import { NOTES_COMMAND, PINNED } from "../support/notes-topology.ts";
import { runChild } from "./child.ts";

/** The test that the README shows, word by word, in a project that has the package from npm. */
describe("the test in the README", () => {
  const notes = useNotesImage();
  const consumer = new Consumer();
  beforeAll(async () => {
    await consumer.install();
    consumer.link("testcontainers", "vitest");
  }, 300_000);
  afterAll(() => consumer.remove());

  it("passes as it is written there, and leaves nothing", async () => {
    const text = /## Testing a deployment\n[\s\S]*?```ts\n(\/\/ (\S+)\n[\s\S]*?)```/.exec(readFileSync(inRoot("README.md"), "utf8"));
    if (text === null) throw new Error("README.md has no test below `## Testing a deployment`");
    const [, test = "", name = ""] = text;
    const directory = project(
      "notes",
      `  image: registry.example.com/notes${PINNED}\n  command: ${JSON.stringify(NOTES_COMMAND)}\n  health: /openapi.yaml`,
    );
    writeFileSync(join(directory, name), test);
    symlinkSync(join(consumer.directory, "node_modules"), join(directory, "node_modules"));
    const setup = inRoot("test/containers/lifecycle/child-setup.ts");
    writeFileSync(join(directory, "vitest.config.mjs"), `export default { test: { setupFiles: [${JSON.stringify(setup)}] } };\n`);

    const child = runChild([], { cwd: directory, env: { APP_IMAGE: notes } });
    const code = await child.ended;
    expect(child.titles("failed"), child.output()).toEqual([]);
    expect(code, child.output()).toBe(0);
    expect(child.blocks("passed")).toEqual(expect.arrayContaining(["start", "fail closed", "isolation", "probes", "drain", "rollout"]));
    expect(child.left()).toEqual([]);
  }, 900_000);
});

// Builds what the npm package has beside its sources. `npm run build:lib`; npm runs it before it packs.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { runMain } from "./lib/failure.mjs";
import { buildLibrary } from "./lib/library.mjs";
import { DIST, inRoot } from "./lib/paths.mjs";
import { step } from "./lib/progress.mjs";
import { ensureDependencies, ensureNode } from "./lib/setup.mjs";

/** npm never packs a package's own lock file, and the sidecar's image is built from it. */
async function packLock() {
  const { runtimeManifests } = await import("../infra/image/runtime-manifests.ts");
  const read = (/** @type {string} */ name) => JSON.parse(readFileSync(inRoot(name), "utf8"));
  const { lock } = runtimeManifests(read("package.json"), read("package-lock.json"));
  mkdirSync(`${DIST}/image`, { recursive: true });
  writeFileSync(`${DIST}/image/package-lock.json`, `${JSON.stringify(lock, null, 2)}\n`);
}

await runMain(async () => {
  await ensureNode();
  await ensureDependencies();
  await step("building dist/lib", async () => {
    await Promise.all([buildLibrary(), packLock()]);
  });
});

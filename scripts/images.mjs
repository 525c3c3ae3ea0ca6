// Builds both images. `npm run images`; `npm run images -- sidecar`, `npm run images -- distroless --builder buildkit`.
import { parseArgs } from "node:util";
import { ensureDocker } from "./lib/docker.mjs";
import { runMain, UsageError } from "./lib/failure.mjs";
import { buildImage, compressedSize, IMAGES } from "./lib/images.mjs";
import { say } from "./lib/progress.mjs";
import { ensureNode } from "./lib/setup.mjs";

const USAGE = "npm run images [-- [sidecar] [distroless] [--builder classic|buildkit]]";

function options() {
  try {
    const { values, positionals } = parseArgs({
      options: { builder: { type: "string" }, help: { type: "boolean" } },
      allowPositionals: true,
    });
    const names = /** @type {import("./lib/images.mjs").ImageName[]} */ (positionals.length === 0 ? Object.keys(IMAGES) : positionals);
    const unknown = names.find((name) => !(name in IMAGES));
    if (unknown !== undefined) throw new Error(`there is no image "${unknown}"`);
    const builder = /** @type {import("./lib/images.mjs").Builder | undefined} */ (values.builder);
    if (builder !== undefined && builder !== "buildkit" && builder !== "classic") throw new Error(`there is no builder "${builder}"`);
    return { names, help: values.help === true, ...(builder === undefined ? {} : { builder }) };
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), USAGE);
  }
}

await runMain(async () => {
  const { names, help, ...build } = options();
  if (help) return say(`usage: ${USAGE}`);
  await ensureNode();
  await ensureDocker();
  for (const name of names) {
    const { tag, standIns } = await buildImage(name, build);
    say(`  ${tag}: ${((await compressedSize(tag)) / 1e6).toFixed(1)} MB compressed`);
    for (const line of standIns) say(`  stand-in for a base image that no registry gave: ${line}`);
    if (standIns.some((line) => line.startsWith("alpine:"))) {
      say("  not run: Alpine itself. This image is for tests on this machine; images/README.md says what the stand-in is.");
    }
  }
});

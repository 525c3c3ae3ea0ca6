// Builds what the npm package is made of. `npm run build:lib`; npm runs it before it packs.

import { runMain } from "./lib/failure.mjs";
import { buildLibrary } from "./lib/library.mjs";
import { step } from "./lib/progress.mjs";
import { ensureDependencies, ensureNode } from "./lib/setup.mjs";

await runMain(async () => {
  await ensureNode();
  await ensureDependencies();
  await step("building dist/lib", () => buildLibrary());
});

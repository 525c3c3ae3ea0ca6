// The product at work, on this machine. `npm run demo`; `-- --keep` leaves it running; `-- --container` uses the image.
import { parseArgs } from "node:util";
import { compile } from "./lib/compile.mjs";
import { containerStage } from "./lib/demo/container-stage.mjs";
import { processStage } from "./lib/demo/process-stage.mjs";
import { DemoFailure, tellStory } from "./lib/demo/story.mjs";
import { ensureDocker } from "./lib/docker.mjs";
import { cleanups, runMain, UsageError } from "./lib/failure.mjs";
import { buildImage } from "./lib/images.mjs";
import { DIST } from "./lib/paths.mjs";
import { hostTarget, targetName } from "./lib/platform.mjs";
import { say, seconds, step } from "./lib/progress.mjs";
import { bunFor, ensureRuntimeDependencies } from "./lib/setup.mjs";

const USAGE = "npm run demo [-- [--keep] [--container]]";

function options() {
  try {
    return parseArgs({ options: { keep: { type: "boolean" }, container: { type: "boolean" }, help: { type: "boolean" } } }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), USAGE);
  }
}

async function prepareProcess() {
  await ensureRuntimeDependencies();
  const program = `${DIST}/chio`;
  await bunFor(hostTarget());
  await step(`compiling chio for ${targetName(hostTarget())}`, () => compile(hostTarget(), program));
  return await processStage(program);
}

async function prepareContainers() {
  await ensureDocker();
  const { tag, bases } = await buildImage("distroless");
  return await containerStage({ image: tag, appImage: bases.BUILD_IMAGE ?? "" });
}

/** @param {string} line @param {Record<string, string>} placeholders */
const withPlaceholders = (line, placeholders) =>
  Object.entries(placeholders).reduce((text, [name, value]) => text.replaceAll(value, name), line);

await runMain(async () => {
  const { keep = false, container = false, help = false } = options();
  if (help) return say(`usage: ${USAGE}`);
  const stage = await (container ? prepareContainers() : prepareProcess());
  const began = performance.now();
  let kept = false;
  cleanups.add(stage.close);
  try {
    for (const line of stage.description) say(`  ${line}`);
    await tellStory(stage);
    say(`\nAll seven steps came out as they must, in ${seconds(performance.now() - began)}.`);
    if (keep) {
      await stage.restart();
      say("The sidecar was started again on the same log and keeps running. By hand (the capability lives for 15 minutes):");
    } else {
      say("To repeat it by hand: npm run demo -- --keep leaves it running and prints these lines with its values.");
    }
    for (const line of stage.byHand()) say(`  ${keep ? line : withPlaceholders(line, stage.placeholders)}`);
    if (keep) {
      say(`To stop it and remove what it wrote:\n  ${stage.howToStop()}`);
      await stage.detach();
      kept = true;
    }
    return 0;
  } catch (error) {
    if (!(error instanceof DemoFailure)) throw error;
    process.stderr.write(`\nThe demo failed: ${error.message}\n`);
    return 1;
  } finally {
    if (!kept) await stage.close();
  }
});

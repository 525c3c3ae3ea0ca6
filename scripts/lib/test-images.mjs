import { builders, hasImage } from "./docker.mjs";
import { buildImage, IMAGES } from "./images.mjs";
import { say } from "./progress.mjs";
import { runSetup } from "./suites.mjs";

/** @typedef {import("./suites.mjs").Outcome} Outcome */

/**
 * Builds every image with every builder that is here. The tests learn by environment which images there are:
 * CHIO_TEST_IMAGES (JSON, name -> tag), CHIO_TEST_STAND_INS (JSON, lines), CHIO_TEST_APP_IMAGE (an image with Node, for the app beside the sidecar).
 * @returns {Promise<{ outcomes: Outcome[], env: Record<string, string> }>} an empty environment when no image was built
 */
export async function buildTestImages() {
  /** @type {Outcome[]} */
  const outcomes = [];
  /** @type {Record<string, string>} */
  const images = {};
  const standIns = new Set();
  let app = "";
  for (const { builder, program } of await builders()) {
    for (const name of /** @type {import("./images.mjs").ImageName[]} */ (Object.keys(IMAGES))) {
      const title = `${IMAGES[name].dockerfile} (${builder})`;
      const outcome = await runSetup(title, async () => {
        const built = await buildImage(name, { builder, program });
        for (const line of built.standIns) standIns.add(line);
        images[name] = built.tag;
        if (name === "distroless") app = built.bases.BUILD_IMAGE ?? "";
      });
      outcomes.push(outcome.failed.length === 0 ? { ...outcome, passed: 1 } : outcome);
    }
  }
  for (const line of standIns) say(`stand-in for a base image that no registry gave: ${line}`);
  if ([...standIns].some((line) => line.startsWith("alpine:"))) {
    say("not run: Alpine itself. Dockerfile.sidecar was built and tested on the stand-in that images/README.md describes.");
  }
  if (Object.keys(images).length === 0 || !(await hasImage(app))) return { outcomes, env: {} };
  return {
    outcomes,
    env: { CHIO_TEST_IMAGES: JSON.stringify(images), CHIO_TEST_STAND_INS: JSON.stringify([...standIns]), CHIO_TEST_APP_IMAGE: app },
  };
}

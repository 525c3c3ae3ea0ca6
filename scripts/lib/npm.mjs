import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { exec, execOk } from "./exec.mjs";
import { SetupError } from "./failure.mjs";
import { CACHE, inRoot, ROOT } from "./paths.mjs";

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, link?: boolean, license?: string, dev?: boolean, devOptional?: boolean, peer?: boolean }} LockedPackage */
/** @typedef {{ packages: Record<string, LockedPackage> }} Lock */

/**
 * npm as the user's own npm would run: the one that started this script, else the one on PATH.
 * @param {readonly string[]} args
 * @param {import("./exec.mjs").ExecOptions} [options]
 */
export function npm(args, options = {}) {
  const cli = process.env.npm_execpath;
  const own = cli?.endsWith("npm-cli.js") && existsSync(cli);
  const quiet = ["--no-audit", "--no-fund", "--no-update-notifier"];
  return own
    ? exec(process.execPath, [/** @type {string} */ (cli), ...args, ...quiet], options)
    : exec("npm", [...args, ...quiet], options);
}

/** @param {string} path @returns {Lock | null} */
function readLock(path) {
  if (!existsSync(path)) return null;
  return JSON.parse(readFileSync(path, "utf8"));
}

/**
 * What the lock file asks for and node_modules does not hold; empty when an install would change nothing.
 * Packages for other platforms (optional ones) may be absent.
 * @param {string} directory
 * @param {{ dev?: boolean }} [scope] whether development packages count; true unless said otherwise
 * @returns {string[]}
 */
export function missingPackages(directory, { dev = true } = {}) {
  const wanted = readLock(join(directory, "package-lock.json"));
  if (wanted === null) throw new SetupError(`${directory} has no package-lock.json`, "check the clone: git status");
  const present = readLock(join(directory, "node_modules", ".package-lock.json"))?.packages ?? {};
  return Object.entries(wanted.packages)
    .filter(([path, entry]) => {
      if (path === "" || entry.link || (entry.dev && !dev)) return false;
      const found = present[path];
      if (found === undefined) return entry.optional !== true;
      return found.version !== entry.version || found.integrity !== entry.integrity;
    })
    .map(([path]) => path);
}

/**
 * `npm ci --ignore-scripts` in a directory.
 * @param {string} directory
 * @param {readonly string[]} flags
 * @param {(line: string) => void} [onLine]
 */
export async function install(directory, flags, onLine) {
  const result = await npm(["ci", "--ignore-scripts", ...flags], { cwd: directory, ...(onLine ? { onLine } : {}) });
  if (result.code === 0) return;
  const tail = result.output.trimEnd().split("\n").slice(-15).join("\n");
  throw new SetupError(`npm ci in ${directory} failed:\n${tail}`, "check the connection to the npm registry, then run the command again");
}

/** Version and checksum that toolchain/package-lock.json pins. @param {string} name */
export function pinned(name) {
  const entry = readLock(inRoot("toolchain", "package-lock.json"))?.packages[`node_modules/${name}`];
  if (entry?.version === undefined || entry.integrity === undefined) {
    throw new SetupError(
      `${name} is not pinned`,
      "add it to toolchain/package.json and run: npm install --prefix toolchain --package-lock-only",
    );
  }
  return { version: entry.version, integrity: entry.integrity };
}

/** @param {string} name */
const flatName = (name) => name.replace("@", "").replace("/", "-");

/** @param {string} name @param {string} version */
const cachedAt = (name, version) => join(CACHE, "packages", `${flatName(name)}-${version}`);

/** Directory of a pinned package that `fetchPinned` has unpacked before, else null. @param {string} name */
export function fetched(name) {
  const directory = cachedAt(name, pinned(name).version);
  return existsSync(directory) ? directory : null;
}

/**
 * Unpacks one package of a pinned version, whatever platform it is for, and returns its directory. Its checksum is compared with the pinned
 * one, so a registry cannot hand out anything else.
 * @param {string} name
 * @param {{ version: string, integrity: string }} [pin] where the toolchain's lock file is not the one that pins it
 * @returns {Promise<string>}
 */
export async function fetchPinned(name, pin = pinned(name)) {
  const { version, integrity } = pin;
  const flat = flatName(name);
  const directory = cachedAt(name, version);
  if (existsSync(directory)) return directory;
  const work = join(CACHE, "packages", `.${flat}-${process.pid}`);
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  try {
    const packed = await npm(["pack", `${name}@${version}`, "--ignore-scripts", "--silent", "--pack-destination", work], { cwd: ROOT });
    const tarball = join(work, `${flat}-${version}.tgz`);
    if (packed.code !== 0 || !existsSync(tarball)) {
      throw new SetupError(`${name}@${version} could not be fetched:\n${packed.output.trim()}`, "check the connection to the npm registry");
    }
    const [algorithm = "", expected] = integrity.split(/-(.*)/s);
    if (createHash(algorithm).update(readFileSync(tarball)).digest("base64") !== expected) {
      throw new SetupError(`${name}@${version} does not match its pinned checksum`, "do not use this registry");
    }
    await execOk("tar", ["-xzf", tarball, "-C", work]);
    try {
      renameSync(join(work, "package"), directory);
    } catch (error) {
      if (!existsSync(directory)) throw error;
    }
    return directory;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

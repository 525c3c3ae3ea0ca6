import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { packageRoot } from "../package-root.ts";
import type { SidecarFlavor } from "../topology/index.ts";
import { BundledImageError } from "./errors.ts";
import { runtimeManifests } from "./runtime-manifests.ts";

export const DOCKERFILES = { distroless: "Dockerfile.distroless", alpine: "Dockerfile.sidecar" } as const;
/** What the Dockerfiles copy, relative to the package. Of a directory named with a slash, its files and not its folders. */
const SOURCES = [
  "LICENSE",
  "toolchain/package.json",
  "toolchain/package-lock.json",
  "scripts/build.mjs",
  "scripts/sbom.mjs",
  "scripts/lib/",
  "sidecar",
];
const FLAVOR_SOURCES = { distroless: ["images/distroless"], alpine: [] } as const;
/** The published package's lock file; a clone has it at its root. */
export const PACKED_LOCK = "dist/image/package-lock.json";

const staged = new Map<string, string>();

/**
 * A directory to build the sidecar's image from: the kit's sources, its Dockerfile as `Dockerfile`, and the files of `configDirectory`, if one is
 * given, as `/etc/chio`. The same from a clone and from an installed package. One per process for each combination, removed when the process
 * ends. Throws `BundledImageError`.
 */
export function bundledContext(flavor: SidecarFlavor, configDirectory: string | null): string {
  const config = configDirectory === null ? null : resolve(configDirectory);
  if (config !== null && !(existsSync(config) && statSync(config).isDirectory())) {
    throw new BundledImageError(
      "image_config_missing",
      `the bundled image's configDirectory ${JSON.stringify(configDirectory)} is no directory`,
      "name one with the files of /etc/chio, such as openapi.yaml and policy.yaml",
    );
  }
  const key = JSON.stringify([flavor, config]);
  const known = staged.get(key);
  if (known !== undefined) return known;
  const directory = stage(flavor, config);
  staged.set(key, directory);
  return directory;
}

/** Before the process ends by itself, for those that are ended from outside. */
export function removeBundledContexts(): void {
  for (const directory of staged.values()) rmSync(directory, { recursive: true, force: true });
  staged.clear();
}

function stage(flavor: SidecarFlavor, config: string | null): string {
  const root = packageRoot(DOCKERFILES[flavor]);
  const sources = [...SOURCES, ...FLAVOR_SOURCES[flavor]];
  const lock = ["package-lock.json", PACKED_LOCK].find((path) => root !== null && existsSync(join(root, path)));
  const missing = root === null ? [DOCKERFILES[flavor]] : sources.filter((path) => !existsSync(join(root, path)));
  if (root === null || lock === undefined || missing.length > 0) {
    throw new BundledImageError(
      "image_sources_missing",
      `this installation of chio-kit lacks ${[...missing, ...(lock === undefined ? [PACKED_LOCK] : [])].join(", ")}`,
      "install the package again, or push an image and name it by digest",
    );
  }
  if (staged.size === 0) process.once("exit", removeBundledContexts);
  const directory = mkdtempSync(join(tmpdir(), "chio-image-"));
  for (const path of sources) copy(root, path, directory);
  const manifests = runtimeManifests(readJson(root, "package.json"), readJson(root, lock));
  writeFileSync(join(directory, "package.json"), json(manifests.manifest));
  writeFileSync(join(directory, "package-lock.json"), json(manifests.lock));
  let dockerfile = readFileSync(join(root, DOCKERFILES[flavor]), "utf8");
  if (config !== null) {
    cpSync(config, join(directory, "chio-config"), { recursive: true, dereference: true });
    makeReadable(join(directory, "chio-config"));
    dockerfile = `${dockerfile.trimEnd()}\nCOPY chio-config/ /etc/chio/\n`;
  }
  writeFileSync(join(directory, "Dockerfile"), dockerfile);
  return directory;
}

function copy(root: string, path: string, directory: string): void {
  const files = path.endsWith("/") ? readdirSync(join(root, path), { withFileTypes: true }).filter((one) => one.isFile()) : null;
  if (files === null) cpSync(join(root, path), join(directory, path), { recursive: true });
  else for (const { name } of files) cpSync(join(root, path, name), join(directory, path, name));
}

/** Files keep their mode in the image, where they are root's and the sidecar is not root: what the user's umask hid would stay hidden. */
function makeReadable(path: string): void {
  const stat = statSync(path);
  chmodSync(path, (stat.mode & 0o777) | (stat.isDirectory() ? 0o555 : 0o444));
  if (stat.isDirectory()) for (const name of readdirSync(path)) makeReadable(join(path, name));
}

// biome-ignore lint/suspicious/noExplicitAny: the package's own files
function readJson(root: string, path: string): any {
  return JSON.parse(readFileSync(join(root, path), "utf8"));
}

const json = (value: object) => `${JSON.stringify(value, null, 2)}\n`;

import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Platform } from "aws-cdk-lib/aws-ecr-assets";
import type { Architecture, SidecarFlavor } from "../topology/index.ts";
import { ecrAssets } from "./cdk.ts";

/** What the kit's Dockerfiles copy, relative to the package. */
const SOURCES = [
  "package.json",
  "package-lock.json",
  "toolchain/package.json",
  "toolchain/package-lock.json",
  "scripts",
  "sidecar",
] as const;
const FLAVOR_SOURCES = { distroless: ["images/distroless", "LICENSE"], alpine: ["LICENSE"] } as const;
const DOCKERFILES = { distroless: "Dockerfile.distroless", alpine: "Dockerfile.sidecar" } as const;

export function dockerPlatform(architecture: Architecture): Platform {
  return architecture === "arm64" ? ecrAssets.Platform.LINUX_ARM64 : ecrAssets.Platform.LINUX_AMD64;
}

const staged = new Map<string, string>();

/**
 * A build context with the kit's sources, its Dockerfile as `Dockerfile`, and the configuration as `/etc/chio`. One per process for each
 * combination, removed when the process ends: the CDK copies it into its assembly.
 */
export function bundledContext(flavor: SidecarFlavor, configDirectory: string | null): string {
  const config = configDirectory === null ? null : resolve(configDirectory);
  if (config !== null && !(existsSync(config) && statSync(config).isDirectory())) {
    throw new TypeError(`ChioImage.bundled: configDirectory ${JSON.stringify(configDirectory)} is no directory`);
  }
  const key = JSON.stringify([flavor, config]);
  const known = staged.get(key);
  if (known !== undefined) return known;
  const directory = stage(packageRoot(), flavor, config);
  staged.set(key, directory);
  process.once("exit", () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function stage(root: string, flavor: SidecarFlavor, config: string | null): string {
  const sources = [...SOURCES, ...FLAVOR_SOURCES[flavor]];
  const missing = [DOCKERFILES[flavor], ...sources].filter((name) => !existsSync(join(root, name)));
  if (missing.length > 0) {
    throw new Error(
      `ChioImage.bundled: this installation of chio-kit lacks ${missing.join(", ")}; build the image from a clone, push it, and use ChioImage.fromRegistry`,
    );
  }
  const directory = mkdtempSync(join(tmpdir(), "chio-image-"));
  for (const name of sources) cpSync(join(root, name), join(directory, name), { recursive: true });
  let dockerfile = readFileSync(join(root, DOCKERFILES[flavor]), "utf8");
  if (config !== null) {
    cpSync(config, join(directory, "chio-config"), { recursive: true });
    dockerfile = `${dockerfile.trimEnd()}\nCOPY chio-config/ /etc/chio/\n`;
  }
  writeFileSync(join(directory, "Dockerfile"), dockerfile);
  return directory;
}

/** Of this package, from its sources and from what is published of it. */
function packageRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, "Dockerfile.distroless"))) {
    const parent = dirname(directory);
    if (parent === directory) throw new Error("ChioImage.bundled: the files of chio-kit are incomplete; install the package again");
    directory = parent;
  }
  return directory;
}

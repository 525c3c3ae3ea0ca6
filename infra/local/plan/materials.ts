import { readdirSync, readFileSync } from "node:fs";
import { join, posix, relative, resolve, sep } from "node:path";
import {
  type Container,
  formatPolicySource,
  isDeferred,
  type PlatformTopology,
  type SecretFile,
  type SecretRef,
  sidecarAccess,
  type Volume,
} from "../../topology/index.ts";
import { LocalRunError } from "../errors.ts";
import type { StartTopologyOptions } from "../types.ts";

/** Content that a container sees as files, by absolute path. */
export type Files = ReadonlyMap<string, Uint8Array>;

/** What the clouds' stores would give, for one version of a deployment. Holds secrets: it is never logged. */
export interface Materials {
  /** Values by the secret's name. */
  readonly secrets: ReadonlyMap<string, string>;
  /** Content of the volumes that are not empty at the start, by volume, then by path inside the volume. */
  readonly volumes: ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;
  /** Further files of the sidecar. */
  readonly files: Files;
  /** What the sidecar's arguments and variables have in place of a URL. */
  readonly replacements: ReadonlyMap<string, string>;
}

export type MaterialOptions = Pick<StartTopologyOptions, "secrets" | "configDirectory" | "files" | "baseDirectory">;

/** Where the images look for their files, and what `configDirectory` stands for unless the model mounts elsewhere. */
const CONFIG_ROOT = "/etc/chio";
const FETCHED_ROOT = "/run/chio-kit/files";

/** Finds a value for every secret and file that the model names. Throws one `LocalRunError` `value_missing` with all that are missing. */
export function gatherMaterials(graph: PlatformTopology, options: MaterialOptions, env: NodeJS.ProcessEnv = process.env): Materials {
  const missing: string[] = [];
  const base = options.baseDirectory ?? process.cwd();
  const directory = directoryOf(graph, options, base);
  const mountPath = "mountPath" in graph.config ? graph.config.mountPath : CONFIG_ROOT;
  const local = new Map<string, Uint8Array>([
    ...[...directory].map(([path, content]) => [posix.join(mountPath, path), content] as const),
    ...Object.entries(options.files ?? {}).map(([path, content]) => [path, Buffer.from(content)] as const),
  ]);
  const secrets = new Map<string, string>();
  for (const { name, ref } of graph.containers.flatMap((one) => one.secrets)) {
    const value = secretValue(name, ref, options, base, env);
    if (value === null) missing.push(`secret ${name}: give its value as secrets: { ${JSON.stringify(name)}: "…" }`);
    else secrets.set(name, value);
  }
  const volumes = new Map<string, Map<string, Uint8Array>>();
  for (const volume of graph.volumes) {
    if (volume.kind === "empty") continue;
    const paths = graph.containers.flatMap((one) => one.mounts).filter((mount) => mount.volume === volume.name);
    const roots = paths.map((mount) => mount.path);
    const content = volumeContent(
      volume,
      roots,
      local,
      (file) => secretValue(file.secretName, file.ref, options, base, env),
      base,
      secrets,
    );
    missing.push(...content.missing);
    volumes.set(volume.name, content.files);
  }
  const { files, replacements } = looseFiles(graph, options, local, directory);
  if (missing.length > 0) {
    throw new LocalRunError(
      "value_missing",
      `${graph.name} on ${graph.platform} cannot be run here:\n${missing.map((one) => `  ${one}`).join("\n")}`,
      {
        fix: "give what the lines name; a value that only the cloud has is replaced by one for this machine",
      },
    );
  }
  return { secrets, volumes, files, replacements };
}

/** The files that stand for the configuration, by path relative to its root. */
function directoryOf(graph: PlatformTopology, options: MaterialOptions, base: string): Map<string, Uint8Array> {
  const sidecar = graph.containers.find((one) => one.role === "sidecar");
  const bundled = sidecar?.image.kind === "bundled" ? sidecar.image.configDirectory : null;
  const given = options.configDirectory ?? (graph.config.kind === "host" ? graph.config.directory : bundled);
  return given === null ? new Map() : readDirectory(resolve(base, given));
}

function readDirectory(root: string): Map<string, Uint8Array> {
  let entries: import("node:fs").Dirent[];
  try {
    entries = readdirSync(root, { recursive: true, withFileTypes: true });
  } catch (cause) {
    throw new LocalRunError("value_missing", `the directory ${root} with the configuration cannot be read: ${(cause as Error).message}`, {
      fix: "give the directory with spec, policy and kernel.yaml as configDirectory",
      cause,
    });
  }
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(files.map((path) => [relative(root, path).split(sep).join("/"), readFileSync(path)]));
}

function secretValue(name: string, ref: SecretRef, options: MaterialOptions, base: string, env: NodeJS.ProcessEnv): string | null {
  const given = options.secrets?.[name];
  if (given !== undefined) return given;
  if (ref.kind === "environment") return env[ref.variable] ?? null;
  if (ref.kind !== "file") return null;
  try {
    return readFileSync(resolve(base, ref.path), "utf8");
  } catch {
    return null;
  }
}

function volumeContent(
  volume: Exclude<Volume, { kind: "empty" }>,
  roots: readonly string[],
  local: Files,
  secretOf: (file: SecretFile) => string | null,
  base: string,
  secrets: ReadonlyMap<string, string>,
): { files: Map<string, Uint8Array>; missing: string[] } {
  const files = new Map<string, Uint8Array>();
  const missing: string[] = [];
  if (volume.kind === "secret") {
    // Without a list Azure mounts every secret of the app.
    if (volume.files === null) for (const [name, value] of secrets) files.set(name, Buffer.from(value));
    for (const file of volume.files ?? []) {
      const given = roots.map((root) => local.get(posix.join(root, file.path))).find((content) => content !== undefined);
      const content = given ?? secretOf(file);
      const path = posix.join(roots[0] ?? "/", file.path);
      if (content === null)
        missing.push(`file ${path} (secret ${file.secretName}): give it in configDirectory, or as files: { ${JSON.stringify(path)}: … }`);
      else files.set(file.path, Buffer.from(content));
    }
    return { files, missing };
  }
  for (const root of roots) {
    for (const [path, content] of local) if (path.startsWith(`${root}/`)) files.set(path.slice(root.length + 1), content);
  }
  if (files.size === 0 && volume.kind === "host") return { files: readDirectory(resolve(base, volume.source)), missing };
  if (files.size === 0)
    missing.push(`volume ${volume.name} (${volume.kind}) at ${roots.join(", ")}: give its files as configDirectory, or in files`);
  return { files, missing };
}

/** Files that no volume of the model holds: those of the image, those that the sidecar would fetch, and what was given beyond the model. */
function looseFiles(
  graph: PlatformTopology,
  options: MaterialOptions,
  local: Files,
  directory: Files,
): Pick<Materials, "files" | "replacements"> {
  const sidecar = graph.containers.find((one) => one.role === "sidecar");
  const files = new Map<string, Uint8Array>();
  const replacements = new Map<string, string>();
  // A volume of secrets holds only what the model lists; a directory may have more.
  const explicit = graph.config.kind === "image" ? local.keys() : Object.keys(options.files ?? {});
  for (const path of explicit) {
    const content = local.get(path);
    if (content === undefined || !path.startsWith("/") || mountedAt(graph, sidecar, path)) continue;
    files.set(path, content);
  }
  for (const [index, url] of fetchedUrls(graph).entries()) {
    const base = graph.config.kind === "fetched" ? graph.config.base : null;
    const inDirectory = base !== null && url.startsWith(base) ? directory.get(url.slice(base.length)) : undefined;
    const content = local.get(url) ?? inDirectory;
    if (content === undefined) continue;
    const path = `${FETCHED_ROOT}/${index}/${posix.basename(url)}`;
    files.set(path, content);
    replacements.set(url, path);
  }
  return { files, replacements };
}

function fetchedUrls(graph: PlatformTopology): string[] {
  return [...new Set(sidecarAccess(graph).reads.map(formatPolicySource))].filter((url) => !isDeferred(url));
}

function mountedAt(graph: PlatformTopology, sidecar: Container | undefined, path: string): boolean {
  const filled = new Set(graph.volumes.filter((one) => one.kind !== "empty").map((one) => one.name));
  return (sidecar?.mounts ?? []).some((mount) => filled.has(mount.volume) && path.startsWith(`${mount.path}/`));
}

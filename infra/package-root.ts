import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * The directory of this package, from its sources and from what is published of it alike. `file`: a file or directory of the package that
 * the caller needs; null when there is none above this module.
 */
export function packageRoot(file: string): string | null {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, file))) {
    const parent = dirname(directory);
    if (parent === directory) return null;
    directory = parent;
  }
  return directory;
}

/**
 * A program of this package that is started or read by its address: `infra/local/engine/watchdog` is a `.ts` file beside its callers in a clone,
 * and a file below dist/lib in the published package, where the callers' own addresses say nothing. `path` is written out, for
 * `scripts/lib/library.mjs` finds the programs by it.
 */
export function programUrl(path: string): URL {
  const file = import.meta.url.endsWith(".ts") ? `${path}.ts` : `dist/lib/${path}.js`;
  const root = packageRoot(file);
  if (root === null) throw new Error(`this installation of chio-kit lacks ${file}; install the package again`);
  return pathToFileURL(join(root, file));
}

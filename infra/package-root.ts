import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

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

import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Root of the repository. */
export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What scripts download or derive; safe to delete. */
export const CACHE = join(ROOT, ".cache");

/** What scripts build for the user. */
export const DIST = join(ROOT, "dist");

/** @param {...string} parts */
export const inRoot = (...parts) => join(ROOT, ...parts);

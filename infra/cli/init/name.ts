import { basename } from "node:path";
import { LIMITS } from "../../topology/limits.ts";
import type { Platform } from "../../topology/types.ts";
import type { InitPlatform } from "./templates.ts";

export const MODEL_PLATFORM: { readonly [P in InitPlatform]: Platform } = { aws: "ecs", gcp: "cloud-run", azure: "aca" };

/** Longest name from which every other name of the project can be made (Azure's limit, and the shortest). */
const LONGEST = 32;

/** What is wrong with a service's name on this platform, as one sentence, or null. */
export function nameProblem(name: string, platform: InitPlatform): string | null {
  if (!/^[a-z](?:-?[a-z0-9])*$/.test(name) || name.length > LONGEST)
    return `A name begins with a letter and has lower-case letters, digits and single hyphens, ${LONGEST} characters at most.`;
  const { pattern, text } = LIMITS[MODEL_PLATFORM[platform]].name;
  return pattern.test(name) ? null : `A name on ${platform} has ${text}.`;
}

/** A name from that of a directory, for a default: `My App` gives `my-app`. Null when nothing is left of it. */
export function nameFrom(directory: string, platform: InitPlatform): string | null {
  const name = basename(directory)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[-0-9]+|-+$/g, "")
    .slice(0, LONGEST);
  return nameProblem(name, platform) === null ? name : null;
}

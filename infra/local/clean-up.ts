import { hostname } from "node:os";
import { removeAll } from "./engine/clean-up.ts";
import { connect } from "./engine/docker.ts";
import { OWNER_LABEL, RUN_LABEL } from "./engine/labels.ts";

export interface CleanUpOptions {
  /** Also what belongs to processes that still run, on this machine or another. @default false */
  readonly all?: boolean;
  /** Only what carries these labels as well. */
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * Removes the containers, volumes and networks of local runs whose process is gone. Returns their names. A run removes its own in every ordinary
 * end; what is left for this are ends that nothing survives, such as a power cut.
 */
export async function cleanUp(options: CleanUpOptions = {}): Promise<string[]> {
  const { docker } = await connect();
  const wanted = [RUN_LABEL, ...Object.entries(options.labels ?? {}).map(([name, value]) => `${name}=${value}`)];
  return await removeAll(docker, wanted, (labels) => options.all === true || !ownerLives(labels[OWNER_LABEL] ?? ""));
}

function ownerLives(owner: string): boolean {
  const cut = owner.lastIndexOf("/");
  // Another machine's process cannot be seen from here: its run is left alone.
  if (owner.slice(0, cut) !== hostname()) return true;
  try {
    process.kill(Number(owner.slice(cut + 1)), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

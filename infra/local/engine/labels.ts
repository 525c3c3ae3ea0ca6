import { randomBytes } from "node:crypto";
import { hostname } from "node:os";

/** On every container, volume and network of a local run. */
export const RUN_LABEL = "dev.chio-kit.run";
/** Host and process that the run belongs to: what has lost its process is litter. */
export const OWNER_LABEL = "dev.chio-kit.owner";
export const REPLICA_LABEL = "dev.chio-kit.replica";
export const CONTAINER_LABEL = "dev.chio-kit.container";

export const newRunId = () => randomBytes(5).toString("hex");
export const owner = () => `${hostname()}/${process.pid}`;

export function runLabels(run: string, further: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { ...further, [RUN_LABEL]: run, [OWNER_LABEL]: owner() };
}

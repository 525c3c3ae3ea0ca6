import type { Command } from "commander";
import type { CommandIo } from "./io.ts";

interface CommandModule {
  register(program: Command, io: CommandIo): void;
}

export interface CommandEntry {
  /** First word after `chio`. */
  name: string;
  /** For `chio --help`, which loads none of the modules. */
  summary: string;
  load: () => Promise<CommandModule[]>;
}

/** Every command. Only the one that is called is loaded: `chio health` runs every few seconds on every replica. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: "health", summary: "Ask a running sidecar whether it is ready", load: () => all(import("./health.ts")) },
];

function all(...modules: Promise<CommandModule>[]): Promise<CommandModule[]> {
  return Promise.all(modules);
}

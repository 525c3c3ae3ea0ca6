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
  { name: "api", summary: "Protect an HTTP API: chio api protect", load: () => all(import("./api-protect.ts")) },
  { name: "health", summary: "Ask a running sidecar whether it is ready", load: () => all(import("./health.ts")) },
  {
    name: "capability",
    summary: "Issue, inspect, verify and attenuate capability tokens",
    load: () => all(import("./capability/issue.ts"), import("./capability/inspect.ts"), import("./capability/attenuate.ts")),
  },
  { name: "receipt", summary: "Read and verify receipts", load: () => all(import("./receipt-verify.ts")) },
  { name: "manifest", summary: "Verify signed tool manifests", load: () => all(import("./manifest.ts")) },
  { name: "keygen", summary: "Make a signing seed", load: () => all(import("./keygen.ts")) },
  { name: "sign", summary: "Sign a JSON file over its canonical form", load: () => all(import("./sign.ts")) },
  { name: "verify-signature", summary: "Verify a signature over a JSON file", load: () => all(import("./verify-signature.ts")) },
  { name: "canonicalize", summary: "Print the canonical form of a JSON file", load: () => all(import("./canonicalize.ts")) },
];

function all(...modules: Promise<CommandModule>[]): Promise<CommandModule[]> {
  return Promise.all(modules);
}

import type { CommandEntry, CommandModule } from "./run-program.ts";

/** Every command. Only the one that is called is loaded: `chio health` runs every few seconds on every replica. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: "api", summary: "Protect an HTTP API: chio api protect", load: () => all(import("./api-protect.ts")) },
  { name: "health", summary: "Ask a running sidecar whether it is ready", load: () => all(import("./health.ts")) },
  { name: "wait", summary: "Start a command once a sidecar is ready", load: () => all(import("./start/wait.ts")) },
  { name: "install", summary: "Copy this program to where another container finds it", load: () => all(import("./start/install.ts")) },
  { name: "keygen", summary: "Make a signing key", load: () => all(import("./keygen.ts")) },
  {
    name: "capability",
    summary: "Issue, attenuate, inspect, verify and revoke capability tokens",
    load: () =>
      all(
        import("./capability/issue.ts"),
        import("./capability/attenuate.ts"),
        import("./capability/inspect.ts"),
        import("./capability/revoke.ts"),
      ),
  },
  {
    name: "receipt",
    summary: "List, show, follow, export and verify receipts",
    load: () =>
      all(
        import("./receipt/list.ts"),
        import("./receipt/tail.ts"),
        import("./receipt/show.ts"),
        import("./receipt/export.ts"),
        import("./receipt-verify.ts"),
      ),
  },
  { name: "checkpoint", summary: "Verify a receipt store, or show its last checkpoint", load: () => all(import("./checkpoint.ts")) },
  { name: "manifest", summary: "Verify a signed tool manifest", load: () => all(import("./manifest.ts")) },
  { name: "canonicalize", summary: "Print the canonical form of a JSON file", load: () => all(import("./canonicalize.ts")) },
  { name: "sign", summary: "Sign a JSON file", load: () => all(import("./sign.ts")) },
  { name: "verify-signature", summary: "Verify a signature over a JSON file", load: () => all(import("./verify-signature.ts")) },
];

function all(...modules: Promise<CommandModule>[]): Promise<CommandModule[]> {
  return Promise.all(modules);
}

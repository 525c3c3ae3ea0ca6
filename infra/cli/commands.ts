import type { CommandEntry } from "../../sidecar/cli/run-program.ts";
import type { KitIo } from "./io.ts";

/** Every command, one file each. Only the one that is called is loaded. */
export const COMMANDS: readonly CommandEntry<KitIo>[] = [
  { name: "init", summary: "Write a project for one service", load: async () => [await import("./init.ts")] },
  { name: "render", summary: "Write a platform's manifests from a service.yaml", load: async () => [await import("./render.ts")] },
  { name: "posture", summary: "Say what holds each invariant, and what is left", load: async () => [await import("./posture.ts")] },
  {
    name: "verify",
    summary: "Check manifests, templates and states that exist already",
    load: async () => [await import("./verify.ts")],
  },
  {
    name: "prevention",
    summary: "Write the rules for the clouds' own controls",
    load: async () => [await import("./prevention.ts")],
  },
  {
    name: "diagram",
    summary: "Draw the deployment: containers, order, traffic, secrets",
    load: async () => [await import("./diagram.ts")],
  },
  { name: "up", summary: "Run the service with its sidecar on local Docker", load: async () => [await import("./up.ts")] },
];

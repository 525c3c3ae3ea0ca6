import { runProgram } from "../../sidecar/cli/run-program.ts";
import { VERSION } from "../../sidecar/service/version.ts";
import { TopologyError, TopologyInputError } from "../topology/errors.ts";
import { COMMANDS } from "./commands.ts";
import type { KitIo } from "./io.ts";

/** Runs `chio-kit <argv>`, with the exit codes of `runProgram`. */
export function run(argv: readonly string[], io: KitIo): Promise<void> {
  const spec = {
    name: "chio-kit",
    description: "Deploys a service behind the chio sidecar: projects, manifests, checks, pictures and a local run, from one model.",
    version: VERSION,
    commands: COMMANDS,
    explain,
  };
  return runProgram(spec, argv, io);
}

/** The model's own errors carry every problem of the input at once, one a line or one a block. */
function explain(error: unknown): string | undefined {
  if (error instanceof TopologyInputError) {
    const [only, second] = error.message.split("\n");
    const text = second === undefined ? `${only} (${error.code})` : `${error.issues.length} problems (${error.code})\n${error.message}`;
    return `error: ${text}\nfix: ${FIX[error.code]}\n`;
  }
  if (error instanceof TopologyError) return `error: ${error.message} (${error.code})\n`;
  // Errors of the layers that know nothing of the sidecar's base class.
  if (error instanceof Error && "fix" in error && "code" in error) return `error: ${error.message} (${error.code})\nfix: ${error.fix}\n`;
  return undefined;
}

const FIX: { readonly [Code in TopologyInputError["code"]]: string } = {
  input_syntax: "correct the YAML at that place",
  input_invalid: "correct each of them; docs/topology.md and the schema chio-kit/service.schema.json say what is taken",
  platform_mismatch: "name the platform that the topology was made for",
  not_renderable: "give each value in the input file, or deploy with the construct, which makes it",
};

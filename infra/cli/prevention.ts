import { type Command, InvalidArgumentError, Option } from "commander";
import { PREVENTION_PLATFORMS, type PreventionPlatform, preventionFiles } from "../prevention/files.ts";
import { knownOptions } from "../prevention/options.ts";
import { writeFiles } from "./files.ts";
import type { KitIo } from "./io.ts";
import { platformOption } from "./service-input.ts";

interface Flags {
  readonly platform: readonly PreventionPlatform[];
  readonly out: string;
  readonly force?: true;
  readonly sidecar?: string;
  readonly port?: number;
  readonly organization?: string;
  readonly requireSidecar?: true;
}

/** `chio-kit prevention`: the topology's rules in the languages with which a cloud refuses a deployment. */
export function register(program: Command, io: KitIo): void {
  program
    .command("prevention")
    .description(
      "Write the rules for the clouds' own controls: CloudFormation Guard (ecs), organization policy constraints (cloud-run), Azure Policy (aca). docs/prevention.md says how to install them.",
    )
    .addOption(platformOption(PREVENTION_PLATFORMS, "for which").makeOptionMandatory())
    .requiredOption("--out <dir>", "directory for the files; each platform gets its own below it where there are several")
    .option("--force", "overwrite files that hold something else")
    .addOption(
      new Option("--sidecar <name>", "name of the sidecar's container (default: chio-sidecar)").argParser(
        (sidecar) => tried({ sidecar }).sidecar,
      ),
    )
    .addOption(new Option("--port <port>", "port of the sidecar (default: 9090)").argParser((text) => tried({ port: Number(text) }).port))
    .addOption(
      new Option("--organization <number>", "Google's organization id, for constraint names").argParser(
        (organization) => tried({ organization }).organization,
      ),
    )
    .option("--require-sidecar", "refuse services without a sidecar too")
    .action(async ({ platform: platforms, out, force, ...options }: Flags) => {
      const files = platforms.flatMap((platform) =>
        preventionFiles(platform, options).map(({ path, text }) => ({ path: platforms.length === 1 ? path : `${platform}/${path}`, text })),
      );
      for (const { path, state } of await writeFiles(out, files, force === true)) io.stdout(`${state} ${path}\n`);
    });
}

function tried(options: Parameters<typeof knownOptions>[0]): ReturnType<typeof knownOptions> {
  try {
    return knownOptions(options);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

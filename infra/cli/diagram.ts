import { extname } from "node:path";
import type { Command } from "commander";
import { renderDiagram } from "../diagram/index.ts";
import type { Theme } from "../svg/index.ts";
import { type Acceptance, PLATFORMS, type Platform } from "../topology/types.ts";
import { assess, errorsOf, findingsText } from "./assess.ts";
import type { KitIo } from "./io.ts";
import { pictureArgument, themeOption, writePicture } from "./picture.ts";
import { acceptOption, platformOption, readService, serviceArgument } from "./service-input.ts";

interface Flags {
  readonly platform?: readonly Platform[];
  readonly out: string;
  readonly theme: Theme;
  readonly accept?: readonly Acceptance[];
}

/** `chio-kit diagram`: the topology as a picture. One with errors is drawn too, with its errors, and the exit code says so. */
export function register(program: Command, io: KitIo): void {
  program
    .command("diagram")
    .description("Draw the deployment: containers, ports, start order, traffic, where each secret goes, and what holds each invariant.")
    .addArgument(serviceArgument())
    .addOption(platformOption(PLATFORMS, "what to draw"))
    .option(
      "--out <file>",
      "an .svg or .png file; with several platforms, each name gets its platform; - prints one SVG",
      pictureArgument,
      "-",
    )
    .addOption(themeOption())
    .addOption(acceptOption())
    .addHelpText("after", "\nExample: chio-kit diagram --platform ecs --out docs/deployment.svg service.yaml")
    .action(async (path: string, flags: Flags, command: Command) => {
      const topology = await readService(io, path);
      const platforms = flags.platform ?? PLATFORMS;
      const [only] = platforms;
      if (flags.out === "-" && (only === undefined || platforms.length > 1))
        command.error("error: several pictures cannot be printed one after the other; give one --platform, or --out", { exitCode: 2 });
      for (const one of assess(topology, platforms, flags.accept ?? [])) {
        const theme = extname(flags.out) === ".png" && flags.theme === "auto" ? "light" : flags.theme;
        const svg = renderDiagram(topology, one.platform, { theme, acceptances: one.acceptances });
        io.stderr(findingsText(one));
        if (errorsOf(one).length > 0) io.setExit(1);
        if (flags.out === "-") io.stdout(svg);
        else {
          const file = platforms.length === 1 ? flags.out : named(flags.out, one.platform);
          await writePicture(file, svg);
          io.stdout(`wrote ${file}\n`);
        }
      }
    });
}

/** `docs/picture.svg` for ecs is `docs/picture-ecs.svg`. */
function named(path: string, platform: Platform): string {
  const ending = extname(path);
  return `${path.slice(0, path.length - ending.length)}-${platform}${ending}`;
}

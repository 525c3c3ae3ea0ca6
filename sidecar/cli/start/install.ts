import type { Command } from "commander";
import { isCompiled } from "../../ledger/worker-url.ts";
import { CliError } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import { installProgram } from "./copy.ts";

/** `chio install`: run as an init container, it leaves this program in a volume, and another container starts through `chio wait`. */
export function register(program: Command, io: CommandIo): void {
  program
    .command("install")
    .description("Copy this program to a folder or file, so that a container of another image can start through `chio wait`.")
    .requiredOption("--to <path>", "an existing folder, or the file to make in one")
    .action(({ to }: { to: string }) => {
      if (!isCompiled()) {
        throw new CliError("install_not_a_program", `this is the source, run by ${process.execPath}: there is no program to copy`, {
          fix: "run the compiled program: npm run build leaves it at dist/chio, and the images have it",
        });
      }
      const { path, copied, loader, libc } = installProgram(process.execPath, to);
      const runs = libc === null ? "" : `; it starts in images with ${libc} (${loader})`;
      io.stdout(`${path} ${copied ? "installed" : "is already this program"}${runs}\n`);
    });
}

import type { Command } from "commander";
import { canonicalize } from "../wire/canonical.ts";
import { parseJson } from "../wire/parse.ts";
import { type CommandIo, readInput } from "./io.ts";

/** `chio canonicalize FILE`: exactly the canonical bytes, without a newline, so that they can be hashed as they come. */
export function register(program: Command, io: CommandIo): void {
  program
    .command("canonicalize")
    .description("Print the canonical form (RFC 8785) of a JSON file, without a newline. Exit 1 when it is not strict JSON.")
    .argument("<file>", "JSON file; - is standard input")
    .action(async (file: string) => {
      io.stdout(canonicalize(parseJson(await readInput(io, file))));
    });
}

import type { Command } from "commander";
import { canonicalize } from "../wire/canonical.ts";
import { parseJson } from "../wire/parse.ts";
import { type CommandIo, readInput } from "./io.ts";
import { printJson, readKeypair } from "./wire-input.ts";

/** `chio sign`: Ed25519 over canonical JSON, or over the bytes of the file. */
export function register(program: Command, io: CommandIo): void {
  program
    .command("sign")
    .description("Sign a JSON file over its canonical form. Prints {algorithm, public_key, signature}.")
    .argument("<file>", "what to sign; - is standard input")
    .requiredOption("--seed-file <file>", "signing seed: 64 hex or base64 of 32 bytes")
    .option("--raw", "sign the bytes of the file as they are")
    .action(async (file: string, flags: { seedFile: string; raw?: true }, command: Command) => {
      if (file === "-" && flags.seedFile === "-")
        command.error("error: file and seed cannot both come from standard input", { exitCode: 2 });
      const pair = await readKeypair(io, flags.seedFile);
      try {
        const message = await messageOf(io, file, flags.raw);
        printJson(io, { algorithm: "ed25519", public_key: pair.publicKeyHex, signature: pair.sign(message) });
      } finally {
        pair.wipe();
      }
    });
}

/** What is signed: the file's canonical JSON, or with `--raw` its bytes. */
export async function messageOf(io: CommandIo, file: string, raw: true | undefined): Promise<Uint8Array | string> {
  const bytes = await readInput(io, file);
  return raw ? bytes : canonicalize(parseJson(bytes));
}

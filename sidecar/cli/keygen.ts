import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { Keypair } from "../wire/keys.ts";
import type { CommandIo } from "./io.ts";
import { printJson, readKeypair } from "./wire-input.ts";

/** `chio keygen`: a new signing seed, or the public key of one that exists. */
export function register(program: Command, io: CommandIo): void {
  program
    .command("keygen")
    .description("Make an Ed25519 signing seed. With --out the seed goes into a new file (mode 0600) and only the public key is printed.")
    .option("--out <file>", "write the seed here; an existing file is never overwritten")
    .option("--seed-file <file>", "make nothing: print the public key of this seed; - is standard input")
    .action(async (flags: { out?: string; seedFile?: string }, command: Command) => {
      if (flags.seedFile !== undefined) {
        if (flags.out !== undefined)
          command.error("error: --seed-file makes no seed, so there is nothing for --out to write", { exitCode: 2 });
        const pair = await readKeypair(io, flags.seedFile);
        printJson(io, { algorithm: "ed25519", public_key: pair.publicKeyHex });
        pair.wipe();
        return;
      }
      await generate(io, flags.out);
    });
}

async function generate(io: CommandIo, out: string | undefined): Promise<void> {
  const pair = Keypair.generate();
  const seed = Buffer.from(pair.exportSeed());
  try {
    const made = { algorithm: "ed25519", public_key: pair.publicKeyHex };
    if (out === undefined) {
      printJson(io, { ...made, seed: seed.toString("hex") });
      return;
    }
    const problem = await writeNew(out, `${seed.toString("hex")}\n`);
    if (problem === null) printJson(io, { ...made, seed_file: out });
    else {
      io.stderr(`error: ${problem}\n`);
      io.setExit(1);
    }
  } finally {
    seed.fill(0);
    pair.wipe();
  }
}

async function writeNew(path: string, text: string): Promise<string | null> {
  try {
    await writeFile(path, text, { flag: "wx", mode: 0o600, flush: true });
    return null;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return `${path} exists and was left as it is: choose another name, or move it away first`;
    if (code === "ENOENT") return `${path} cannot be made: its directory does not exist`;
    return `${path} cannot be written: ${code ?? message}`;
  }
}

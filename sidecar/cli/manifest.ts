import type { Command } from "commander";
import { parseManifest, structureProblem, verifyManifest } from "../wire/manifest.ts";
import { group } from "./group.ts";
import { type CommandIo, readInput } from "./io.ts";
import { checkFile, fileAndKeys, printJson, publicKeysArgument } from "./wire-input.ts";

/** `chio manifest verify`. */
export function register(program: Command, io: CommandIo): void {
  group(program, "manifest", "Signed tool manifests")
    .command("verify")
    .description("Verify a signed tool manifest. Exit 0 when signature, structure and embedded key all hold, 1 when not.")
    .argument("<file...>", "signed manifest (JSON); - is standard input")
    .option("--trusted-key <hex>", "the signer must be this key; may be repeated", publicKeysArgument)
    .action(async (operands: string[], flags: { trustedKey?: string[] }, command: Command) => {
      const { file, keys } = fileAndKeys(command, operands, flags.trustedKey);
      await checkFile(io, { signature_valid: false }, async () => {
        const signed = parseManifest(await readInput(io, file));
        const report = verifyManifest(signed);
        const trusted = keys?.includes(signed.signer_key);
        const ok = Object.values(report).every(Boolean) && trusted !== false;
        const problem = structureProblem(signed.manifest);
        printJson(io, {
          ok,
          ...report,
          ...(problem === null ? {} : { structure_problem: problem }),
          ...(trusted === undefined ? {} : { signer_trusted: trusted }),
          signer_key_hex: signed.signer_key,
        });
        if (ok) return;
        io.stderr(
          `error: the manifest is not valid: ${failedChecks({ ...report, ...(trusted === false ? { signer_trusted: false } : {}) })}\n`,
        );
        io.setExit(1);
      });
    });
}

function failedChecks(report: Record<string, boolean>): string {
  return Object.keys(report)
    .filter((name) => !report[name])
    .join(", ");
}

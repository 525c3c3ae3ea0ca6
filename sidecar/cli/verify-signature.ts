import type { Command } from "commander";
import { isLowerHex } from "../wire/hash.ts";
import { verifySignature } from "../wire/keys.ts";
import type { CommandIo } from "./io.ts";
import { messageOf } from "./sign.ts";
import { checkFile, printJson, publicKeyArgument } from "./wire-input.ts";

/** `chio verify-signature`: the counterpart of `chio sign`. */
export function register(program: Command, io: CommandIo): void {
  program
    .command("verify-signature")
    .description("Verify a signature over the canonical form of a JSON file. Exit 0 when it is valid, 1 when not.")
    .argument("<file>", "what was signed; - is standard input")
    .requiredOption("--key <hex>", "public key: 64 hex", publicKeyArgument)
    .requiredOption("--signature <hex>", "signature: 128 hex")
    .option("--raw", "verify over the bytes of the file as they are")
    .action(async (file: string, flags: { key: string; signature: string; raw?: true }) => {
      await checkFile(io, { signature_valid: false }, async () => {
        const signature = flags.signature.trim().toLowerCase();
        const valid = verifySignature(flags.key, await messageOf(io, file, flags.raw), signature);
        printJson(io, { ok: valid, signature_valid: valid, public_key: flags.key });
        if (valid) return;
        io.stderr(
          isLowerHex(signature, 128)
            ? "error: the signature does not verify: another key, or the content was changed\n"
            : "error: --signature is not an Ed25519 signature of 128 hex characters\n",
        );
        io.setExit(1);
      });
    });
}

import type { Command } from "commander";
import { isObject } from "../wire/fields.ts";
import { verifyHttpReceipt } from "../wire/http-receipt.ts";
import type { Json } from "../wire/json.ts";
import { parseJson } from "../wire/parse.ts";
import { type ReceiptReport, verifyReceipt } from "../wire/receipt.ts";
import { MAX_RECEIPT_DEPTH, parseReceipt } from "../wire/receipt-parse.ts";
import { group } from "./group.ts";
import { type CommandIo, readInput } from "./io.ts";
import { checkFile, fileAndKeys, printJson, publicKeysArgument } from "./wire-input.ts";

/** `chio receipt verify`: one receipt, offline. */
export function register(program: Command, io: CommandIo): void {
  group(program, "receipt", "Signed receipts")
    .command("verify")
    .description("Verify a tool or HTTP receipt without any store. Exit 0 only when everything holds and its signer is trusted.")
    .argument("<file...>", "receipt, log line or evaluate answer that holds one (JSON); - is standard input")
    .option("--trusted-key <hex>", "a kernel key to trust; may be repeated. Without one no signer is trusted", publicKeysArgument)
    .action(async (operands: string[], flags: { trustedKey?: string[] }, command: Command) => {
      const { file, keys } = fileAndKeys(command, operands, flags.trustedKey);
      await checkFile(io, { signature_valid: false }, async () => {
        const value = unwrap(parseJson(await readInput(io, file), { maxDepth: MAX_RECEIPT_DEPTH + 1 }));
        // A JSON string must not be read as text once more.
        const parsed = parseReceipt(typeof value === "string" ? [] : value);
        const options = { trustedKeys: keys };
        const report = parsed.kind === "tool" ? verifyReceipt(parsed.receipt, options) : verifyHttpReceipt(parsed.receipt, options);
        printJson(io, { ...report, receipt_id: parsed.receipt.id, receipt_type: parsed.kind });
        if (report.ok) return;
        io.stderr(`error: the receipt is not ok: ${explain(report, keys)}\n`);
        io.setExit(1);
      });
    });
}

/** Log lines and answers of evaluate hold the receipt in a field of that name. */
function unwrap(value: Json): Json {
  return isObject(value) && !Object.hasOwn(value, "id") && isObject(value.receipt) ? value.receipt : value;
}

function explain(report: ReceiptReport, keys: string[] | undefined): string {
  if (!report.receipt_id_valid) return "its id is not the hash of its content, so the content was changed";
  if (!report.signature_valid) return "its signature does not verify, or its semantics are not coherent";
  if (!report.parameter_hash_valid) return "its parameter hash does not match";
  if (report.receipt_kind !== "mediated_decision") return `a ${report.receipt_kind} observes and never authorises`;
  if (keys === undefined) return "no --trusted-key was given, so its signer is not trusted";
  return "its signer is not one of the trusted keys";
}

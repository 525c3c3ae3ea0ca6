import { basename, dirname, join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { LedgerError } from "../../ledger/errors.ts";
import { proveBatch } from "../../ledger/proof.ts";
import { StoreReader, verifyRow } from "../../ledger/reader.ts";
import { verifyHttpReceipt } from "../../wire/http-receipt.ts";
import { verifyReceipt } from "../../wire/receipt.ts";
import type { ChioReceipt, HttpReceipt } from "../../wire/types.ts";
import { group } from "../group.ts";
import type { CommandIo } from "../io.ts";
import { publicKeysArgument } from "../wire-input.ts";
import { archiveOption, reading, type StoreFlags, storeOption, storePath } from "./store.ts";

/** `chio receipt show`: one receipt with everything that proves it. */
export function register(program: Command, io: CommandIo): void {
  const command = group(program, "receipt", "Signed receipts")
    .command("show")
    .description("Print one receipt, its verification, and the proof that leads from it to a signed checkpoint.")
    .argument("<id>", "receipt id, or at least 8 characters of its beginning", idArgument);
  archiveOption(storeOption(command))
    .option("--trusted-key <hex...>", "kernel keys to trust", publicKeysArgument)
    .action((id: string, flags: StoreFlags & { trustedKey?: string[] }) =>
      reading(io, async () => {
        const path = storePath(flags, io.env);
        for (const reader of readers(path, flags.archive)) {
          try {
            io.stdout(`${describe(reader, id, flags.trustedKey)}\n`);
            return;
          } catch (error) {
            if (!(error instanceof LedgerError) || error.code !== "receipt_not_found" || /begin with/.test(error.message)) throw error;
          } finally {
            reader.close();
          }
        }
        const fix = flags.archive === undefined ? { fix: "an older one may be in an archive: add --archive" } : {};
        throw new LedgerError("receipt_not_found", `${path} holds no receipt ${id}`, fix);
      }),
    );
}

/** The store, then its archives from the newest on. Each is opened when it is asked for. */
function* readers(path: string, archive: boolean | string | undefined): Generator<StoreReader> {
  const live = new StoreReader(path);
  const archives = archive === undefined || archive === false ? [] : live.archives();
  yield live;
  const folder = typeof archive === "string" ? archive : dirname(path);
  for (const { file } of archives.reverse()) yield new StoreReader(join(folder, basename(file)));
}

function describe(reader: StoreReader, id: string, trustedKeys: readonly string[] | undefined): string {
  const { seq, kind, receipt, canonicalJson } = verifyRow(reader.find(id));
  const options = { trustedKeys };
  const verification =
    kind === "http"
      ? verifyHttpReceipt(receipt as HttpReceipt, options)
      : kind === "tool"
        ? verifyReceipt(receipt as ChioReceipt, options)
        : { signature_valid: true };
  const checkpoint = reader.checkpointOver(seq);
  const inclusion = checkpoint === null ? null : proveBatch(reader, checkpoint, seq).proofs[0];
  // The receipt goes out as the text that was signed.
  return `{"seq":${seq},"kind":"${kind}","receipt":${canonicalJson},"verification":${JSON.stringify(verification)},"inclusion":${JSON.stringify(inclusion)},"checkpoint":${checkpoint?.canonicalJson ?? "null"}}`;
}

function idArgument(text: string): string {
  if (!/^[0-9a-f]{8,64}$/.test(text)) throw new InvalidArgumentError("Give 8 to 64 lower-case hex characters.");
  return text;
}

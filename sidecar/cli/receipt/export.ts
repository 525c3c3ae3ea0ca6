import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import type { Command } from "commander";
import { type ExportCounts, exportLines } from "../../ledger/export.ts";
import { group } from "../group.ts";
import type { CommandIo } from "../io.ts";
import { printJson, unixNow } from "../wire-input.ts";
import { archiveOption, reading, type StoreFlags, storeOption, storePath } from "./store.ts";

interface ExportFlags extends StoreFlags {
  output: string;
  requireProofs?: true;
}

/** `chio receipt export`: a store as a file that third parties can verify. */
export function register(program: Command, io: CommandIo): void {
  const command = group(program, "receipt", "Signed receipts")
    .command("export")
    .description(
      "Write receipts, checkpoints and inclusion proofs as JSON lines; `chio checkpoint verify --export FILE` verifies them without the store.",
    );
  archiveOption(storeOption(command))
    .requiredOption("--output <file>", "file to write; - is standard output")
    .option("--require-proofs", "fail when receipts at the end are not covered by a checkpoint yet")
    .action((flags: ExportFlags) =>
      reading(io, async () => {
        const path = storePath(flags, io.env);
        const options = { now: unixNow(), ...(flags.archive === undefined ? {} : { archive: flags.archive }) };
        const lines = exportLines(path, options);
        const toFile = flags.output !== "-";
        const counts = toFile ? await writeWhole(flags.output, lines) : await drain(lines, (text) => io.stdout(text));
        if (toFile) printJson(io, { output: flags.output, ...counts });
        if (flags.requireProofs === true && counts.unproven > 0) {
          io.stderr(`error: ${counts.unproven} receipts at the end have no proof yet: the next checkpoint covers them\n`);
          io.setExit(1);
        }
      }),
    );
}

/** The file appears complete or not at all. */
async function writeWhole(path: string, lines: AsyncGenerator<string, ExportCounts>): Promise<ExportCounts> {
  const part = `${path}.part`;
  const file = openSync(part, "w", 0o600);
  let whole = false;
  try {
    const counts = await drain(lines, (text) => writeSync(file, text));
    fsyncSync(file);
    whole = true;
    return counts;
  } finally {
    closeSync(file);
    if (whole) renameSync(part, path);
    else rmSync(part, { force: true });
  }
}

async function drain(lines: AsyncGenerator<string, ExportCounts>, write: (text: string) => void): Promise<ExportCounts> {
  for (;;) {
    const next = await lines.next();
    if (next.done === true) return next.value;
    write(next.value);
  }
}

import type { Command } from "commander";
import { StoreReader } from "../../ledger/reader.ts";
import { group } from "../group.ts";
import type { CommandIo } from "../io.ts";
import { type FilterFlags, filterOptions, receiptFilter } from "./filter.ts";
import { printReceipts, printTail, sayHidden } from "./follow.ts";
import { reading, storePath, wholeNumber } from "./store.ts";

const LIMIT = 50;

interface ListFlags extends FilterFlags {
  limit?: number;
  cursor?: number;
  newestFirst?: true;
  tail?: true;
}

/** `chio receipt list`: receipts of a store as JSON lines, each verified before it is printed. */
export function register(program: Command, io: CommandIo): void {
  const command = group(program, "receipt", "Signed receipts")
    .command("list")
    .description(
      "Print receipts of a store as JSON lines, oldest first. Each is verified; a tampered one is refused, and the exit code is then 1.",
    );
  filterOptions(command)
    .option("--limit <n>", `at most so many receipts (default: ${LIMIT})`, wholeNumber(1))
    .option(
      "--cursor <n>",
      "go on after this receipt number; a page that is not the last prints the next one on standard error",
      wholeNumber(0),
    )
    .option("--newest-first", "from the end of the log; --cursor then means before that number")
    .option("--tail", "print the newest receipts and go on with each new one, like `chio receipt tail`")
    .action((flags: ListFlags) =>
      reading(io, async () => {
        const path = storePath(flags, io.env);
        const filter = receiptFilter(flags);
        if (flags.tail === true) {
          await printTail(io, path, filter, flags.limit ?? 10, true);
          return;
        }
        const reader = new StoreReader(path);
        try {
          sayHidden(io, reader, filter);
          await listPage(io, reader, flags);
        } finally {
          reader.close();
        }
      }),
    );
}

async function listPage(io: CommandIo, reader: StoreReader, flags: ListFlags): Promise<void> {
  const limit = flags.limit ?? LIMIT;
  const filter = {
    ...receiptFilter(flags),
    ...(flags.cursor === undefined ? {} : { cursor: flags.cursor }),
    ...(flags.newestFirst === true ? { newestFirst: true } : {}),
  };
  let printed = 0;
  const counting: CommandIo = {
    ...io,
    stdout: (text) => {
      printed++;
      io.stdout(text);
    },
  };
  const last = await printReceipts(counting, reader, { ...filter, limit });
  const range = reader.range();
  const more =
    printed === limit && last !== null && range !== null && (flags.newestFirst === true ? last > range.first : last < range.last);
  if (more) io.stderr(`next: --cursor ${last}\n`);
}

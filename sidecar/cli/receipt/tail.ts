import type { Command } from "commander";
import { group } from "../group.ts";
import type { CommandIo } from "../io.ts";
import { type FilterFlags, filterOptions, receiptFilter } from "./filter.ts";
import { printTail } from "./follow.ts";
import { reading, storePath, wholeNumber } from "./store.ts";

/** `chio receipt tail`: the newest receipts, and new ones as they come. */
export function register(program: Command, io: CommandIo): void {
  const command = group(program, "receipt", "Signed receipts")
    .command("tail")
    .description("Print the newest receipts as JSON lines, then each new one as it becomes durable.");
  filterOptions(command)
    .option("-n, --lines <n>", "how many of those already stored (default: 10)", wholeNumber(0))
    .option("--no-follow", "end after those already stored")
    .action((flags: FilterFlags & { lines?: number; follow: boolean }) =>
      reading(io, () => printTail(io, storePath(flags, io.env), receiptFilter(flags), flags.lines ?? 10, flags.follow)),
    );
}

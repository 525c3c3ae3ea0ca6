import { statSync } from "node:fs";
import { join } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { LedgerError } from "../../ledger/errors.ts";
import type { CommandIo } from "../io.ts";

const DEFAULT_HOME = "/var/lib/chio";

export interface StoreFlags {
  receiptDb?: string;
  archive?: boolean | string;
}

export function storeOption(command: Command): Command {
  return command.option("--receipt-db <file>", "the sidecar's receipt store [env: CHIO_RECEIPT_STORE, else receipts.sqlite in CHIO_HOME]");
}

export function archiveOption(command: Command): Command {
  return command.option("--archive [folder]", "also read what retention has moved to archives, beside the store or in <folder>");
}

/** The store that a command reads: named by flag, else where the sidecar keeps it. */
export function storePath(flags: StoreFlags, env: NodeJS.ProcessEnv): string {
  return flags.receiptDb || env.CHIO_RECEIPT_STORE || join(env.CHIO_HOME || DEFAULT_HOME, "receipts.sqlite");
}

/** Runs what reads a store. A store that is not there, or a file that is none, is misuse: exit code 2. What is wrong inside one is 1. */
export async function reading(io: CommandIo, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const misuse = error instanceof LedgerError && (error.code === "ledger_not_found" || error.code === "ledger_not_a_store");
    if (misuse) io.setExit(2);
    throw error;
  }
}

/** A whole number for an option, `least` or more. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    if (!/^\d{1,15}$/.test(text) || Number(text) < least) throw new InvalidArgumentError(`Give a whole number from ${least}.`);
    return Number(text);
  };
}

/** Unix seconds, or an ISO 8601 time like 2026-10-05 or 2026-10-05T12:00:00Z. */
export function timeArgument(text: string): number {
  if (/^\d{1,12}$/.test(text)) return Number(text);
  const parsed = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:\d{2}))?$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(parsed)) throw new InvalidArgumentError("Give Unix seconds, or a time like 2026-10-05 or 2026-10-05T12:00:00Z.");
  return Math.floor(parsed / 1000);
}

export function existingFile(text: string): string {
  if (text === "-") return text;
  const found = statSync(text, { throwIfNoEntry: false });
  if (found === undefined) throw new InvalidArgumentError(`There is no file ${text}.`);
  if (found.isDirectory()) throw new InvalidArgumentError(`${text} is a directory.`);
  return text;
}

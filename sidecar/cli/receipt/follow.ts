import { setTimeout as sleep } from "node:timers/promises";
import { LedgerError } from "../../ledger/errors.ts";
import { hidesTenants, type ReceiptFilter, readFrom } from "../../ledger/read.ts";
import { StoreReader } from "../../ledger/reader.ts";
import type { CommandIo } from "../io.ts";

const POLL_MS = 250;

/** Prints receipts as they are stored, one JSON line each. Returns the number of the last one, null when none matched. */
export async function printReceipts(io: CommandIo, reader: StoreReader, filter: ReceiptFilter): Promise<number | null> {
  let last: number | null = null;
  const onTampered = (error: LedgerError) => {
    io.stderr(`error: ${error.message} (${error.code})\n`);
    io.setExit(1);
  };
  for await (const { seq, canonicalJson } of readFrom(reader, { ...filter, onTampered })) {
    io.stdout(`${canonicalJson}\n`);
    last = seq;
  }
  return last;
}

/** The newest `count` receipts, oldest first, and then each new one as it is stored. Ends with the process, or at once without `follow`. */
export async function printTail(io: CommandIo, path: string, filter: ReceiptFilter, count: number, follow: boolean): Promise<void> {
  const reader = new StoreReader(path);
  try {
    sayHidden(io, reader, filter);
    const newest: string[] = [];
    let cursor = reader.range()?.last ?? 0;
    const onTampered = (error: LedgerError) => {
      io.stderr(`error: ${error.message} (${error.code})\n`);
      io.setExit(1);
    };
    for await (const { canonicalJson } of readFrom(reader, {
      ...filter,
      cursor: cursor + 1,
      newestFirst: true,
      limit: count,
      onTampered,
    })) {
      newest.push(canonicalJson);
    }
    for (const line of newest.reverse()) io.stdout(`${line}\n`);
    while (follow) {
      await sleep(POLL_MS);
      const end = reader.range()?.last ?? 0;
      if (end < cursor) throw new LedgerError("ledger_corrupt", `${path} ends before receipt ${cursor}, which was in it: it was replaced`);
      if (end === cursor) continue;
      await printReceipts(io, reader, { ...filter, cursor });
      cursor = end;
    }
  } finally {
    reader.close();
  }
}

/** Receipts of tenants are left out silently nowhere. */
export function sayHidden(io: CommandIo, reader: StoreReader, filter: ReceiptFilter): void {
  if (hidesTenants(reader, filter)) {
    io.stderr("note: receipts that belong to a tenant are left out; name it with --tenant, or read all with --admin-all\n");
  }
}

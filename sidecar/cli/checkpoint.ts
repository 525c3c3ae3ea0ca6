import { createReadStream, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { type Command, Option } from "commander";
import { StoreReader } from "../ledger/reader.ts";
import { type LedgerReport, verifyLedgerFile } from "../ledger/verify.ts";
import { verifyExport } from "../ledger/verify-export.ts";
import { parseCheckpoint, verifyCheckpoint } from "../wire/checkpoint.ts";
import { isObject } from "../wire/fields.ts";
import { parseJson } from "../wire/parse.ts";
import type { KernelCheckpoint } from "../wire/types.ts";
import { group } from "./group.ts";
import type { CommandIo } from "./io.ts";
import { archiveOption, existingFile, reading, type StoreFlags, storeOption, storePath } from "./receipt/store.ts";
import { printJson, publicKeysArgument, unixNow } from "./wire-input.ts";

interface VerifyFlags extends StoreFlags {
  trustedKey?: string[];
  knownCheckpoints?: string;
  export?: string;
}

/** `chio checkpoint verify` and `chio checkpoint status`. */
export function register(program: Command, io: CommandIo): void {
  const parent = group(program, "checkpoint", "Signed checkpoints over the receipts of a store");
  const verify = parent
    .command("verify")
    .description(
      "Verify a whole store or export: every receipt, every checkpoint, the chain and the Merkle roots. Prints a JSON report; exit 0 when all holds.",
    );
  archiveOption(storeOption(verify))
    .option("--trusted-key <hex...>", "kernel keys to trust; every signer must be one of them", publicKeysArgument)
    .option(
      "--known-checkpoints <file>",
      "checkpoints kept elsewhere (log lines or JSON lines): they must be in the store unchanged",
      existingFile,
    )
    .addOption(
      new Option("--export <file>", "verify a file of `chio receipt export`, without any store")
        .argParser(existingFile)
        .conflicts(["receiptDb", "archive"]),
    )
    .action((flags: VerifyFlags) =>
      reading(io, async () => {
        const report = flags.export === undefined ? await verifyStore(io, flags) : await verifyFile(flags.export, flags);
        printJson(io, report);
        if (!report.ok) io.setExit(1);
      }),
    );
  storeOption(parent.command("status").description("Print the last checkpoint of a store and what it does not cover yet.")).action(
    (flags: StoreFlags) => reading(io, async () => status(io, storePath(flags, io.env))),
  );
}

function verifyStore(io: CommandIo, flags: VerifyFlags): Promise<LedgerReport> {
  return verifyLedgerFile(storePath(flags, io.env), {
    ...(flags.trustedKey === undefined ? {} : { trustedKeys: flags.trustedKey }),
    ...(flags.archive === undefined ? {} : { archive: flags.archive }),
    ...known(flags),
  });
}

function verifyFile(path: string, flags: VerifyFlags): Promise<LedgerReport> {
  const { trustedKey } = flags;
  const input = path === "-" ? process.stdin : createReadStream(path);
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  return verifyExport(lines, { name: path, ...(trustedKey === undefined ? {} : { trustedKeys: trustedKey }), ...known(flags) });
}

function known({ knownCheckpoints: path }: VerifyFlags): { knownCheckpoints?: KernelCheckpoint[] } {
  return path === undefined ? {} : { knownCheckpoints: readCheckpoints(path) };
}

/** Lines of the stdout sink, of an export, or bare checkpoints; other lines of a log are passed over. */
function readCheckpoints(path: string): KernelCheckpoint[] {
  const found: KernelCheckpoint[] = [];
  for (const line of readFileSync(path, "utf8").split("\n")) {
    if (!line.includes("chio.checkpoint_statement.v1")) continue;
    const value = parseJson(line);
    found.push(parseCheckpoint(isObject(value) && value.checkpoint !== undefined ? value.checkpoint : value));
  }
  return found;
}

function status(io: CommandIo, path: string): void {
  const reader = new StoreReader(path);
  try {
    const range = reader.range();
    const record = reader.lastCheckpoint();
    const checkpoint = record === null ? null : parseCheckpoint(record.canonicalJson);
    const valid = checkpoint === null || verifyCheckpoint(checkpoint);
    const covered = record?.batchEndSeq ?? 0;
    printJson(io, {
      store: path,
      receipts: range === null ? 0 : range.last - range.first + 1,
      last_seq: range?.last ?? null,
      uncheckpointed: Math.max(0, (range?.last ?? 0) - covered),
      open_decisions: reader.openDecisions(0).count,
      last_checkpoint:
        checkpoint === null ? null : { ...checkpoint, signature_valid: valid, age_seconds: unixNow() - checkpoint.body.issued_at },
      archives: reader.archives().map(({ file, firstSeq, lastSeq }) => ({ file, first_seq: firstSeq, last_seq: lastSeq })),
    });
    if (valid) return;
    io.stderr("error: the last checkpoint does not verify\n");
    io.setExit(1);
  } finally {
    reader.close();
  }
}

import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { LedgerFault } from "./types.ts";

/** Primary result codes of SQLite, https://sqlite.org/rescode.html */
const SQLITE = {
  PERM: 3,
  BUSY: 5,
  LOCKED: 6,
  NOMEM: 7,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  AUTH: 23,
  NOTADB: 26,
} as const;
/** Extended code: the file under the connection was moved or removed. */
const READONLY_DBMOVED = 1032;

const FAULTS = new Map<number, LedgerFault>([
  [SQLITE.BUSY, "locked"],
  [SQLITE.LOCKED, "locked"],
  [SQLITE.READONLY, "read_only"],
  [SQLITE.PERM, "read_only"],
  [SQLITE.AUTH, "read_only"],
  [SQLITE.CORRUPT, "corrupt"],
  [SQLITE.NOTADB, "corrupt"],
  [SQLITE.FULL, "disk_full"],
  [SQLITE.IOERR, "io_error"],
  [SQLITE.CANTOPEN, "io_error"],
  [SQLITE.NOMEM, "io_error"],
]);

/** The store at `path` is gone, or other content took its place. */
export class StoreReplacedError extends Error {}

/**
 * What an error of a store's file means, with a sentence; null when the error is about the data that was handed in, not about the store.
 * SQLite folds several causes into one code, so a look at the file system tells them apart.
 */
export function diagnose(error: unknown, path: string | null): { fault: LedgerFault; message: string } | null {
  const text = error instanceof Error ? error.message : String(error);
  const where = path ?? "the store in memory";
  if (error instanceof StoreReplacedError) return { fault: "corrupt", message: text };
  const code = sqliteCode(error);
  if (code === null) {
    const system = systemFault(error);
    return system === null ? null : { fault: system, message: `${where}: ${text}` };
  }
  if (code === READONLY_DBMOVED) return { fault: "corrupt", message: `${where} was moved or removed while it was open` };
  const fault = FAULTS.get(code & 0xff);
  if (fault === undefined) return null;
  const found = fault === "io_error" && path !== null ? lookCloser(path) : null;
  return { fault: found?.fault ?? fault, message: `${where}: ${found?.message ?? text} (SQLite ${code})` };
}

/** Extended result code of an error that `node:sqlite` threw; null for any other error. */
export function sqliteCode(error: unknown): number | null {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === "number" ? code : null;
}

function systemFault(error: unknown): LedgerFault | null {
  switch ((error as NodeJS.ErrnoException | null)?.code) {
    case "ENOSPC":
    case "EDQUOT":
      return "disk_full";
    case "EROFS":
    case "EACCES":
    case "EPERM":
      return "read_only";
    case "EIO":
    case "ENOENT":
    case "ENOTDIR":
    case "EMFILE":
    case "ENFILE":
      return "io_error";
    default:
      return null;
  }
}

function lookCloser(path: string): { fault: LedgerFault; message: string } | null {
  const folder = dirname(path);
  if (!existsSync(folder)) return { fault: "io_error", message: `the directory ${folder} does not exist` };
  for (const place of [folder, path]) {
    try {
      if (existsSync(place)) accessSync(place, constants.R_OK | constants.W_OK);
    } catch (error) {
      return { fault: systemFault(error) ?? "io_error", message: `${place} cannot be written: ${(error as Error).message}` };
    }
  }
  try {
    // SQLite reports a write that failed half way as an I/O error, whatever the reason.
    const { bavail, blocks } = statfsSync(folder);
    if (blocks > 0 && bavail < 16) return { fault: "disk_full", message: `no space is left on the volume of ${folder}` };
  } catch {
    return null;
  }
  return null;
}

import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { StoreReplacedError } from "./faults.ts";

/**
 * A connection to a store that is there. A plain one makes an empty file where the store was moved away, and SQLite removes the write-ahead log that
 * it finds beside an empty file: the store would come back without its last receipts.
 */
export function openExisting(path: string): DatabaseSync {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new StoreReplacedError(`${path} is gone`);
  if (stat.size === 0) throw new StoreReplacedError(`${path} is empty now; it held receipts before`);
  const url = pathToFileURL(path);
  url.searchParams.set("mode", "rw");
  return new DatabaseSync(url);
}

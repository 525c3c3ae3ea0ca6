import { statSync } from "node:fs";

/** Device and inode of what is at the path now; empty when nothing is. */
export function fileIdentity(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.dev}:${stat.ino}`;
}

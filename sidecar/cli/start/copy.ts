import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { CliError } from "../errors.ts";
import { interpreterOf, libcOf, mayRun } from "./executable.ts";

/** Everybody may run it, nobody may write it. */
const MODE = 0o555;
const NAME = "chio";

export interface Installed {
  path: string;
  /** False: the very same program was there already. */
  copied: boolean;
  /** What an image must have to run it: `/lib64/ld-linux-x86-64.so.2`. Null for a static program. */
  loader: string | null;
  libc: "glibc" | "musl" | null;
}

/**
 * Copies `source` to `to`, a folder or a file in one. The file appears whole or not at all, also where an older one is running. Throws
 * `install_target_unusable`.
 */
export function installProgram(source: string, to: string): Installed {
  const path = target(to);
  const loader = interpreterOf(source)?.path ?? null;
  const installed = { path, loader, libc: loader === null ? null : libcOf(loader) };
  try {
    if (isSame(source, path)) return { ...installed, copied: false };
    replace(source, path);
  } catch (error) {
    throw error instanceof CliError ? error : unusable(path, error as NodeJS.ErrnoException, statSync(source).size);
  }
  return { ...installed, copied: true };
}

function target(to: string): string {
  const there = statSync(to, { throwIfNoEntry: false });
  const path = there?.isDirectory() === true ? join(to, NAME) : to;
  const folder = dirname(path);
  if (path.endsWith("/") || statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new CliError("install_target_unusable", `there is no folder ${path.endsWith("/") ? path : folder}`, {
      fix: "mount the shared volume there, or name a folder that exists",
    });
  }
  const old = lstatSync(path, { throwIfNoEntry: false });
  if (old?.isDirectory() === true)
    throw new CliError("install_target_unusable", `${path} is a folder`, { fix: "name another file with --to" });
  return path;
}

function replace(source: string, path: string): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}`);
  try {
    copyFileSync(source, temporary, constants.COPYFILE_EXCL);
    chmodSync(temporary, MODE);
    sync(temporary);
    // Says no on a volume that is mounted noexec, where the mode alone would say yes.
    if (!mayRun(temporary)) {
      throw new CliError("install_target_unusable", `programs in ${dirname(path)} cannot be run: the volume is mounted noexec`, {
        fix: "mount the volume without noexec",
      });
    }
    renameSync(temporary, path);
  } finally {
    rmSync(temporary, { force: true });
  }
}

function unusable(path: string, error: NodeJS.ErrnoException, bytes: number): CliError {
  const folder = dirname(path);
  const [message, fix] = ((): [string, string] => {
    switch (error.code) {
      case "EROFS":
        return [`${folder} is read-only`, "mount the volume writable in the container that installs"];
      case "EACCES":
      case "EPERM":
        return [
          `uid ${process.getuid?.() ?? "?"} may not write ${path}`,
          "make the volume writable for that user, as an EmptyDir is (mode 0777), and empty it when the user has changed",
        ];
      case "ENOSPC":
      case "EDQUOT":
        return [`there is no room for ${Math.ceil(bytes / 2 ** 20)} MiB in ${folder}`, "give the volume more room"];
      default:
        return [`${path} cannot be written: ${error.message}`, "name a folder on a volume that this user may write"];
    }
  })();
  return new CliError("install_target_unusable", message, { fix, cause: error });
}

function isSame(source: string, path: string): boolean {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined || !there.isFile() || (there.mode & 0o7777) !== MODE || there.size !== statSync(source).size) return false;
  return mayRun(path) && digest(path) === digest(source);
}

function digest(path: string): string {
  const hash = createHash("sha256");
  const fd = openSync(path, "r");
  try {
    const piece = Buffer.allocUnsafe(1 << 20);
    for (let length = readSync(fd, piece); length > 0; length = readSync(fd, piece)) hash.update(piece.subarray(0, length));
  } finally {
    closeSync(fd);
  }
  return hash.digest("hex");
}

/** On disk before it gets its name: after a crash of the machine nobody finds a torn program. */
function sync(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

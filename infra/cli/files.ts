import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { KitError } from "./errors.ts";

export interface OutputFile {
  /** Relative to the directory, with `/`. */
  readonly path: string;
  readonly text: string;
}

export type FileState = "created" | "overwritten" | "unchanged";
export interface WrittenFile {
  /** With the directory in front: as it can be opened from here. */
  readonly path: string;
  readonly state: FileState;
}

/**
 * Writes all files below `directory`, or none: what differs from a file that is there is refused without `force`, and everything is looked
 * at before anything is written. Throws `KitError` that names each of those files.
 */
export async function writeFiles(directory: string, files: readonly OutputFile[], force: boolean): Promise<WrittenFile[]> {
  const planned = await Promise.all(
    files.map(async ({ path, text }) => {
      const target = join(directory, path);
      return { target, text, state: await stateOf(target, text) };
    }),
  );
  const differing = planned.filter(({ state }) => state === "overwritten").map(({ target }) => target);
  if (differing.length > 0 && !force) {
    throw new KitError("files_differ", `nothing was written: ${differing.join(", ")} would be overwritten`, {
      fix: "choose another directory, move the files away, or give --force",
    });
  }
  for (const { target, text, state } of planned) {
    if (state === "unchanged") continue;
    try {
      await mkdir(dirname(target), { recursive: true });
      // A new file is made, never found: what came there since is not ours to overwrite, nor what a link there points to.
      await writeFile(target, text, { flag: state === "created" ? "wx" : "w" });
    } catch (error) {
      throw notWritable(target, error);
    }
  }
  return planned.map(({ target, state }) => ({ path: target, state }));
}

/** Writes one file that was named as the output: what it held before is replaced, as with a shell's `>`. Throws `KitError`. */
export async function writeOutput(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  } catch (error) {
    throw notWritable(path, error);
  }
}

async function stateOf(target: string, text: string): Promise<FileState> {
  try {
    if ((await stat(target)).isDirectory())
      throw new KitError("output_not_writable", `${target} is a directory`, { fix: "choose another directory for the output" });
    return (await readFile(target, "utf8")) === text ? "unchanged" : "overwritten";
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "created";
    throw error instanceof KitError ? error : notWritable(target, error);
  }
}

function notWritable(target: string, error: unknown): KitError {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  const known: Readonly<Record<string, string>> = {
    ENOTDIR: "a part of the path is a file",
    EEXIST: syscall === "mkdir" ? "a part of the path is a file" : "a link is there that leads nowhere",
    EISDIR: "it is a directory",
    EACCES: "no permission",
    EROFS: "the file system is read-only",
    ENOSPC: "the disk is full",
  };
  const why = known[code ?? ""] ?? code ?? message;
  return new KitError("output_not_writable", `${target} cannot be written: ${why}`, {
    fix: "choose another directory for the output",
    cause: error,
  });
}

import { writeSync } from "node:fs";
import { readFile } from "node:fs/promises";

/**
 * What a command may touch of the process. Tests hand in their own; commands never call `process.exit` and never write to
 * `process.stdout` themselves, so that every one of them can be run inside a test.
 */
export interface CommandIo {
  /** Everything on standard input, to its end. */
  stdin(): Promise<Uint8Array>;
  stdout(text: string): void;
  stderr(text: string): void;
  /** To standard error, leaving it as it was handed to us. For a command that becomes another program: a stream of the runtime's is non-blocking. */
  note?(text: string): void;
  readFile(path: string): Promise<Uint8Array>;
  env: NodeJS.ProcessEnv;
  /** 0 ok, 1 not ok, 2 misuse. The highest code that was set wins. */
  setExit(code: number): void;
}

/** The bytes of `path`, or of standard input where it is `-`. Throws the file system's own error, with the path that it was about. */
export async function readInput(io: CommandIo, path: string): Promise<Uint8Array> {
  if (path === "-") return await io.stdin();
  try {
    return await io.readFile(path);
  } catch (error) {
    // Bun leaves it out where a folder is read.
    if (error instanceof Error) (error as NodeJS.ErrnoException).path ??= path;
    throw error;
  }
}

/** {@link CommandIo} over the running process. Touches standard output and error when something is written, and not before. */
export function processIo(): CommandIo {
  let [outGuarded, errGuarded] = [false, false];
  return {
    async stdin() {
      const chunks: Uint8Array[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array);
      return Buffer.concat(chunks);
    },
    stdout(text) {
      if (!outGuarded) process.stdout.on("error", endWithoutReader);
      outGuarded = true;
      process.stdout.write(text);
    },
    stderr(text) {
      // There is nowhere left to say that it failed.
      if (!errGuarded) process.stderr.on("error", () => {});
      errGuarded = true;
      process.stderr.write(text);
    },
    note(text) {
      try {
        writeSync(2, text);
      } catch {
        // As above.
      }
    },
    async readFile(path) {
      return await readFile(path);
    },
    env: process.env,
    setExit(code) {
      process.exitCode = Math.max(code, Number(process.exitCode ?? 0));
    },
  };
}

/** `chio receipt list | head` closes our output early: that ends the program quietly, it is no failure of ours. */
function endWithoutReader(error: NodeJS.ErrnoException): never {
  if (error.code === "EPIPE") process.exit(process.exitCode ?? 0);
  process.stderr.write(`error: standard output takes nothing (${error.code ?? error.message})\n`);
  process.exit(1);
}

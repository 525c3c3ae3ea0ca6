import { writeSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { CliError } from "./errors.ts";

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

const stdinTaken = new WeakSet<CommandIo>();

/** The bytes of `path`, or of standard input where it is `-`. Throws the file system's own error, with the path. */
export async function readInput(io: CommandIo, path: string): Promise<Uint8Array> {
  if (path === "-") {
    // A second read would find nothing, and blame what was given for being empty.
    if (stdinTaken.has(io)) throw new CliError("stdin_taken", "standard input stands for two files", { fix: "give one of them as a file" });
    stdinTaken.add(io);
    return io.stdin();
  }
  try {
    return await io.readFile(path);
  } catch (error) {
    // One that comes up while reading does not carry it in every runtime: a directory can be opened.
    if (error instanceof Error && "code" in error) Object.assign(error, { path });
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

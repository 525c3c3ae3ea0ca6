import { createInterface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";
import { type CommandIo, processIo } from "../../sidecar/cli/io.ts";

/** {@link CommandIo}, and a person at the terminal. */
export interface KitIo extends CommandIo {
  /** Both ends are terminals, so that a question can be put. */
  readonly interactive: boolean;
  /** Puts a question and gives the line that was typed. Rejects when the input ends. */
  ask(question: string): Promise<string>;
}

/** {@link KitIo} over the running process. Questions go to standard error: standard output may be a pipe. */
export function kitIo(): KitIo {
  return {
    ...processIo(),
    interactive: process.stdin.isTTY === true && process.stderr.isTTY === true,
    ask: (question) => ask(question, process.stdin, process.stderr),
  };
}

/** As `KitIo.ask`, on streams of the caller's. */
export async function ask(question: string, input: Readable, output: Writable): Promise<string> {
  const terminal = createInterface({ input, output });
  const ended = new AbortController();
  // The promise of a question stays open for ever when the input ends before the answer.
  terminal.once("close", () => ended.abort());
  try {
    return await terminal.question(question, { signal: ended.signal });
  } finally {
    terminal.close();
  }
}

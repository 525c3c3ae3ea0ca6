import { StringDecoder } from "node:string_decoder";
import type { LogLine } from "../types.ts";

/** Longer lines are cut: a container that writes without an end of line must not fill this process's memory. */
const LONGEST = 256 * 1024;
const KEPT = 2000;

/** Cuts a stream into lines. */
export class LineReader {
  readonly #decoder = new StringDecoder("utf8");
  readonly #take: (line: string) => void;
  #pending = "";

  constructor(take: (line: string) => void) {
    this.#take = take;
  }

  push(piece: Buffer): void {
    const lines = `${this.#pending}${this.#decoder.write(piece)}`.split("\n");
    this.#pending = lines.pop() ?? "";
    for (const line of lines) this.#take(line.endsWith("\r") ? line.slice(0, -1) : line);
    if (this.#pending.length > LONGEST) this.end();
  }

  /** What is left without an end of line is a line too. */
  end(): void {
    if (this.#pending !== "") this.#take(this.#pending);
    this.#pending = "";
  }
}

/** The last lines of a container. */
export class LogTail {
  readonly #lines: LogLine[] = [];

  add(line: LogLine): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT * 2) this.#lines.splice(0, this.#lines.length - KEPT);
  }

  lines(): readonly LogLine[] {
    return this.#lines.slice(-KEPT);
  }

  /** The last few, as text for an error. */
  text(count: number): string {
    return this.#lines
      .slice(-count)
      .map(({ text }) => text)
      .join("\n");
  }
}

import { readFileSync } from "node:fs";
import type { Duplex } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import { programUrl } from "../../package-root.ts";

/** What a probe asks, from inside the replica's network namespace. */
export interface ProbeRequest {
  readonly kind: "http" | "tcp";
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly timeoutMs: number;
}

export interface ProbeAnswer {
  /** HTTP status, 0 for a port that is open, null when nobody answered in time. */
  readonly status: number | null;
  /** Beginning of the answer, or why there was none. */
  readonly text: string;
}

/** Text of the program that probes, for the runtime in the sidecar's image. */
export function proberProgram(): string {
  return readFileSync(programUrl("infra/local/probes/prober-program"), "utf8");
}

/** Over a program that is there all the time a probe takes a millisecond, where a process for each would take a tenth of a second. */
export class Prober {
  readonly #stream: Duplex;
  readonly #waiting = new Map<number, (answer: ProbeAnswer) => void>();
  readonly #ready: Promise<ProbeAnswer>;
  #next = 1;
  #ended = false;

  /** `stream`: attached to the program, `output` what it writes to stdout. */
  constructor(stream: Duplex, output: NodeJS.ReadableStream) {
    this.#stream = stream;
    this.#ready = new Promise((resolve) => this.#waiting.set(0, resolve));
    const decoder = new StringDecoder("utf8");
    let pending = "";
    output.on("data", (piece: Buffer) => {
      const lines = `${pending}${decoder.write(piece)}`.split("\n");
      pending = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    });
    const end = () => this.close();
    stream.on("end", end).on("close", end).on("error", end);
  }

  /** Resolves with true when the program runs, with false when it ended before. */
  async ready(): Promise<boolean> {
    return (await this.#ready).status !== null;
  }

  async probe(request: ProbeRequest): Promise<ProbeAnswer> {
    if (this.#ended) return GONE;
    const id = this.#next++;
    return await new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#stream.write(`${JSON.stringify({ id, ...request })}\n`);
    });
  }

  close(): void {
    this.#ended = true;
    for (const resolve of this.#waiting.values()) resolve(GONE);
    this.#waiting.clear();
  }

  #take(line: string): void {
    if (!line.startsWith("{")) return;
    const { id, status, text } = JSON.parse(line) as ProbeAnswer & { id: number };
    this.#waiting.get(id)?.({ status, text });
    this.#waiting.delete(id);
  }
}

const GONE: ProbeAnswer = { status: null, text: "the replica is gone" };

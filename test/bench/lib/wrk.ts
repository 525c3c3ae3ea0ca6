import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Load {
  url: string;
  connections: number;
  seconds: number;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

export interface LoadResult {
  requestsPerSecond: number;
  /** Microseconds. */
  p50: number;
  p99: number;
  /** Answers that were not 2xx or 3xx, and socket errors. A figure with any of them is void. */
  failures: number;
}

const UNITS: Record<string, number> = { us: 1, ms: 1_000, s: 1_000_000, m: 60_000_000 };

function micros(text: string | undefined): number {
  const match = /^([\d.]+)(us|ms|s|m)$/.exec(text ?? "");
  if (!match) throw new Error(`wrk printed a latency that is not understood: ${text}`);
  return Number(match[1]) * (UNITS[match[2] ?? ""] ?? Number.NaN);
}

// Lua reads \\, \" and \n as JSON writes them.
const quote = (text: string) => JSON.stringify(text);

/** One load from wrk (Debian package `wrk`), one thread, keep-alive connections. */
export async function load(options: Load): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), "chio-bench-"));
  try {
    const script = join(folder, "load.lua");
    const lines = [`wrk.method = ${quote(options.method ?? "GET")}`];
    for (const [name, value] of Object.entries(options.headers ?? {})) lines.push(`wrk.headers[${quote(name)}] = ${quote(value)}`);
    if (options.body !== undefined) lines.push(`wrk.body = ${quote(options.body)}`);
    writeFileSync(script, lines.join("\n"));
    const { stdout } = await run(
      "wrk",
      [
        "-t",
        "1",
        "-c",
        String(options.connections),
        "-d",
        `${options.seconds}s`,
        "--latency",
        "--timeout",
        "10s",
        "-s",
        script,
        options.url,
      ],
      { maxBuffer: 1 << 20 },
    );
    const non2xx = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
    const socket = [...(/Socket errors: (.*)/.exec(stdout)?.[1] ?? "").matchAll(/\d+/g)].reduce((sum, m) => sum + Number(m[0]), 0);
    return {
      requestsPerSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN),
      p50: micros(/\s50%\s+(\S+)/.exec(stdout)?.[1]),
      p99: micros(/\s99%\s+(\S+)/.exec(stdout)?.[1]),
      failures: non2xx + socket,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

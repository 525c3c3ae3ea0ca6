import { readFile } from "node:fs/promises";
import type { CommandIo } from "../../../sidecar/cli/io.ts";
import { run } from "../../../sidecar/cli/program.ts";

export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

interface Given {
  env?: Record<string, string>;
  stdin?: string | Uint8Array;
}

/** Runs `chio <argv>` inside the test, with real files and an environment and standard input of its own. */
export async function runCli(argv: string[], given: Given = {}): Promise<CliResult> {
  const { io, result } = testIo(given);
  await run(argv, io);
  return result;
}

/** The process as a command sees it, and what the command did to it. */
export function testIo(given: Given = {}): { io: CommandIo; result: CliResult } {
  const result: CliResult = { code: 0, stdout: "", stderr: "" };
  const io: CommandIo = {
    stdin: async () => Buffer.from(given.stdin ?? ""),
    stdout: (text) => {
      result.stdout += text;
    },
    stderr: (text) => {
      result.stderr += text;
    },
    readFile,
    env: given.env ?? {},
    setExit: (code) => {
      result.code = Math.max(result.code, code);
    },
  };
  return { io, result };
}

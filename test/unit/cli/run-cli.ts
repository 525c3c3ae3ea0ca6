import { readFile } from "node:fs/promises";
import { run } from "../../../sidecar/cli/program.ts";

export interface CliResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs `chio <argv>` inside the test, with real files and an environment and standard input of its own. */
export async function runCli(
  argv: string[],
  given: { env?: Record<string, string>; stdin?: string | Uint8Array } = {},
): Promise<CliResult> {
  const result: CliResult = { code: 0, stdout: "", stderr: "" };
  await run(argv, {
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
  });
  return result;
}

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { inRoot } from "../../../scripts/lib/paths.mjs";
import { leftBy } from "../local/up-run.ts";

interface Result {
  readonly title: string;
  readonly ancestorTitles: readonly string[];
  readonly status: string;
}

interface Report {
  readonly testResults: readonly { readonly assertionResults: readonly Result[] }[];
}

/** A run of Vitest that a test has started, in a process group of its own, as a shell starts it. */
export interface ChildRun {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Exit code, null after a signal. */
  readonly ended: Promise<number | null>;
  /** Resolves when the output matches; rejects when the run ends before. */
  until(pattern: RegExp): Promise<void>;
  /** Titles of the tests with this status, once it has ended. */
  titles(status: "passed" | "failed"): string[];
  /** Titles of the innermost blocks that these tests stand in. */
  blocks(status: "passed" | "failed"): string[];
  /** What its tests have left on the engine. */
  left(): string[];
}

/** Starts Vitest. It is killed after the test when it is still there, and its containers with it. */
export function runChild(args: readonly string[], options: { cwd?: string; env?: NodeJS.ProcessEnv } = {}): ChildRun {
  const directory = mkdtempSync(join(tmpdir(), "chio-child-"));
  const file = join(directory, "report.json");
  const vitest = inRoot("node_modules/vitest/vitest.mjs");
  const child = spawn(process.execPath, [vitest, "run", ...args, "--reporter=verbose", "--reporter=json", `--outputFile.json=${file}`], {
    cwd: options.cwd,
    // What this run of Vitest tells its own workers is not for another.
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST"))),
      ...options.env,
      NO_COLOR: "1",
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  }
  let over = false;
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve)).finally(() => {
    over = true;
  });
  onTestFinished(async () => {
    if (!over) process.kill(-child.pid!, "SIGKILL");
    await ended;
    rmSync(directory, { recursive: true, force: true });
  });
  const results = (status: string) => {
    const { testResults } = JSON.parse(readFileSync(file, "utf8")) as Report;
    return testResults.flatMap(({ assertionResults }) => assertionResults.filter((one) => one.status === status));
  };
  return {
    child,
    ended,
    output: () => output,
    async until(pattern) {
      while (!pattern.test(output)) {
        if (over) throw new Error(`it ended before ${pattern}:\n${output}`);
        await sleep(50);
      }
    },
    titles: (status) => results(status).map(({ title }) => title),
    blocks: (status) => [...new Set(results(status).map(({ ancestorTitles }) => ancestorTitles.at(-1) ?? ""))],
    left: () => owners(output).flatMap((pid) => leftBy({ pid })),
  };
}

/** Processes that have run its tests. */
function owners(output: string): number[] {
  const pids = [...output.matchAll(/^owner (\d+)$/gm)].map(([, pid]) => Number(pid));
  if (pids.length === 0) throw new Error(`no test file was run:\n${output}`);
  return pids;
}

/** A run of one of the `.child.ts` files of this folder. */
export const runChildFile = (name: string, env: NodeJS.ProcessEnv, ...args: readonly string[]): ChildRun =>
  runChild(["--config", "test/containers/lifecycle/child.config.ts", `test/containers/lifecycle/${name}.child.ts`, ...args], {
    cwd: inRoot(),
    env,
  });

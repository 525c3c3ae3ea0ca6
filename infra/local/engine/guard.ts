import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { programUrl } from "../../package-root.ts";

let watchdog: ChildProcess | null = null;

/**
 * Has the run's remains removed when this process ends before it could do so: by Ctrl-C, a crash, `process.exit` or SIGKILL. A second process waits
 * for the end of this one; it works without testcontainers' own reaper, whose image cannot be pulled everywhere.
 */
export function guardRun(run: string): () => void {
  watchdog ??= start();
  watchdog.stdin?.write(`+${run}\n`);
  return () => {
    watchdog?.stdin?.write(`-${run}\n`);
  };
}

function start(): ChildProcess {
  const program = fileURLToPath(programUrl("infra/local/engine/watchdog"));
  // In a group of its own: Ctrl-C in a terminal goes to the whole group of this process.
  const child = spawn(process.execPath, [program], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  child.on("error", () => {});
  child.stdin?.on("error", () => {});
  child.once("exit", () => {
    if (watchdog === child) watchdog = null;
  });
  // It must not keep this process alive: its end is this process's end.
  child.unref();
  (child.stdin as unknown as { unref?: () => void } | null)?.unref?.();
  return child;
}

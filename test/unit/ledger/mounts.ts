import { execFileSync, spawnSync } from "node:child_process";

/**
 * How to run a program in a mount namespace of its own, where it may mount what it likes and nothing outlives it: as root, or as anybody where the
 * kernel lets users have namespaces. Null where neither works.
 */
export const privateMounts: readonly string[] | null = (() => {
  for (const command of [
    ["unshare", "--mount"],
    ["unshare", "--user", "--map-root-user", "--mount"],
  ]) {
    const trial = spawnSync(command[0]!, [...command.slice(1), "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt"], { stdio: "ignore" });
    if (trial.status === 0) return command;
  }
  return null;
})();

/** Runs a TypeScript program with a tmpfs of that size on `folder`; returns the JSON of its last line. */
export function runOnTmpfs(executable: string, size: string, folder: string, program: string, ...args: string[]): unknown {
  const [unshare, ...flags] = privateMounts!;
  const script = 'mount -t tmpfs -o "size=$1" tmpfs "$2" && shift 2 && exec "$@"';
  const output = execFileSync(unshare!, [...flags, "sh", "-c", script, "sh", size, folder, executable, program, folder, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    timeout: 60_000,
  });
  return JSON.parse(output.trim().split("\n").at(-1)!);
}

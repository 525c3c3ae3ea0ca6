import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { CliError } from "../errors.ts";
import { interpreterOf, libcOf, mayRun } from "./executable.ts";

/** Where a name is looked for when there is no PATH: what Docker and containerd set. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The runtime ignores these. A program inherits what is ignored, and one that is started normally gets both. */
const IGNORED_BY_RUNTIME = ["SIGPIPE", "SIGXFSZ"] as const;

/** The file that `name` means, found as a shell finds it. Throws `command_not_found` and `command_not_runnable`. */
export function findProgram(name: string, path: string | undefined): string {
  const candidates = name.includes("/") ? [name] : (path ?? DEFAULT_PATH).split(":").map((folder) => join(folder || ".", name));
  const there = candidates.filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
  const found = there.find(mayRun);
  if (found !== undefined) return found;
  const [first] = there;
  if (first !== undefined) {
    throw new CliError("command_not_runnable", `${first} is not executable for this user`, { fix: "set its mode to 0755 in the image" });
  }
  const where = name.includes("/") ? "" : ` on the PATH (${path ?? DEFAULT_PATH})`;
  throw new CliError("command_not_found", `there is no program ${name}${where}`, {
    fix: "after -- give the command that the app's image starts: its ENTRYPOINT and CMD",
  });
}

/**
 * Becomes `command`: same process, same folder and standard streams, exactly this environment. What was caught before is at its default, so that the
 * command gets signals as if it had been started itself. Returns never; throws `command_not_runnable` where the system refuses.
 */
export function become(file: string, command: readonly string[], env: NodeJS.ProcessEnv): never {
  // A caught signal is at its default in the new program; an ignored one would stay ignored.
  for (const signal of IGNORED_BY_RUNTIME) process.on(signal, () => {});
  if (process.execve === undefined) {
    throw new CliError("command_not_runnable", "this system cannot replace a running program", { fix: "use Linux or macOS" });
  }
  // The runtime announces on standard error that it holds execve for experimental.
  process.removeAllListeners("warning");
  try {
    return process.execve(file, [...command], env);
  } catch (error) {
    throw new CliError("command_not_runnable", `${file} cannot be started: ${reason(file, error as NodeJS.ErrnoException)}`, {
      fix: "give a program that runs in this image by itself",
      cause: error,
    });
  }
}

function reason(file: string, { code, message }: NodeJS.ErrnoException): string {
  const found = interpreterOf(file);
  const needed = found?.path ?? null;
  if (code === "ENOENT" && needed !== null && !existsSync(needed)) {
    const libc = found?.kind === "program" ? libcOf(needed) : null;
    return `it needs ${needed}, which this image lacks${libc === null ? "" : `: it was built for ${libc}`}`;
  }
  if (code === "ENOEXEC") return found === null ? "it is neither a program nor a script with #!" : "it was built for another processor";
  if (code === "E2BIG") return "its arguments and environment are too long for this system";
  return message;
}

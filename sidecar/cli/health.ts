import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { EXCLUDABLE_CHECKS } from "../service/readiness.ts";
import { ask } from "./ask.ts";
import type { CommandIo } from "./io.ts";

interface Flags {
  url?: URL;
  timeoutMs: number;
  exclude?: string;
}

/** `chio health`: what the image's curl line does, without curl. 0 when ready, 1 otherwise. */
export function register(program: Command, io: CommandIo): void {
  program
    .command("health")
    .description("Ask a running sidecar whether it is ready: exit 0 when it is, 1 otherwise.")
    .option("--url <url>", "where to ask; default: from the settings below", httpUrl)
    .option("--listen <host:port>", "address the sidecar listens on; env CHIO_LISTEN_ADDR")
    .option("--health-path <path>", "its health path; env CHIO_HEALTH_PATH")
    .option("--config <file>", "its kernel.yaml; env CHIO_KERNEL_CONFIG_PATH")
    .addOption(
      new Option("--exclude <check>", "ready as well when this does not hold: for a command that gets the replica replaced").choices(
        EXCLUDABLE_CHECKS,
      ),
    )
    .option("--timeout-ms <ms>", "give up after this long", milliseconds, 2000)
    .action(async (flags: Flags, command: Command) => {
      const url = flags.url ?? (await configuredUrl(command, io));
      if (url === null) return;
      if (flags.exclude !== undefined) url.searchParams.set("exclude", flags.exclude);
      const answer = await ask(url, flags.timeoutMs);
      if (answer.status === 200) {
        io.stdout(`${answer.text.trimEnd()}\n`);
        return;
      }
      io.stderr(`not ready: ${url.href} ${answer.status === null ? answer.text : `answered ${answer.status} ${answer.text.trimEnd()}`}\n`);
      io.setExit(1);
    });
}

/** Resolved as `chio api protect` resolves it, kernel.yaml included; null after misuse was reported. */
async function configuredUrl(command: Command, io: CommandIo): Promise<URL | null> {
  const [{ settingFlags }, { healthEndpoint }, { ConfigError, describeProblem }, { readFileSync }] = await Promise.all([
    import("./help.ts"),
    import("../service/config.ts"),
    import("../service/errors.ts"),
    import("node:fs"),
  ]);
  try {
    const { host, port, path } = healthEndpoint({ flags: settingFlags(command), env: io.env, readFile: (file) => readFileSync(file) });
    return new URL(`http://${host.includes(":") ? `[${host}]` : host}:${port}${path}`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) io.stderr(`error: ${describeProblem(problem)}\n`);
    io.setExit(2);
    return null;
  }
}

function httpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== "http:") throw new InvalidArgumentError("Give an http:// URL, like http://127.0.0.1:9090/chio/health.");
  return url;
}

function milliseconds(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 600_000) throw new InvalidArgumentError("Give whole milliseconds from 1 to 600000.");
  return value;
}

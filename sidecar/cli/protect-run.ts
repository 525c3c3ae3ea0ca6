import { readFileSync, statSync } from "node:fs";
import type { LedgerThread } from "../ledger/thread.ts";
import { type LoadedConfig, loadConfig } from "../service/config.ts";
import { drain } from "../service/drain.ts";
import { environmentSecrets } from "../service/environment.ts";
import { ConfigError, describeProblem, type StartProblem } from "../service/errors.ts";
import { createLogger } from "../service/logger.ts";
import type { FlagValues } from "../service/resolve.ts";
import { type Scrubber, withSecretsHidden } from "../service/scrub.ts";
import { problemsOf } from "../service/start-gate.ts";
import type { Logger } from "../service/types.ts";
import type { CommandIo } from "./io.ts";
import { assemble, type Sidecar } from "./protect-assembly.ts";
import { watchProcess } from "./signals.ts";

/** Kept for the receipts when requests use all of the drain's time. */
const RECEIPT_RESERVE_MS = 2_000;

/**
 * The life of `chio api protect`: configuration, start gate, serving, drain. Everything that can refuse the start does so before the address is
 * bound. Returns when the start was refused; otherwise ends the process.
 */
export async function runProtect(flags: FlagValues, thread: LedgerThread, io: CommandIo): Promise<void> {
  const began = performance.now();
  const scrubber = withSecretsHidden(environmentSecrets(io.env));
  const stream = { write: (line: string) => io.stderr(line) };
  let log = createLogger("info", stream, scrubber);
  const aborted = new AbortController();
  let sidecar: Sidecar | null = null;

  const exit = (code: number): never => process.exit(code);
  const onBroken = (error: unknown) => {
    log.error("unhandled error, ending: nothing may be decided in a state that nobody planned", { error });
    exit(1);
  };
  const stopWatching = watchProcess(
    {
      onStop(signal) {
        if (sidecar === null) {
          log.info(`${signal}: stopped before anything listened`);
          aborted.abort();
          exit(0);
        } else {
          void drainAndReport(sidecar, signal, log).then(exit);
        }
      },
      onForce(signal) {
        log.error(`${signal} again: ending at once`, sidecar === null ? {} : { undone: sidecar.undone() });
        exit(1);
      },
      onBroken,
    },
    () => log,
  );

  try {
    const { config, warnings } = readConfig(flags, io, scrubber);
    log = createLogger(config.logLevel, stream, scrubber);
    for (const warning of warnings) log.warn(warning);
    // A closed stdout makes the stdout sink unreachable, which readiness says; it is no reason to end, as it is for a command in a pipe.
    process.stdout.removeAllListeners("error").on("error", () => {});
    sidecar = await assemble(config, { log, thread, signal: aborted.signal, onBroken });
    log.info("listening", { ...sidecar.summary(), start_ms: Math.round(performance.now() - began) });
  } catch (error) {
    if (error instanceof ConfigError) for (const warning of error.warnings) log.warn(warning);
    for (const problem of problemsOf(error)) {
      const { code, cause } = problem;
      log.error(`cannot start: ${describeProblem(problem)}`, { code, ...(cause === undefined ? {} : { error: cause }) });
    }
    io.setExit(error instanceof ConfigError && error.problems.every(isMisuse) ? 2 : 1);
    stopWatching();
  }
}

function readConfig(flags: FlagValues, io: CommandIo, scrubber: Scrubber): LoadedConfig {
  const loaded = loadConfig({
    flags,
    env: io.env,
    readFile: (path) => readFileSync(path),
    fileMode: (path) => statSync(path, { throwIfNoEntry: false })?.mode ?? null,
    uid: process.getuid?.() ?? null,
  });
  scrubber.add(loaded.config.signingSeedHex);
  return loaded;
}

const MISUSE: readonly string[] = ["config_value_invalid", "config_value_missing", "config_conflict", "config_unsupported"];

/** Whether the command line itself cannot be meant: no change of files or environment would make it right. */
function isMisuse({ code, source }: StartProblem): boolean {
  return source.startsWith("--") && MISUSE.includes(code);
}

/** Drains within the configured time. Resolves with the exit code: 1 when something was left. */
async function drainAndReport(sidecar: Sidecar, signal: NodeJS.Signals, log: Logger): Promise<number> {
  const { shutdownDrainMs: budget } = sidecar.config;
  log.info(`${signal}: draining`, { budget_ms: budget, undone: sidecar.undone() });
  const reserveMs = Math.min(RECEIPT_RESERVE_MS, budget / 4);
  const result = await drain(sidecar.drainPhases(reserveMs), budget);
  sidecar.wipe();
  const fields = { took_ms: Math.round(result.tookMs), receipts: sidecar.receipts() };
  if (result.clean) {
    log.info("drained", fields);
    return 0;
  }
  log.error(`drain incomplete: ${result.left.join("; ")}`, { ...fields, left: result.left });
  return 1;
}

import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { ask, type HealthAnswer } from "../ask.ts";
import { CliError } from "../errors.ts";
import type { CommandIo } from "../io.ts";
import { become, findProgram } from "./become.ts";

interface Flags {
  for: URL;
  /** Seconds; 0: for ever. */
  timeout: number;
  /** Milliseconds. */
  interval: number;
}

/** One answer may take this long. */
const ANSWER_MS = 2_000;
const MAX_REASON = 300;
const ENDING = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"] as const;

/** `chio wait`: the start gate where the platform has no order of its own. */
export function register(program: Command, io: CommandIo): void {
  program
    .command("wait")
    .description(
      "Wait until a URL answers 200, then become the command: same process, environment, folder and streams.\nWithout a command: exit 0 once it is ready.",
    )
    .usage("--for <url> [options] [-- command args...]")
    .argument("[command...]", "what to start, after --")
    .requiredOption("--for <url>", "the sidecar's health URL, like http://127.0.0.1:9090/chio/health", healthUrl)
    .option("--timeout <seconds>", "give up after this long and start nothing; 0: never", number(0, 86_400), 120)
    .option("--interval <ms>", "time between two questions", number(1, 60_000), 100)
    .action(async (command: string[], flags: Flags) => {
      const note = io.note ?? io.stderr;
      // Before the wait: a command that cannot be started is better known at once.
      const file = command[0] === undefined ? null : findProgram(command[0], io.env.PATH);
      const stop = new AbortController();
      const restore = onEnding((signal) => stop.abort(signal));
      await untilReady(flags, stop.signal, (text) => note(`chio wait: ${text}\n`));
      // A signal that came with the answer has its turn.
      await new Promise(setImmediate);
      if (stop.signal.aborted) {
        const signal = stop.signal.reason as NodeJS.Signals;
        note(`chio wait: ${signal} before ${flags.for.href} was ready; nothing was started\n`);
        io.setExit(128 + (constants.signals[signal] ?? 0));
      } else if (file !== null) become(file, command, io.env);
      restore();
    });
}

/** Returns when the URL answered 200 or `stop` was aborted; throws `wait_timed_out`. */
async function untilReady({ for: url, timeout, interval }: Flags, stop: AbortSignal, say: (text: string) => void): Promise<void> {
  const began = performance.now();
  const left = () => (timeout === 0 ? Number.POSITIVE_INFINITY : timeout * 1000 - (performance.now() - began));
  let said = "";
  while (!stop.aborted) {
    const patience = Math.max(1, Math.ceil(Math.min(ANSWER_MS, left())));
    const answer = await ask(url, patience, stop);
    if (stop.aborted) return;
    if (answer.status === 200) {
      if (said !== "") say(`${url.href} is ready after ${((performance.now() - began) / 1000).toFixed(1)} s`);
      return;
    }
    // Cut off by our own deadline: what was said before tells more.
    const reason = answer.status === null && patience < ANSWER_MS && said !== "" ? said : describe(answer);
    if (left() <= 0) {
      throw new CliError("wait_timed_out", `${url.href} was not ready within ${timeout} s: ${reason}`, {
        fix: "look at the sidecar's log; give it longer with --timeout",
      });
    }
    if (reason !== said) say(`waiting for ${url.href}: ${reason}`);
    said = reason;
    await sleep(Math.min(interval, Math.max(0, left())), undefined, { signal: stop }).catch(() => {});
  }
}

/** `refused the connection …`, or `answered 503: ledger: disk full`. The body holds counters, of which nobody wants a line each. */
function describe({ status, text }: HealthAnswer): string {
  if (status === null) return text;
  let said = "";
  try {
    const { reasons } = JSON.parse(text) as { reasons?: unknown };
    if (Array.isArray(reasons)) said = reasons.join("; ");
  } catch {
    // Not the sidecar's own answer; its status says enough.
  }
  return `answered ${status}${said === "" ? "" : `: ${said.slice(0, MAX_REASON)}`}`;
}

/** As process 1 a container's program gets no signal that it has no handler for. What was ignored when we were started stays so, as nohup asks for. */
function onEnding(end: (signal: NodeJS.Signals) => void): () => void {
  const ignored = ignoredSignals();
  const watched = ENDING.filter((signal) => (ignored & (1n << BigInt(constants.signals[signal] - 1))) === 0n);
  for (const signal of watched) process.on(signal, end);
  return () => {
    for (const signal of watched) process.off(signal, end);
  };
}

/** Bit n - 1 for signal n. 0 where the system does not say. */
function ignoredSignals(): bigint {
  try {
    return BigInt(`0x${/^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? "0"}`);
  } catch {
    return 0n;
  }
}

function healthUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:"))
    throw new InvalidArgumentError("Give an http:// or https:// URL, like http://127.0.0.1:9090/chio/health.");
  return url;
}

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= least && value <= most)) throw new InvalidArgumentError(`Give a number from ${least} to ${most}.`);
    return value;
  };
}

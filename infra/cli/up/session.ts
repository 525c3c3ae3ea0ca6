import { extname } from "node:path";
import { watchProcess } from "../../../sidecar/cli/signals.ts";
import {
  type ImageProgress,
  LocalRunError,
  type StartedTopology,
  type StartTopologyOptions,
  startTopology,
  type Timeline,
} from "../../local/index.ts";
import { type LivePrinter, liveTimeline, timelineJson, timelinePng, timelineSummary, timelineSvg } from "../../local/timeline/index.ts";
import { svgToPng } from "../../svg/index.ts";
import type { PlatformTopology, Topology } from "../../topology/index.ts";
import { KitError } from "../errors.ts";
import { writeOutput } from "../files.ts";
import type { KitIo } from "../io.ts";
import { logFormatter } from "./log-lines.ts";
import { whatWasLost } from "./verdict.ts";

export interface Session {
  readonly topology: Topology;
  readonly graph: PlatformTopology;
  readonly options: StartTopologyOptions;
  /** Path of the timeline's picture or data; null: none. */
  readonly timeline: string | null;
  readonly raw: boolean;
  /** What is printed once it takes requests. */
  readonly ready: (started: StartedTopology) => string;
}

/** The exit code of a shell for a program that was ended by Ctrl-C. */
const INTERRUPTED = 130;

/**
 * Starts, prints what happens, waits for Ctrl-C, shows the drain, and removes everything. Sets exit code 0 when nothing was lost, and 130 for a
 * run that was cut short by a second Ctrl-C, or before it was ready. Throws what `startTopology` throws, and `KitError` `run_lost`.
 */
export async function runSession(session: Session, io: KitIo): Promise<void> {
  // Said now, and not after an hour of work with it.
  if (session.timeline !== null && extname(session.timeline) === ".png")
    await svgToPng('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>');
  const colour = process.stdout.isTTY === true ? (io.env.NO_COLOR ?? "") === "" : (io.env.FORCE_COLOR ?? "") !== "";
  const printer = liveTimeline({
    write: (text) => io.stdout(text),
    tty: process.stdout.isTTY === true && io.env.TERM !== "dumb",
    colour,
    columns: () => process.stdout.columns || 80,
  });
  const signals = watchSignals(printer);
  let timeline: Timeline | null = null;
  try {
    const started = await start(session, printer, signals, colour);
    if (started === null) return io.setExit(INTERRUPTED);
    try {
      printer.line(session.ready(started));
      const why = await Promise.race([signals.stop, signals.broken, givenUp(started, signals.force)]);
      printer.line(why === "stop" ? "stopping: no new requests; Ctrl-C again ends it at once" : `stopping: ${why}`);
      const forced = await Promise.race([started.stop({ keep: true }).then(() => false), signals.forced.then(() => true)]);
      timeline = started.timeline;
      printer.stop();
      if (forced) {
        io.stdout("ended at once, without a drain\n");
        return io.setExit(INTERRUPTED);
      }
      judge(session.graph, timeline, why === "stop" ? null : why, io);
    } finally {
      await started.remove();
    }
  } catch (error) {
    if (error instanceof LocalRunError && error.timeline !== undefined) timeline ??= error.timeline;
    throw error;
  } finally {
    printer.stop();
    signals.end();
    if (timeline !== null && session.timeline !== null) {
      await writeTimeline(session.timeline, timeline);
      io.stdout(`wrote ${session.timeline}\n`);
    }
  }
}

interface Signals {
  /** The first SIGINT or SIGTERM. */
  readonly stop: Promise<"stop">;
  /** The second. */
  readonly forced: Promise<void>;
  readonly force: AbortSignal;
  /** An error that nobody handled. */
  readonly broken: Promise<string>;
  /** Before the start is done, the first signal gives it up. */
  readonly starting: AbortController;
  end(): void;
}

function watchSignals(printer: LivePrinter): Signals {
  const stop = Promise.withResolvers<"stop">();
  const forced = Promise.withResolvers<void>();
  const broken = Promise.withResolvers<string>();
  const force = new AbortController();
  const starting = new AbortController();
  const say = (message: string) => printer.line(message);
  const end = watchProcess(
    {
      onStop() {
        starting.abort();
        stop.resolve("stop");
      },
      onForce() {
        force.abort();
        forced.resolve();
      },
      onBroken(error) {
        starting.abort(error);
        broken.resolve(error instanceof Error ? (error.stack ?? error.message) : String(error));
      },
    },
    () => ({ trace: say, debug: say, info: say, warn: say, error: say }),
  );
  return { stop: stop.promise, forced: forced.promise, force: force.signal, broken: broken.promise, starting, end };
}

/** Null: the user gave it up before it was ready. */
async function start(session: Session, printer: LivePrinter, signals: Signals, colour: boolean): Promise<StartedTopology | null> {
  const abort = new AbortController();
  const giveUp = () => abort.abort();
  signals.starting.signal.addEventListener("abort", giveUp, { once: true });
  const replicas = new Set<string>();
  const format = logFormatter(session.graph, () => replicas.size, { colour, raw: session.raw });
  try {
    return await startTopology(session.topology, {
      ...session.options,
      signal: abort.signal,
      onEvent(event) {
        if (event.replica !== null) replicas.add(event.replica);
        printer.event(event);
      },
      onLog: (line) => printer.line(format(line)),
      onImage: imagePrinter(printer),
    });
  } catch (error) {
    if (!signals.starting.signal.aborted) throw error;
    printer.line("given up before it was ready; nothing is left behind");
    return null;
  } finally {
    signals.starting.signal.removeEventListener("abort", giveUp);
  }
}

function imagePrinter(printer: LivePrinter): (progress: ImageProgress) => void {
  const busy = new Map<string, string>();
  return ({ container, image, step, text }) => {
    if (step === "present" || step === "ready") {
      busy.delete(image);
      if (step === "ready") printer.line(`image ${image} of ${container} is there`);
    } else {
      if (!busy.has(image)) printer.line(`${step} ${image} for ${container}`);
      const line = text?.trim() ?? "";
      busy.set(image, `${step} ${image}${line === "" ? "" : `: ${line}`}`);
      if (line === "") return;
    }
    printer.doing([...busy.values()].at(-1) ?? null);
  };
}

/** Resolves when the platform itself has stopped trying: a failure of the deployment as a whole. */
async function givenUp(started: StartedTopology, end: AbortSignal): Promise<string> {
  for (;;) {
    const failed = started.timeline.events.find((event) => event.kind === "failed" && event.replica === null);
    if (failed !== undefined) return failed.detail ?? "the deployment has failed";
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 500);
      timer.unref();
      end.addEventListener("abort", () => resolve(), { once: true });
    });
    if (end.aborted) return "stop";
  }
}

function judge(graph: PlatformTopology, timeline: Timeline, broke: string | null, io: KitIo): void {
  io.stdout(`${timelineSummary(timeline).join(", ")}\n`);
  const lost = whatWasLost(graph, timeline);
  if (broke === null && lost.length === 0) {
    io.stdout("nothing was lost: every sidecar answered what it had begun, and its receipts are on disk\n");
    return;
  }
  throw new KitError("run_lost", [...(broke === null ? [] : [broke]), ...lost].join("\n"), {
    fix: "see the timeline (--timeline FILE) and docs/testing.md; a drain that is cut off needs more grace, or shorter requests",
  });
}

async function writeTimeline(path: string, timeline: Timeline): Promise<void> {
  const content =
    extname(path) === ".json" ? timelineJson(timeline) : extname(path) === ".png" ? await timelinePng(timeline) : timelineSvg(timeline);
  await writeOutput(path, content);
}

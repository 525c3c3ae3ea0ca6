import { styleText } from "node:util";
import { clock, oneLine, SIGNS, STYLES } from "./table.ts";
import type { TimelineEvent } from "./types.ts";
import { duration, eventWords, place, probeName } from "./words.ts";

/** Where a live timeline is printed. */
export interface LiveTerminal {
  write(text: string): void;
  /** A terminal, whose last lines can be written again. Anything else gets one line an event. */
  readonly tty: boolean;
  readonly colour: boolean;
  /** Width now; it may change. */
  columns(): number;
}

export interface LivePrinter {
  /** An event as it happens. */
  event(event: TimelineEvent): void;
  /** A line of somebody else's, above what is being shown. */
  line(text: string): void;
  /** What is going on besides containers, an image build for example; null when it is over. */
  doing(text: string | null): void;
  /** Leaves the terminal as a plain one. */
  stop(): void;
}

const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] as const;
const REDRAW_MS = 120;
const ESC = "\u001b[";

interface Status {
  word: string;
  since: number;
  failures: number;
  probe: string;
}

/**
 * Prints a timeline while it happens. Events that change something get a line; probes only where their outcome changes. On a terminal, what is still
 * on its way to be ready or to be gone stands below, with how long it has been there.
 */
export function liveTimeline(terminal: LiveTerminal, now: () => number = () => performance.now()): LivePrinter {
  const under = new Map<string, Status>();
  const outcomes = new Map<string, { kind: TimelineEvent["kind"]; count: number }>();
  let activity: string | null = null;
  let drawn = 0;
  let frame = 0;
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;

  const erase = () => {
    if (drawn > 0) terminal.write(`${ESC}${drawn}A${ESC}0J`);
    drawn = 0;
  };
  const style = (name: Parameters<typeof styleText>[0], text: string) =>
    terminal.colour ? styleText(name, text, { validateStream: false }) : text;
  const draw = () => {
    if (!terminal.tty || stopped) return;
    const spin = FRAMES[frame % FRAMES.length] ?? "";
    const rows = [...under].map(([name, status]) => {
      const failed = status.failures === 0 ? "" : `, ${status.probe} failed ${status.failures} times`;
      return `${spin} ${name}  ${status.word} for ${duration(now() - status.since)}${failed}`;
    });
    if (activity !== null) rows.push(`${spin} ${oneLine(activity)}`);
    // A row that wraps would not be erased; the last column is left free for terminals that wrap early.
    const width = Math.max(10, terminal.columns() - 1);
    for (const row of rows) terminal.write(`${style("dim", [...row].slice(0, width).join(""))}\n`);
    drawn = rows.length;
    if (rows.length > 0 && timer === null) {
      timer = setInterval(() => {
        frame++;
        erase();
        draw();
      }, REDRAW_MS);
      timer.unref();
    } else if (rows.length === 0 && timer !== null) {
      clearInterval(timer);
      timer = null;
    }
  };
  const print = (text: string) => {
    erase();
    terminal.write(`${text}\n`);
    draw();
  };

  return {
    event(event) {
      const text = lineOf(event, outcomes);
      follow(event, under, now());
      if (text === null) return;
      print(style(STYLES[event.kind], text));
    },
    line: print,
    doing(text) {
      if (!terminal.tty && text !== null && text !== activity) terminal.write(`${oneLine(text)}\n`);
      activity = text;
      erase();
      draw();
    },
    stop() {
      erase();
      stopped = true;
      if (timer !== null) clearInterval(timer);
      timer = null;
    },
  };
}

/** What is printed for an event; null for what says nothing new. */
function lineOf(event: TimelineEvent, outcomes: Map<string, { kind: TimelineEvent["kind"]; count: number }>): string | null {
  if (event.kind === "created" || event.kind === "removed") return null;
  let before = "";
  if (event.kind === "probe-passed" || event.kind === "probe-failed") {
    const key = JSON.stringify([event.replica, event.container, event.probe]);
    const last = outcomes.get(key);
    if (last?.kind === event.kind) {
      last.count++;
      return null;
    }
    outcomes.set(key, { kind: event.kind, count: 1 });
    if (last?.kind === "probe-failed" && last.count > 1) before = ` after ${last.count} failures`;
  }
  const detail = event.detail === undefined ? "" : `: ${oneLine(event.detail)}`;
  return `${clock(event.at).padStart(9)}  ${SIGNS[event.kind]} ${place(event)} ${eventWords(event)}${before}${detail}`;
}

/** What is on its way: from its start until it is healthy, from its signal until it is gone. */
function follow(event: TimelineEvent, under: Map<string, Status>, now: number): void {
  const name = place(event);
  const enter = (word: string) => {
    if (under.get(name)?.word !== word) under.set(name, { word, since: now, failures: 0, probe: "" });
  };
  switch (event.kind) {
    case "created":
      enter("waiting to be started");
      break;
    case "started":
    case "restarted":
      enter("starting");
      break;
    case "unhealthy":
      enter("unhealthy");
      break;
    case "probe-failed": {
      const status = under.get(name);
      if (status !== undefined) under.set(name, { ...status, failures: status.failures + 1, probe: probeName(event) });
      break;
    }
    case "signal":
      if (event.signal === "SIGTERM" || event.signal === "SIGINT") enter("stopping");
      break;
    case "traffic-on":
      // The replica has arrived, and with it those of its containers that nobody probes.
      for (const [other, { word }] of under) if (other.split("/")[0] === event.replica && word !== "stopping") under.delete(other);
      break;
    case "healthy":
    case "ready":
    case "exited":
    case "removed":
      under.delete(name);
  }
}

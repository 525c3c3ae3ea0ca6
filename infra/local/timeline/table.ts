import { styleText } from "node:util";
import type { Timeline, TimelineEvent } from "./types.ts";
import { eventWords, place, timelineSummary } from "./words.ts";

export interface TableOptions {
  /** ANSI colours. @default false */
  readonly colour?: boolean;
  /** Columns of the terminal; details are cut there. @default unlimited */
  readonly width?: number;
}

/** The timeline as text: a line an event, probes that went on passing or failing in one line with their number, and a last line that sums up. */
export function timelineTable(timeline: Timeline, options: TableOptions = {}): string {
  const { colour = false, width = Number.POSITIVE_INFINITY } = options;
  const rows = folded(timeline.events).map(({ event, count }) => ({
    event,
    at: clock(event.at),
    place: place(event),
    words: `${SIGNS[event.kind]} ${eventWords(event)}${count === 1 ? "" : ` (${count} times)`}`,
    detail: oneLine(event.detail ?? ""),
  }));
  const longest = (pick: (row: (typeof rows)[number]) => string) => Math.max(0, ...rows.map((row) => [...pick(row)].length));
  const [times, places, words] = [longest((row) => row.at), longest((row) => row.place), longest((row) => row.words)];
  const lines = rows.map((row) => {
    const left = `${row.at.padStart(times)}  ${row.place.padEnd(places)}  ${pad(row.words, words)}`;
    const room = width - [...left].length - 2;
    const detail = row.detail === "" || room < 8 ? "" : `  ${cut(row.detail, room)}`;
    return colour
      ? `${styleText(STYLES[row.event.kind], cut(left, width), { validateStream: false })}${detail}`
      : `${cut(left, width)}${detail}`.trimEnd();
  });
  return `${[...lines, timelineSummary(timeline).join(", ")].join("\n")}\n`;
}

/** The same probe with the same outcome, again and again with nothing in between but other probes, is one row: the first, with its count. */
function folded(events: readonly TimelineEvent[]): { event: TimelineEvent; count: number }[] {
  const rows: { event: TimelineEvent; count: number }[] = [];
  let open = new Map<string, { event: TimelineEvent; count: number }>();
  for (const event of events) {
    if (event.kind !== "probe-passed" && event.kind !== "probe-failed") {
      open = new Map();
      rows.push({ event, count: 1 });
      continue;
    }
    const key = JSON.stringify([event.replica, event.container, event.probe]);
    const row = open.get(key);
    if (row?.event.kind === event.kind) row.count++;
    else {
      const next = { event, count: 1 };
      open.set(key, next);
      rows.push(next);
    }
  }
  return rows;
}

export const SIGNS: { readonly [K in TimelineEvent["kind"]]: string } = {
  created: "·",
  started: "▸",
  "probe-passed": "✓",
  "probe-failed": "✗",
  healthy: "✓",
  unhealthy: "✗",
  ready: "✓",
  "not-ready": "✗",
  "traffic-on": "●",
  "traffic-off": "○",
  signal: "▼",
  drained: "◆",
  exited: "■",
  restarted: "↻",
  removed: "·",
  failed: "✗",
  log: "·",
};

type Style = Parameters<typeof styleText>[0];
export const STYLES: { readonly [K in TimelineEvent["kind"]]: Style } = {
  created: "dim",
  started: "reset",
  "probe-passed": "dim",
  "probe-failed": "yellow",
  healthy: "green",
  unhealthy: "red",
  ready: "green",
  "not-ready": "yellow",
  "traffic-on": ["bold", "blue"],
  "traffic-off": ["bold", "blue"],
  signal: "magenta",
  drained: "cyan",
  exited: "magenta",
  restarted: "yellow",
  removed: "dim",
  failed: ["bold", "red"],
  log: "dim",
};

/** Seconds with three decimals, so that columns line up. */
export const clock = (ms: number) => `${(ms / 1000).toFixed(3)} s`;

/** What a program prints may hold escapes and line breaks; a row is one line, and the terminal stays ours. */
export function printable(text: string): string {
  return text.replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, "").replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}

export const oneLine = (text: string) => printable(text).trim();

const pad = (text: string, width: number) => text + " ".repeat(Math.max(0, width - [...text].length));

function cut(text: string, width: number): string {
  const letters = [...text];
  return letters.length <= width ? text : `${letters.slice(0, Math.max(0, width - 1)).join("")}…`;
}

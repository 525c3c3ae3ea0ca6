import {
  type Colour,
  drawScene,
  fitText,
  type Mark,
  type Point,
  type Scene,
  svgToPng,
  type Theme,
  textWidth,
  wrapText,
} from "../../svg/index.ts";
import { PLATFORM_NAMES } from "../../topology/index.ts";
import { type Axis, axisOf } from "./axis.ts";
import { type Lane, lanesOf, markWords, type Segment } from "./lanes.ts";
import { legend } from "./legend.ts";
import { cross, type Sign, sign } from "./signs.ts";
import { clock, oneLine } from "./table.ts";
import type { Timeline, TimelineEvent } from "./types.ts";
import { duration, eventWords, place, timelineSummary } from "./words.ts";

export interface TimelinePictureOptions {
  /** @default auto: light or dark as the reader's browser asks for; a PNG is light */
  readonly theme?: Theme;
}

const MARGIN = 24;
const GUTTER = 168;
const WIDTH = 1080;
const LEFT = MARGIN + GUTTER;
const RIGHT = WIDTH - MARGIN - 8;
const BAR = 16;
const ROW = 14;
const SMALL = 10.5;
const MAX_NOTES = 14;

/** The timeline as a picture (SVG): a lane for each replica and container, their states as bars, probes as ticks, signals and exit codes as marks. */
export function timelineSvg(timeline: Timeline, options: TimelinePictureOptions = {}): string {
  return drawScene(timelineScene(timeline), options.theme);
}

/** The same as PNG bytes. Throws `ImageError` where the packages that draw it are not installed. */
export function timelinePng(timeline: Timeline, options: TimelinePictureOptions = {}): Promise<Uint8Array> {
  return svgToPng(timelineSvg(timeline, { theme: options.theme === "dark" ? "dark" : "light" }));
}

/** The same before it is text, with the place of everything. */
export function timelineScene(timeline: Timeline): Scene {
  const lanes = lanesOf(timeline);
  const axis = axisOf(timeline.events, LEFT, RIGHT);
  const notes = notesOf(timeline.events);
  const title = `${timeline.topology}, run locally by the rules of ${PLATFORM_NAMES[timeline.platform]}`;
  const summary = timelineSummary(timeline).join(" · ");
  const marks: Mark[] = [
    line(title, [MARGIN, 38], { size: 18, bold: true, width: WIDTH - 2 * MARGIN }),
    line(summary, [MARGIN, 60], { size: 12.5, fill: "muted", width: WIDTH - 2 * MARGIN }),
  ];
  const top = 84;
  let y = top + 22;
  const drawn: Mark[] = [];
  for (const lane of lanes) {
    const { marks: own, height } = drawLane(lane, axis, notes, y);
    drawn.push(...own);
    y += height;
  }
  marks.push(...drawAxis(axis, top, y), ...drawn);
  y += 14;
  for (const [event, number] of notes) {
    const text = `${number}. ${clock(event.at)}  ${place(event)}: ${eventWords(event)}: ${oneLine(event.detail ?? "")}`;
    for (const [index, part] of wrapText(text, WIDTH - 2 * MARGIN - 16, { size: 11 }, 3).entries()) {
      marks.push(line(part, [MARGIN + (index === 0 ? 0 : 16), y + 10], { size: 11, width: WIDTH - 2 * MARGIN }));
      y += 16;
    }
  }
  const left = timeline.events.filter(noted).length - notes.size;
  if (left > 0) {
    marks.push(line(`and ${left} more, in the JSON and in the table`, [MARGIN, y + 10], { size: 11, fill: "muted", width: 400 }));
    y += 16;
  }
  const below = legend(y + 6, MARGIN, WIDTH - MARGIN);
  marks.push(...below.marks);
  return { width: WIDTH, height: below.bottom + 14, title, description: inWords(timeline, summary), marks };
}

/** Events whose detail is told below the lanes, with the number they have there. */
function notesOf(events: readonly TimelineEvent[]): Map<TimelineEvent, number> {
  return new Map(
    events
      .filter(noted)
      .slice(0, MAX_NOTES)
      .map((event, index) => [event, index + 1]),
  );
}

function noted(event: TimelineEvent): boolean {
  if (event.detail === undefined || event.detail.trim() === "") return false;
  return ["failed", "unhealthy", "log", "restarted"].includes(event.kind) || (event.kind === "exited" && event.exitCode !== 0);
}

function drawLane(lane: Lane, axis: Axis, notes: ReadonlyMap<TimelineEvent, number>, top: number): { marks: Mark[]; height: number } {
  const marks: Mark[] = [];
  const replica = lane.container === null;
  const labels = packed(lane.marks, axis, (event) => {
    const number = notes.get(event);
    return `${markWords(event)}${number === undefined ? "" : ` (${number})`}`;
  });
  const rows = Math.max(0, ...labels.map((label) => label.row + 1));
  const head = replica ? 10 : 4;
  const barTop = top + head + rows * ROW;
  if (replica) {
    marks.push(
      rule([
        [MARGIN, top + 3],
        [RIGHT, top + 3],
      ]),
    );
    marks.push(line(lane.name, [MARGIN, barTop + 12], { size: 13, bold: true, width: GUTTER - 8 }));
    for (const span of lane.ready) {
      const [from, to] = [axis.x(span.from), axis.x(span.to)];
      marks.push({
        kind: "rect",
        x: from,
        y: barTop + 12,
        width: Math.max(2, to - from),
        height: 3,
        fill: "green",
        title: `ready: ${range(span)}`,
      });
    }
    for (const span of lane.traffic) {
      const [from, to] = [axis.x(span.from), axis.x(span.to)];
      marks.push({
        kind: "rect",
        x: from,
        y: barTop,
        width: Math.max(2, to - from),
        height: 10,
        radius: 2,
        fill: "blue",
        title: `traffic: ${range(span)}`,
      });
      if (to - from > 60)
        marks.push(
          line("traffic", [(from + to) / 2, barTop + 8.6], { size: 9, bold: true, fill: "page", anchor: "middle", width: to - from - 6 }),
        );
    }
    marks.push(...drawProbes(lane.probes, axis, barTop + 18));
  } else {
    marks.push(line(lane.container ?? "", [MARGIN + 12, barTop + 12], { size: 12, width: GUTTER - 22 }));
    for (const segment of lane.segments) marks.push(...drawSegment(segment, axis, barTop));
    marks.push(...drawProbes(lane.probes, axis, barTop + BAR + 3));
  }
  for (const event of lane.marks) {
    const said = [clock(event.at), eventWords(event), event.detail].filter((part) => part !== undefined).join(" ");
    marks.push(...sign(signOf(event), [axis.x(event.at), barTop + (replica ? 5 : BAR / 2)], said));
  }
  for (const { row, left, text, bad } of labels) {
    const y = top + head + (rows - row) * ROW - 3.5;
    marks.push({ kind: "text", text, at: [left, y], size: SMALL, bold: bad, fill: bad ? "red" : "ink" });
  }
  return { marks, height: head + rows * ROW + (replica ? (lane.probes.length === 0 ? 18 : 30) : BAR + 16) };
}

interface Label {
  readonly at: number;
  readonly text: string;
  readonly bad: boolean;
}

const LABEL_WIDTH = 240;

/**
 * The words over a lane: what happens at nearly the same moment is one label, in its order. A label starts at its mark, or ends at the right edge;
 * those that would touch go into further rows, the first nearest to the bar.
 */
function packed(
  events: readonly TimelineEvent[],
  axis: Axis,
  words: (event: TimelineEvent) => string,
): (Label & { row: number; left: number })[] {
  const joined: Label[] = [];
  for (const event of events) {
    const next: Label = { at: axis.x(event.at), text: words(event), bad: ["bad-exit", "failed"].includes(signOf(event)) };
    const last = joined.at(-1);
    const both = last === undefined ? "" : `${last.text}, ${next.text}`;
    const near = last !== undefined && next.at < last.at + widthOf(last) + 12;
    if (last !== undefined && near && textWidth(both, { size: SMALL, bold: true }) <= LABEL_WIDTH)
      joined[joined.length - 1] = { at: last.at, text: both, bad: last.bad || next.bad };
    else joined.push(next);
  }
  const ends: number[] = [];
  return joined.map((label) => {
    const left = Math.max(LEFT, Math.min(label.at - 3, RIGHT - widthOf(label)));
    let row = ends.findIndex((end) => end + 8 <= left);
    if (row < 0) row = ends.length;
    ends[row] = left + widthOf(label);
    return { ...label, row, left };
  });
}

const widthOf = ({ text, bad }: Label) => textWidth(text, { size: SMALL, bold: bad });

function signOf({ kind, exitCode }: TimelineEvent): Sign {
  switch (kind) {
    case "signal":
      return "signal";
    case "exited":
      return exitCode === 0 ? "exit" : "bad-exit";
    case "drained":
      return "drained";
    case "restarted":
      return "restarted";
    case "failed":
    case "unhealthy":
      return "failed";
    default:
      return "note";
  }
}

const BARS: { readonly [S in Segment["state"]]: { fill?: Colour; stroke: Colour; word: string; thin?: true; dash?: string } } = {
  waiting: { stroke: "line", word: "", thin: true, dash: "3 3" },
  starting: { fill: "violet-soft", stroke: "violet", word: "starting" },
  running: { fill: "grey-soft", stroke: "line", word: "running" },
  healthy: { fill: "green-soft", stroke: "green", word: "healthy" },
  unhealthy: { fill: "red-soft", stroke: "red", word: "unhealthy", dash: "4 2" },
  stopping: { fill: "amber-soft", stroke: "amber", word: "stopping" },
};

function drawSegment(segment: Segment, axis: Axis, top: number): Mark[] {
  const { fill, stroke, word, thin, dash } = BARS[segment.state];
  const [from, to] = [axis.x(segment.from), axis.x(segment.to)];
  const width = Math.max(1.5, to - from);
  const title = `${segment.state}: ${range(segment)}`;
  const said = [`${word} ${duration(segment.to - segment.from)}`, word].find(
    (text) => word !== "" && textWidth(text, { size: SMALL }) + 16 <= width,
  );
  const text = said === undefined ? [] : [line(said, [from + 8, top + 11.8], { size: SMALL, width })];
  const paint = { ...(fill === undefined ? {} : { fill }), stroke, ...(dash === undefined ? {} : { dash }), title };
  if (thin)
    return [
      {
        kind: "line",
        points: [
          [from, top + BAR / 2],
          [to, top + BAR / 2],
        ],
        stroke,
        strokeWidth: 1.5,
        dash: dash ?? "",
        title,
      },
    ];
  // A drain runs out: a wedge, full at its beginning and half at its end.
  if (segment.state === "stopping")
    return [
      {
        kind: "polygon",
        points: [
          [from, top],
          [from + width, top + BAR * 0.5],
          [from + width, top + BAR],
          [from, top + BAR],
        ],
        ...paint,
      },
      ...text.map((one) => ({ ...one, at: [from + 8, top + 12.8] as const }) as Mark),
    ];
  return [{ kind: "rect", x: from, y: top, width, height: BAR, radius: 2, ...paint }, ...text];
}

/** A tick that stands for a pass is short, a failure is a cross. Ticks that would be one on the other are drawn once. */
function drawProbes(probes: readonly TimelineEvent[], axis: Axis, top: number): Mark[] {
  let last = Number.NEGATIVE_INFINITY;
  return probes.flatMap((event): Mark[] => {
    const x = axis.x(event.at);
    if (event.kind === "probe-failed")
      return cross([x, top + 4], 3, "red", `${clock(event.at)} ${eventWords(event)} ${event.detail ?? ""}`);
    if (x - last < 1.5) return [];
    last = x;
    return [
      {
        kind: "line",
        points: [
          [x, top],
          [x, top + 8],
        ],
        stroke: "green",
        strokeWidth: 1.5,
        title: `${clock(event.at)} ${eventWords(event)}`,
      },
    ];
  });
}

function drawAxis(axis: Axis, top: number, bottom: number): Mark[] {
  const marks: Mark[] = [];
  const pieces = [LEFT, ...axis.folds.flatMap((fold) => [fold.left, fold.right]), RIGHT];
  for (let index = 0; index + 1 < pieces.length; index += 2)
    marks.push({
      kind: "line",
      points: [
        [pieces[index] ?? 0, top + 14],
        [pieces[index + 1] ?? 0, top + 14],
      ],
      stroke: "line",
    });
  let end = Number.NEGATIVE_INFINITY;
  for (const { x, label } of axis.ticks) {
    marks.push(
      rule([
        [x, top + 18],
        [x, bottom],
      ]),
      {
        kind: "line",
        points: [
          [x, top + 10],
          [x, top + 18],
        ],
        stroke: "line",
      },
    );
    const width = textWidth(label, { size: SMALL });
    const left = Math.min(x - width / 2, RIGHT + MARGIN - width);
    const free = axis.folds.every((fold) => left + width < fold.left || left > fold.right);
    if (left < end + 6 || !free) continue;
    end = left + width;
    marks.push({ kind: "text", text: label, at: [left, top + 5], size: SMALL, fill: "muted" });
  }
  for (const fold of axis.folds) {
    const zigzag = Array.from(
      { length: 9 },
      (_, index): Point => [
        fold.left + (index * (fold.right - fold.left)) / 8,
        top + 14 + (index % 8 === 0 ? 0 : index % 2 === 0 ? 4 : -4),
      ],
    );
    marks.push({ kind: "line", points: zigzag, stroke: "muted", strokeWidth: 1.2 });
    for (const x of [fold.left, fold.right])
      marks.push({
        ...rule([
          [x, top + 18],
          [x, bottom],
        ]),
        dash: "2 4",
      } as Mark);
    marks.push(
      line(`${duration(fold.to - fold.from)} quiet`, [(fold.left + fold.right) / 2, top + 5], {
        size: 10,
        fill: "muted",
        anchor: "middle",
        width: fold.right - fold.left,
      }),
    );
  }
  return marks;
}

const rule = (points: readonly Point[]): Mark => ({ kind: "line", points, stroke: "grey-soft" });
const range = ({ from, to }: { from: number; to: number }) => `${clock(from)} to ${clock(to)}`;

function line(
  whole: string,
  at: Point,
  { width, ...style }: { size: number; width: number; bold?: boolean; fill?: Colour; anchor?: "start" | "middle" | "end" },
): Mark & { kind: "text" } {
  const shown = fitText(whole, width, style);
  return { kind: "text", text: shown, at, ...style, ...(shown === whole ? {} : { title: whole }) };
}

function inWords({ events }: Timeline, summary: string): string {
  const told = events.filter((event) => !["probe-passed", "probe-failed", "created", "removed", "log"].includes(event.kind)).slice(0, 60);
  return [`${summary}.`, ...told.map((event) => `${clock(event.at)} ${place(event)} ${eventWords(event)}.`)].join(" ");
}

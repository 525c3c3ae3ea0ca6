import { type Mark, type Point, textWidth } from "../../svg/index.ts";
import { cross, type Sign, sign } from "./signs.ts";

const SIZE = 10.5;
type Sample = (at: Point) => Mark[];

const bar =
  (fill: "violet-soft" | "green-soft" | "grey-soft", stroke: "violet" | "green" | "line"): Sample =>
  ([x, y]) => [{ kind: "rect", x, y: y - 5, width: 20, height: 10, radius: 2, fill, stroke }];
const of =
  (kind: Sign): Sample =>
  ([x, y]) =>
    sign(kind, [x + 8, kind === "signal" ? y + 4 : y], kind);

const ENTRIES: readonly (readonly [word: string, room: number, sample: Sample])[] = [
  ["gets traffic", 26, ([x, y]) => [{ kind: "rect", x, y: y - 5, width: 20, height: 10, radius: 2, fill: "blue" }]],
  ["ready", 26, ([x, y]) => [{ kind: "rect", x, y: y - 1.5, width: 20, height: 3, fill: "green" }]],
  [
    "created, waits",
    26,
    ([x, y]) => [
      {
        kind: "line",
        points: [
          [x, y],
          [x + 20, y],
        ],
        stroke: "line",
        strokeWidth: 1.5,
        dash: "3 3",
      },
    ],
  ],
  ["starting", 26, bar("violet-soft", "violet")],
  ["healthy", 26, bar("green-soft", "green")],
  ["running, not probed", 26, bar("grey-soft", "line")],
  [
    "unhealthy",
    26,
    ([x, y]) => [{ kind: "rect", x, y: y - 5, width: 20, height: 10, radius: 2, fill: "red-soft", stroke: "red", dash: "4 2" }],
  ],
  [
    "stopping",
    26,
    ([x, y]) => [
      {
        kind: "polygon",
        points: [
          [x, y - 5],
          [x + 20, y],
          [x + 20, y + 5],
          [x, y + 5],
        ],
        fill: "amber-soft",
        stroke: "amber",
      },
    ],
  ],
  [
    "probe passed",
    12,
    ([x, y]) => [
      {
        kind: "line",
        points: [
          [x + 4, y - 4],
          [x + 4, y + 4],
        ],
        stroke: "green",
        strokeWidth: 1.5,
      },
    ],
  ],
  ["probe failed", 14, ([x, y]) => cross([x + 4, y], 3, "red")],
  ["signal", 18, of("signal")],
  ["drained", 20, of("drained")],
  ["exit 0", 18, of("exit")],
  ["other exit", 19, of("bad-exit")],
  ["restart", 20, of("restarted")],
  ["failure", 18, of("failed")],
];

/** What the signs mean, in as many rows as it takes. */
export function legend(top: number, left: number, right: number): { marks: Mark[]; bottom: number } {
  const marks: Mark[] = [
    {
      kind: "line",
      points: [
        [left, top],
        [right, top],
      ],
      stroke: "grey-soft",
    },
  ];
  let [x, y] = [left, top + 16];
  for (const [word, room, sample] of ENTRIES) {
    const width = room + textWidth(word, { size: SIZE });
    if (x + width > right) [x, y] = [left, y + 18];
    marks.push(...sample([x, y]), { kind: "text", text: word, at: [x + room, y + 3.8], size: SIZE, fill: "muted" });
    x += width + 16;
  }
  return { marks, bottom: y + 8 };
}

import { type Colour, type Mark, type Point, textWidth, wrapText } from "../svg/index.ts";
import type { AppliedAcceptances, PostureEntry, PostureLevel, PostureReport } from "../topology/index.ts";
import { KINDS, MARGIN, text } from "./layout.ts";
import { INVARIANT_WORDS } from "./words.ts";

const LEVELS: { readonly [L in PostureLevel]: { readonly word: string; readonly colour: Colour } } = {
  enforced: { word: "enforced", colour: "green" },
  partial: { word: "in part", colour: "amber" },
  unenforceable: { word: "not by this platform", colour: "red" },
};
const CHIP = { width: 190, height: 24 } as const;

/** The invariants with their state, what was found or accepted, and what the lines mean. Begins at `top`. */
export function postureStrip(
  report: PostureReport,
  review: AppliedAcceptances,
  width: number,
  top: number,
): { marks: Mark[]; bottom: number } {
  const marks: Mark[] = [];
  const inner = width - 2 * MARGIN;
  marks.push(text("Posture", [MARGIN, top + 14], { size: 12.5, bold: true, width: 90 }));
  let y = top + 24;
  const columns = Math.max(1, Math.min(5, Math.floor(inner / CHIP.width)));
  for (const [index, entry] of report.entries.entries()) {
    const x = MARGIN + (index % columns) * (inner / columns);
    marks.push(...chip(entry, [x, y + Math.floor(index / columns) * CHIP.height], inner / columns));
  }
  y += Math.ceil(report.entries.length / columns) * CHIP.height + 6;
  for (const line of said(report, review)) {
    for (const part of wrapText(line.text, inner, { size: 11.5 }, 3)) {
      marks.push(text(part, [MARGIN, y + 11], { size: 11.5, fill: line.colour, width: inner }));
      y += 17;
    }
  }
  marks.push({
    kind: "line",
    points: [
      [MARGIN, y + 4],
      [width - MARGIN, y + 4],
    ],
    stroke: "grey-soft",
  });
  return legend(marks, y + 12, width);
}

function chip(entry: PostureEntry, [x, y]: Point, width: number): Mark[] {
  const words = `${entry.invariant} ${INVARIANT_WORDS[entry.invariant]}`;
  const left = entry.residualRisk === "" ? "" : `. Left: ${entry.residualRisk}`;
  return [
    ...sign(entry.brokenBy.length > 0 && entry.level === "unenforceable" ? "broken" : entry.level, [x + 8, y + 11], `${entry.how}${left}`),
    text(words, [x + 21, y + 15], { size: 11.5, width: width - 28 }),
  ];
}

/** Told apart by shape: a tick, a half, a bar, a cross. */
function sign(level: PostureLevel | "broken", [x, y]: Point, title?: string): Mark[] {
  const said = title === undefined ? {} : { title };
  if (level === "broken") {
    return [
      { kind: "circle", at: [x, y], radius: 7, fill: "red", ...said },
      stroke(
        [
          [x - 3, y - 3],
          [x + 3, y + 3],
        ],
        "page",
      ),
      stroke(
        [
          [x - 3, y + 3],
          [x + 3, y - 3],
        ],
        "page",
      ),
    ];
  }
  const { colour } = LEVELS[level];
  switch (level) {
    case "enforced":
      return [
        { kind: "circle", at: [x, y], radius: 7, fill: colour, ...said },
        stroke(
          [
            [x - 3.5, y],
            [x - 1, y + 2.8],
            [x + 3.5, y - 2.8],
          ],
          "page",
        ),
      ];
    case "partial":
      return [
        { kind: "circle", at: [x, y], radius: 6.2, stroke: colour, strokeWidth: 1.6, fill: "box", ...said },
        { kind: "polygon", points: half([x, y], 6.2), fill: colour },
      ];
    case "unenforceable":
      return [
        { kind: "circle", at: [x, y], radius: 6.2, stroke: colour, strokeWidth: 1.6, fill: "box", ...said },
        stroke(
          [
            [x - 3.2, y],
            [x + 3.2, y],
          ],
          colour,
        ),
      ];
  }
}

function half([x, y]: Point, radius: number): Point[] {
  return Array.from({ length: 13 }, (_, step): Point => {
    const angle = Math.PI / 2 + (step * Math.PI) / 12;
    return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
  });
}

const stroke = (points: readonly Point[], colour: Colour): Mark => ({ kind: "line", points, stroke: colour, strokeWidth: 1.8 });

/** A picture of a topology that would not deploy says so; what somebody took on is never hidden. */
function said(report: PostureReport, { findings }: AppliedAcceptances): { text: string; colour: Colour }[] {
  const errors = findings.filter((one) => one.severity === "error");
  const warnings = findings.filter((one) => one.severity === "warning");
  const codes = (list: readonly { code: string }[]) => [...new Set(list.map((one) => one.code))].join(", ");
  return [
    ...(errors.length === 0 ? [] : [{ text: `This topology does not deploy: ${codes(errors)}`, colour: "red" as const }]),
    ...(warnings.length === 0 ? [] : [{ text: `Warnings: ${codes(warnings)}`, colour: "amber" as const }]),
    ...report.accepted.map((one) => ({ text: `Accepted ${one.code}: ${one.reason}`, colour: "amber" as const })),
  ];
}

function legend(marks: Mark[], top: number, width: number): { marks: Mark[]; bottom: number } {
  const entries: { word: string; sample: (at: Point) => Mark[]; room: number }[] = [
    ...(
      [
        ["requests", "blue", undefined, 2.5],
        ["start order, by number", "violet", "5 4", 2],
        ["secrets", KINDS.secrets, undefined, 1.5],
        ["policy and configuration", KINDS.policy, undefined, 1.5],
        ["receipts", KINDS.receipts, undefined, 1.5],
      ] as const
    ).map(([word, colour, dash, strokeWidth]) => ({
      word,
      room: 34,
      sample: ([x, y]: Point): Mark[] => [
        {
          kind: "line",
          points: [
            [x, y],
            [x + 28, y],
          ],
          stroke: colour,
          strokeWidth,
          arrow: true,
          ...(dash === undefined ? {} : { dash }),
        },
      ],
    })),
    ...(["enforced", "partial", "unenforceable"] as const).map((level) => ({
      word: LEVELS[level].word,
      room: 20,
      sample: ([x, y]: Point) => sign(level, [x + 7, y]),
    })),
  ];
  let [x, y] = [MARGIN, top + 8];
  for (const { word, sample, room } of entries) {
    const needed = room + textWidth(word, { size: 11 });
    if (x + needed > width - MARGIN && x > MARGIN) [x, y] = [MARGIN, y + 20];
    marks.push(...sample([x, y]), text(word, [x + room, y + 4], { size: 11, fill: "muted", width: needed }));
    x += needed + 22;
  }
  return { marks, bottom: y + 10 };
}

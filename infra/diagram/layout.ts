import { type Box, type Colour, fitText, type Mark, type Point, textWidth } from "../svg/index.ts";
import type { Card, Model, Outside } from "./model.ts";
import type { IngressWords } from "./words.ts";

export const MARGIN = 24;
const LEFT = 252;
const CARD = 258;
/** Between the left column and the frame, between the columns inside of it, and between the frame and the right column. */
const GAP = { ingress: 66, cards: 140, right: 44 } as const;
const FRAME = { pad: 18, head: 50 } as const;
const BETWEEN = { cards: 22, outside: 14 } as const;
const LINE = 16;
const SIZE = { name: 13.5, text: 11.5, small: 11 } as const;
const CHANNEL = 12;

/** Colour and title of what lies outside of the replica. */
export const KINDS: { readonly [K in Outside["kind"]]: Colour } = { secrets: "amber", policy: "teal", config: "teal", receipts: "green" };
const ROLES: { readonly [R in Card["role"]]: Colour } = {
  sidecar: "blue-soft",
  app: "green-soft",
  init: "violet-soft",
  auxiliary: "grey-soft",
};

export interface Placed {
  readonly marks: readonly Mark[];
  readonly width: number;
  readonly bottom: number;
}

/**
 * Traffic comes in at the upper left; below it stands what the sidecar reads and writes, each in line with the sidecar, which is as tall as all of
 * them. Right of it stand the other containers, and right of those what they use. So every arrow but those among the other containers is straight.
 */
export function layout(
  model: Model,
  words: { ingress: IngressWords; target: string; port: string; replica: string; network: string },
  top: number,
): Placed {
  const marks: Mark[] = [];
  const sidecars = model.cards.filter((card) => card.role === "sidecar");
  const rank = { app: 0, auxiliary: 1, init: 2, sidecar: 3 } as const;
  const others = model.cards.filter((card) => card.role !== "sidecar").toSorted((a, b) => rank[a.role] - rank[b.role]);
  const isSidecar = (name: string) => sidecars.some((card) => card.name === name);

  const frame = { x: MARGIN + LEFT + GAP.ingress, y: top };
  const first = frame.y + FRAME.head;
  // What a secret or a file is called inside stands in the sidecar, beside its arrow, below what the sidecar says about itself.
  const only = sidecars.length === 1 ? sidecars[0] : undefined;
  const left = placeLeft(model, words.ingress, isSidecar, top, only === undefined ? null : first + cardHeight(only));
  const x = { sidecar: frame.x + FRAME.pad, other: frame.x + FRAME.pad + (sidecars.length === 0 ? 0 : CARD + GAP.cards) };
  const among = model.order.filter(({ from, to }) => !isSidecar(from) && !isSidecar(to));
  const inner = (others.length === 0 ? x.sidecar : x.other) + CARD;
  const frameRight = inner + (among.length === 0 ? 0 : 10 + among.length * CHANNEL) + FRAME.pad;

  const boxes = new Map<string, Box>();
  const rightBoxes: { box: Box; outside: Outside }[] = [];
  let y = first;
  for (const card of others) {
    const arrows = arrowsBetween(model, card.name, isSidecar);
    const box = { x: x.other, y, width: CARD, height: Math.max(cardHeight(card), 26 + 30 * arrows) };
    boxes.set(card.name, box);
    let below = y;
    for (const outside of model.outside.filter((one) => one.container === card.name)) {
      const place = { x: frameRight + GAP.right, y: below, width: LEFT, height: outsideHeight(outside) };
      rightBoxes.push({ box: place, outside });
      below += place.height + BETWEEN.outside;
    }
    const tall = { ...box, height: Math.max(box.height, below - BETWEEN.outside - y) };
    boxes.set(card.name, tall);
    y += tall.height + BETWEEN.cards;
  }
  const othersBottom = others.length === 0 ? first : y - BETWEEN.cards;
  y = first;
  for (const [index, card] of sidecars.entries()) {
    const last = index === sidecars.length - 1;
    const reach = last ? Math.max(othersBottom, left.bottom) - y : 0;
    boxes.set(card.name, { x: x.sidecar, y, width: CARD, height: Math.max(cardHeight(card), reach) });
    y += (boxes.get(card.name)?.height ?? 0) + BETWEEN.cards;
  }
  const inside = Math.max(othersBottom, sidecars.length === 0 ? first : y - BETWEEN.cards);
  const bottom = Math.max(inside + FRAME.pad, left.bottom);
  marks.push(
    {
      kind: "rect",
      x: frame.x,
      y: frame.y,
      width: frameRight - frame.x,
      height: bottom - frame.y,
      radius: 10,
      fill: "panel",
      stroke: "line",
    },
    text(words.replica, [frame.x + FRAME.pad, frame.y + 21], { size: 12.5, bold: true, width: frameRight - frame.x - 2 * FRAME.pad }),
    text(words.network, [frame.x + FRAME.pad, frame.y + 38], {
      size: SIZE.small,
      fill: "muted",
      width: frameRight - frame.x - 2 * FRAME.pad,
    }),
  );
  for (const card of model.cards) {
    const box = boxes.get(card.name);
    if (box !== undefined) marks.push(...drawCard(card, box));
  }
  marks.push(...left.marks);
  for (const { box, outside } of rightBoxes) marks.push(...drawOutside(outside, box, null));

  const into = boxes.get(words.target) ?? boxes.get(sidecars[0]?.name ?? "") ?? boxes.get(others[0]?.name ?? "");
  if (into !== undefined) {
    const level = left.ingress.y + left.ingress.height / 2;
    marks.push(arrow(reach(MARGIN + LEFT, into.x, level, into), "blue", { strokeWidth: 2.5 }));
    marks.push(text(words.port, [MARGIN + LEFT + 10, level - 7], { size: SIZE.small, fill: "blue", bold: true, width: GAP.ingress - 14 }));
  }
  for (const { box, outside } of left.boxes) {
    const target = boxes.get(outside.container);
    // In line with the names where those have their targets beside them.
    const level = only === undefined ? box.y + box.height / 2 : box.y + 24 + (outside.rows.length * LINE) / 2;
    if (target !== undefined) marks.push(flow(outside, MARGIN + LEFT, target.x, level, target));
  }
  for (const { box, outside } of rightBoxes) {
    const target = boxes.get(outside.container);
    if (target !== undefined) marks.push(flow(outside, box.x, target.x + CARD, box.y + box.height / 2, target));
  }
  marks.push(...between(model, boxes, others, isSidecar), ...amongOthers(among, boxes, inner));
  const width = (rightBoxes.length === 0 ? frameRight : frameRight + GAP.right + LEFT) + MARGIN;
  return { marks, width, bottom: Math.max(bottom, ...rightBoxes.map(({ box }) => box.y + box.height)) };
}

function placeLeft(model: Model, ingress: IngressWords, isSidecar: (name: string) => boolean, top: number, inside: number | null) {
  const marks: Mark[] = [];
  const caller: Box = { x: MARGIN, y: top, width: LEFT, height: 32 };
  const gate: Box = { x: MARGIN, y: top + 58, width: LEFT, height: 30 + ingress.lines.length * LINE };
  marks.push({ kind: "rect", ...caller, radius: 16, fill: "box", stroke: "blue", strokeWidth: 1.5 });
  marks.push(
    text(ingress.caller, [MARGIN + LEFT / 2, top + 20.5], { size: 12.5, bold: true, width: LEFT - 30, anchor: "middle" }),
    { kind: "rect", ...gate, radius: 6, fill: "box", stroke: "blue", strokeWidth: 1.5 },
    text(ingress.title, [MARGIN + 12, gate.y + 19], { size: 12.5, bold: true, width: LEFT - 24 }),
    ...ingress.lines.map((line, index) =>
      text(line, [MARGIN + 12, gate.y + 36 + index * LINE], { size: SIZE.text, fill: "muted", width: LEFT - 24 }),
    ),
    arrow(
      [
        [MARGIN + LEFT / 2, top + 32],
        [MARGIN + LEFT / 2, gate.y],
      ],
      "blue",
      { strokeWidth: 2.5 },
    ),
  );
  let y = Math.max(gate.y + gate.height + 22, inside ?? 0);
  const boxes: { box: Box; outside: Outside }[] = [];
  for (const outside of model.outside.filter((one) => isSidecar(one.container))) {
    const box = { x: MARGIN, y, width: LEFT, height: outsideHeight(outside, inside !== null) };
    boxes.push({ box, outside });
    marks.push(...drawOutside(outside, box, inside === null ? null : MARGIN + LEFT + GAP.ingress + FRAME.pad));
    y += box.height + BETWEEN.outside;
  }
  return { marks, boxes, ingress: gate, bottom: boxes.length === 0 ? gate.y + gate.height : y - BETWEEN.outside };
}

const cardHeight = (card: Card) => 40 + card.lines.length * LINE;
const outsideHeight = ({ rows }: Outside, beside = false) =>
  30 + rows.reduce((sum, row) => sum + (beside || row.target === null ? LINE : 2 * LINE - 2), 0);

function arrowsBetween(model: Model, name: string, isSidecar: (name: string) => boolean): number {
  const order = model.order.filter(({ from, to }) => (from === name && isSidecar(to)) || (to === name && isSidecar(from)));
  return order.length + (model.upstream?.to === name ? 1 : 0);
}

function drawCard(card: Card, box: Box): Mark[] {
  const inner = box.width - 24;
  return [
    { kind: "rect", ...box, radius: 7, fill: "box", stroke: card.role === "sidecar" ? "blue" : "line", strokeWidth: 1.5 },
    {
      kind: "rect",
      x: box.x + 1,
      y: box.y + 1,
      width: box.width - 2,
      height: 27,
      radius: 6,
      fill: ROLES[card.role],
    },
    { kind: "circle", at: [box.x + 16, box.y + 14.5], radius: 9, fill: "violet" },
    { kind: "text", text: String(card.stage), at: [box.x + 16, box.y + 18.6], size: 11.5, bold: true, anchor: "middle", fill: "page" },
    text(card.name, [box.x + 31, box.y + 19.5], {
      size: SIZE.name,
      bold: true,
      width: box.width - 51 - textWidth(card.role, { size: SIZE.small }),
    }),
    text(card.role, [box.x + box.width - 10, box.y + 19], { size: SIZE.small, anchor: "end", width: 62 }),
    ...card.lines.map((line, index) =>
      text(line.text, [box.x + 12, box.y + 46 + index * LINE], {
        size: SIZE.text,
        fill: line.warn ? "red" : index === 0 ? "ink" : "muted",
        width: inner,
      }),
    ),
  ];
}

/** `card`: left edge of the container in which the targets are written; null writes them below the names. */
function drawOutside(outside: Outside, box: Box, card: number | null): Mark[] {
  const colour = KINDS[outside.kind];
  const marks: Mark[] = [
    { kind: "rect", ...box, radius: 6, fill: "box", stroke: colour, strokeWidth: 1.5 },
    text(outside.title, [box.x + 12, box.y + 19], { size: 12, bold: true, fill: colour, width: box.width - 24 }),
  ];
  let y = box.y + 36;
  for (const { name, target } of outside.rows) {
    marks.push(text(name, [box.x + 12, y], { size: SIZE.text, width: box.width - 24 }));
    if (target !== null && card !== null) marks.push(text(target, [card + 12, y], { size: SIZE.text, fill: colour, width: CARD - 24 }));
    if (target !== null && card === null)
      marks.push(text(target, [box.x + 22, y + LINE - 2], { size: SIZE.small, fill: "muted", width: box.width - 34 }));
    y += target === null || card !== null ? LINE : 2 * LINE - 2;
  }
  return marks;
}

/** Secrets, policy and configuration go in; receipts go out. */
function flow(outside: Outside, from: number, to: number, level: number, target: Box): Mark {
  const points = reach(from, to, level, target);
  return arrow(outside.kind === "receipts" ? points.toReversed() : points, KINDS[outside.kind], { strokeWidth: 1.5 });
}

/** From `from` to the edge at `to`; level where the target is beside it, else with a step in the middle. */
function reach(from: number, to: number, level: number, target: Box): Point[] {
  const y = Math.min(Math.max(level, target.y + 12), target.y + target.height - 12);
  if (y === level) {
    return [
      [from, level],
      [to, level],
    ];
  }
  const middle = to + (from < to ? -10 : 10);
  return [
    [from, level],
    [middle, level],
    [middle, y],
    [to, y],
  ];
}

/** Requests and start order between the sidecar and the others, each with its word above the line. */
function between(model: Model, boxes: ReadonlyMap<string, Box>, others: readonly Card[], isSidecar: (name: string) => boolean): Mark[] {
  return others.flatMap((card) => {
    const box = boxes.get(card.name);
    if (box === undefined) return [];
    const lines: { from: string; to: string; label: string; colour: Colour; dash?: string }[] = [];
    if (model.upstream?.to === card.name) lines.push({ ...model.upstream, colour: "blue" });
    for (const edge of model.order) {
      if ((edge.to === card.name && isSidecar(edge.from)) || (edge.from === card.name && isSidecar(edge.to)))
        lines.push({ ...edge, colour: "violet", dash: "5 4" });
    }
    return lines.flatMap((line, index): Mark[] => {
      const beside = boxes.get(isSidecar(line.from) ? line.from : line.to);
      if (beside === undefined) return [];
      const y = box.y + 30 + index * 30;
      const points = reach(box.x, beside.x + beside.width, y, beside);
      const style = line.dash === undefined ? { strokeWidth: 2.5 } : { strokeWidth: 2, dash: line.dash };
      return [
        arrow(isSidecar(line.from) ? points.toReversed() : points, line.colour, style),
        text(line.label, [box.x - GAP.cards / 2, y - 7], {
          size: SIZE.small,
          fill: line.colour,
          bold: true,
          anchor: "middle",
          width: GAP.cards - 14,
        }),
      ];
    });
  });
}

/** Start order among the other containers: each in a lane of its own, right of them. */
function amongOthers(edges: Model["order"], boxes: ReadonlyMap<string, Box>, right: number): Mark[] {
  return edges.flatMap((edge, index): Mark[] => {
    const [from, to] = [boxes.get(edge.from), boxes.get(edge.to)];
    if (from === undefined || to === undefined) return [];
    const lane = right + 14 + index * CHANNEL;
    const at = (box: Box, leaving: boolean) => box.y + (leaving ? 0.7 : 0.3) * box.height + ((index % 5) - 2) * 4;
    const points: Point[] = [
      [right, at(from, true)],
      [lane, at(from, true)],
      [lane, at(to, false)],
      [right, at(to, false)],
    ];
    return [arrow(points, "violet", { strokeWidth: 1.75, dash: "5 4", title: `${edge.to} starts ${edge.label}: ${edge.from}` })];
  });
}

function arrow(points: readonly Point[], stroke: Colour, style: { strokeWidth: number; dash?: string; title?: string }): Mark {
  return { kind: "line", points, stroke, arrow: true, ...style };
}

/** Text that never leaves its width; the whole of it is in the tooltip where it was shortened. */
export function text(
  whole: string,
  at: Point,
  options: {
    size: number;
    width: number;
    bold?: boolean;
    fill?: Colour;
    anchor?: "start" | "middle" | "end";
    keep?: "both" | "start" | "end";
  },
): Mark {
  const { width, keep = "both", ...style } = options;
  const shown = fitText(whole, width, style, keep);
  return { kind: "text", text: shown, at, ...style, ...(shown === whole ? {} : { title: whole }) };
}

import { type TextStyle, textWidth } from "./text.ts";
import { type Colour, FONT_FAMILY, styleSheet, type Theme } from "./theme.ts";

export type Point = readonly [x: number, y: number];

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Painted {
  readonly fill?: Colour;
  readonly stroke?: Colour;
  readonly strokeWidth?: number;
  readonly dash?: string;
  /** Shown when the pointer rests on it. */
  readonly title?: string;
}

export type Mark =
  | ({ readonly kind: "rect"; readonly radius?: number } & Box & Painted)
  | ({ readonly kind: "line"; readonly points: readonly Point[]; readonly arrow?: boolean } & Painted)
  | ({ readonly kind: "polygon"; readonly points: readonly Point[] } & Painted)
  | ({ readonly kind: "circle"; readonly at: Point; readonly radius: number } & Painted)
  | TextMark;

/** `at`: the baseline, at the anchor. `title`: the whole text where it is shortened. */
export interface TextMark extends TextStyle {
  readonly kind: "text";
  readonly text: string;
  readonly at: Point;
  readonly anchor?: "start" | "middle" | "end";
  readonly fill?: Colour;
  readonly title?: string;
}

/** A picture before it is text: what a layout makes, and what a test measures. */
export interface Scene {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  /** The picture in words, for those who cannot see it. */
  readonly description: string;
  readonly marks: readonly Mark[];
}

/** The box of a text as the layout counts it: from above the capitals to below the descenders. */
export function textBox({ text, at: [x, y], anchor = "start", ...style }: TextMark): Box {
  const width = textWidth(text, style);
  const left = anchor === "start" ? x : anchor === "end" ? x - width : x - width / 2;
  return { x: left, y: y - 0.8 * style.size, width, height: 1.02 * style.size };
}

/** A self-contained SVG document: no script, no font, no reference to anything outside of it. */
export function drawScene(scene: Scene, theme: Theme = "auto"): string {
  const fills = new Set<Colour>(["page"]);
  const strokes = new Set<Colour>();
  const body = scene.marks.map((mark) => draw(mark, fills, strokes));
  const { width, height } = scene;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${num(width)}" height="${num(height)}" viewBox="0 0 ${num(width)} ${num(height)}" role="img" aria-labelledby="title desc" font-family="${FONT_FAMILY}">
<title id="title">${escapeXml(scene.title)}</title>
<desc id="desc">${escapeXml(scene.description)}</desc>
<style>${styleSheet(theme, { fill: fills, stroke: strokes })}</style>
<rect class="f-page" width="${num(width)}" height="${num(height)}"/>
${body.join("\n")}
</svg>
`;
}

/** For text and attribute values. Characters that XML cannot hold become U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, "\ufffd");
}

function draw(mark: Mark, fills: Set<Colour>, strokes: Set<Colour>): string {
  if (mark.kind === "text") {
    const fill = mark.fill ?? "ink";
    fills.add(fill);
    const anchor = mark.anchor === undefined || mark.anchor === "start" ? "" : ` text-anchor="${mark.anchor}"`;
    const weight = mark.bold === true ? ' font-weight="bold"' : "";
    return `<text class="f-${fill}" x="${num(mark.at[0])}" y="${num(mark.at[1])}" font-size="${num(mark.size)}"${anchor}${weight}>${escapeXml(mark.text)}${tooltip(mark.title)}</text>`;
  }
  const paint = painted(mark, fills, strokes);
  const close = mark.title === undefined ? "/>" : `>${tooltip(mark.title)}</${mark.kind === "line" ? "g" : mark.kind}>`;
  switch (mark.kind) {
    case "rect":
      return `<rect x="${num(mark.x)}" y="${num(mark.y)}" width="${num(mark.width)}" height="${num(mark.height)}"${mark.radius === undefined ? "" : ` rx="${num(mark.radius)}"`}${paint}${close}`;
    case "circle":
      return `<circle cx="${num(mark.at[0])}" cy="${num(mark.at[1])}" r="${num(mark.radius)}"${paint}${close}`;
    case "polygon":
      return `<polygon points="${list(mark.points)}"${paint}${close}`;
    case "line": {
      const [shaft, head] = mark.arrow === true ? arrowOf(mark.points) : [mark.points, null];
      const line = `<polyline points="${list(shaft)}"${paint}/>`;
      if (head !== null && mark.stroke !== undefined) fills.add(mark.stroke);
      const drawn = head === null ? line : `${line}<polygon points="${list(head)}" class="f-${mark.stroke}"/>`;
      return mark.title === undefined ? drawn : `<g>${tooltip(mark.title)}${drawn}</g>`;
    }
  }
}

function painted(mark: Exclude<Mark, TextMark>, fills: Set<Colour>, strokes: Set<Colour>): string {
  const { fill, stroke } = mark;
  if (fill !== undefined) fills.add(fill);
  if (stroke !== undefined) strokes.add(stroke);
  const names = [...(fill === undefined ? [] : [`f-${fill}`]), ...(stroke === undefined ? [] : [`s-${stroke}`])];
  return [
    names.length === 0 ? "" : ` class="${names.join(" ")}"`,
    fill === undefined ? ' fill="none"' : "",
    stroke === undefined ? "" : ` stroke-width="${num(mark.strokeWidth ?? 1)}"`,
    mark.dash === undefined ? "" : ` stroke-dasharray="${mark.dash}"`,
  ].join("");
}

/** The line cut where its head begins, and the head: a triangle, so that no marker has to know the line's colour. */
function arrowOf(points: readonly Point[]): [readonly Point[], readonly Point[]] {
  const tip = points.at(-1) ?? [0, 0];
  const from = points.at(-2) ?? tip;
  const length = Math.hypot(tip[0] - from[0], tip[1] - from[1]) || 1;
  const [dx, dy] = [(tip[0] - from[0]) / length, (tip[1] - from[1]) / length];
  const back: Point = [tip[0] - 9 * dx, tip[1] - 9 * dy];
  const head: Point[] = [tip, [back[0] - 4.5 * dy, back[1] + 4.5 * dx], [back[0] + 4.5 * dy, back[1] - 4.5 * dx]];
  return [[...points.slice(0, -1), back], head];
}

const tooltip = (text: string | undefined) => (text === undefined ? "" : `<title>${escapeXml(text)}</title>`);
const list = (points: readonly Point[]) => points.map(([x, y]) => `${num(x)},${num(y)}`).join(" ");
const num = (value: number) => String(Math.round(value * 100) / 100);

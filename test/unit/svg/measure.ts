import { type Box, type Mark, type Scene, type TextMark, textBox } from "../../../infra/svg/index.ts";

const texts = (scene: Scene): TextMark[] => scene.marks.filter((mark): mark is TextMark => mark.kind === "text");
const overlap = (a: Box, b: Box) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

/** Everything that a reader would stumble over: texts on texts, texts under lines, texts outside of the picture or of the box that they stand in. */
export function stumblingBlocks(scene: Scene): string[] {
  const boxes = texts(scene).map((mark) => ({ text: mark.text, box: textBox(mark) }));
  const found: string[] = [];
  for (const [index, one] of boxes.entries()) {
    const { x, y, width, height } = one.box;
    if (x < 0 || y < 0 || x + width > scene.width || y + height > scene.height) found.push(`${one.text}: outside`);
    for (const other of boxes.slice(index + 1)) if (overlap(one.box, other.box)) found.push(`${one.text} on ${other.text}`);
    for (const mark of scene.marks) {
      if (mark.kind === "line" && crosses(mark, one.box)) found.push(`${one.text}: a line through it`);
      if (mark.kind === "rect" && cuts(mark, one.box)) found.push(`${one.text}: the edge of a box through it`);
    }
  }
  return found;
}

/** Lines of these pictures are level or upright, but for ticks and crosses; the box of each piece is what counts. */
function crosses(mark: Mark & { kind: "line" }, box: Box): boolean {
  return mark.points.slice(1).some(([x, y], index) => {
    const [px, py] = mark.points[index] ?? [x, y];
    return overlap({ x: Math.min(x, px), y: Math.min(y, py), width: Math.abs(x - px) || 0.1, height: Math.abs(y - py) || 0.1 }, box);
  });
}

/** The text is neither inside of the box nor outside of it. */
function cuts(mark: Mark & { kind: "rect" }, box: Box): boolean {
  if (mark.stroke === undefined || !overlap(mark, box)) return false;
  return !(box.x >= mark.x && box.y >= mark.y && box.x + box.width <= mark.x + mark.width && box.y + box.height <= mark.y + mark.height);
}

/** Boxes (not texts) that are drawn partly over one another. */
export function collidingBoxes(scene: Scene): string[] {
  const boxes = scene.marks.filter((mark) => mark.kind === "rect" && mark.stroke !== undefined) as (Mark & { kind: "rect" })[];
  const inside = (a: Box, b: Box) => a.x >= b.x && a.y >= b.y && a.x + a.width <= b.x + b.width && a.y + a.height <= b.y + b.height;
  return boxes.flatMap((one, index) =>
    boxes
      .slice(index + 1)
      .filter((other) => overlap(one, other) && !inside(one, other) && !inside(other, one))
      .map((other) => `${JSON.stringify(one)} and ${JSON.stringify(other)}`),
  );
}

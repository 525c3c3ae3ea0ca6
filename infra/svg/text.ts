/**
 * How wide text is, without a font at hand: the advance widths of DejaVu Sans, in thousandths of the font size, for U+0020 to U+007E. DejaVu (like
 * Verdana) is wider than the other sans-serif fonts that a browser may take for these pictures, so what fits by this table fits with them.
 */
const REGULAR = [
  318, 401, 460, 838, 637, 951, 780, 275, 391, 391, 500, 838, 318, 361, 318, 337, 637, 637, 637, 637, 637, 637, 637, 637, 637, 637, 337,
  337, 838, 838, 838, 531, 1000, 685, 687, 699, 771, 632, 576, 775, 752, 295, 295, 656, 558, 863, 749, 788, 604, 788, 695, 635, 611, 732,
  685, 989, 686, 611, 686, 391, 337, 391, 838, 500, 500, 613, 635, 550, 635, 616, 353, 635, 634, 278, 278, 580, 278, 975, 634, 612, 635,
  635, 412, 521, 393, 634, 592, 818, 592, 592, 525, 637, 337, 637, 838,
] as const;
const BOLD = [
  349, 457, 521, 838, 696, 1002, 873, 307, 458, 458, 523, 838, 380, 416, 380, 366, 696, 696, 696, 696, 696, 696, 696, 696, 696, 696, 400,
  400, 838, 838, 838, 581, 1000, 774, 763, 734, 831, 684, 684, 821, 837, 373, 373, 775, 638, 996, 837, 851, 733, 851, 771, 721, 683, 813,
  774, 1104, 771, 725, 726, 458, 366, 458, 838, 500, 500, 675, 716, 593, 716, 679, 436, 716, 712, 343, 343, 666, 343, 1042, 712, 688, 716,
  716, 494, 596, 479, 712, 652, 924, 646, 652, 583, 712, 366, 712, 838,
] as const;
/** For everything else: no letter is wider than the em square, but for a few that no name has. */
const OTHER = 1000;

export interface TextStyle {
  /** Pixels. */
  readonly size: number;
  readonly bold?: boolean;
}

/** Width in pixels; at least what a browser will use. */
export function textWidth(text: string, { size, bold = false }: TextStyle): number {
  const table: readonly number[] = bold ? BOLD : REGULAR;
  let width = 0;
  for (const letter of text) width += table[letter.charCodeAt(0) - 32] ?? OTHER;
  return (width * size) / 1000;
}

/** The text, or what of its beginning and end fits into `width`, with an ellipsis between. `keep`: which part matters. */
export function fitText(text: string, width: number, style: TextStyle, keep: "both" | "start" | "end" = "both"): string {
  if (textWidth(text, style) <= width) return text;
  const letters = [...text];
  for (let kept = letters.length - 1; kept > 0; kept--) {
    const head = keep === "start" ? kept : keep === "end" ? 0 : Math.ceil(kept / 2);
    const shorter = `${letters.slice(0, head).join("").trimEnd()}…${letters
      .slice(letters.length - (kept - head))
      .join("")
      .trimStart()}`;
    if (kept === head ? textWidth(`${letters.slice(0, head).join("").trimEnd()}…`, style) <= width : textWidth(shorter, style) <= width)
      return kept === head ? `${letters.slice(0, head).join("").trimEnd()}…` : shorter;
  }
  return "…";
}

/** Lines of at most `width`, broken between words; a word that is too long is shortened. With `maxLines`, the last one ends in an ellipsis. */
export function wrapText(text: string, width: number, style: TextStyle, maxLines = Number.POSITIVE_INFINITY): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/).filter((one) => one !== "")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (textWidth(longer, style) <= width) {
      line = longer;
      continue;
    }
    if (line !== "") lines.push(line);
    line = fitText(word, width, style);
  }
  if (line !== "") lines.push(line);
  if (lines.length <= maxLines) return lines;
  const last = `${lines[maxLines - 1] ?? ""} …`;
  return [...lines.slice(0, maxLines - 1), fitText(last, width, style, "start")];
}

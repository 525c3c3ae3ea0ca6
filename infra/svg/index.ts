export { IMAGE_ERRORS, ImageError } from "./errors.ts";
export { svgToPng } from "./png.ts";
export { type Box, drawScene, escapeXml, type Mark, type Point, type Scene, type TextMark, textBox } from "./scene.ts";
export { fitText, type TextStyle, textWidth, wrapText } from "./text.ts";
export { type Colour, PALETTES, THEMES, type Theme } from "./theme.ts";

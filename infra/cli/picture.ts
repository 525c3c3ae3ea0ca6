import { extname } from "node:path";
import { InvalidArgumentError, Option } from "commander";
import { svgToPng, THEMES } from "../svg/index.ts";
import { writeOutput } from "./files.ts";

/** The path of a picture; its ending says what kind. */
export function pictureArgument(text: string): string {
  if (text !== "-" && ![".svg", ".png"].includes(extname(text))) throw new InvalidArgumentError("The name ends in .svg or .png.");
  return text;
}

export function themeOption(): Option {
  return new Option("--theme <theme>", "colours: as the reader's browser asks for, or one of the two").choices(THEMES).default("auto");
}

/** Writes an SVG as what the path's ending says. A PNG of theme `auto` is light: nobody asks the reader of a PNG. */
export async function writePicture(path: string, svg: string): Promise<void> {
  await writeOutput(path, extname(path) === ".png" ? await svgToPng(svg) : svg);
}

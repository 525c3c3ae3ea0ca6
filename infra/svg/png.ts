import { createRequire } from "node:module";
import { ImageError } from "./errors.ts";

/** Twice the pixels, so that it is sharp on today's screens. */
const SCALE = 2;

/**
 * An SVG of ours as PNG bytes. The work is done by `@resvg/resvg-js` with the font of `dejavu-fonts-ttf`, both optional: 4 MB with the drawing
 * library inside the package and no install script, and a font from npm, because a bare machine has none. (sharp is 20 MB and finds fonts through
 * the system's configuration only.) Throws `ImageError` where one of the two is not installed.
 */
export async function svgToPng(svg: string): Promise<Uint8Array> {
  const { Resvg } = await load(() => import("@resvg/resvg-js"), "@resvg/resvg-js");
  const resolve = createRequire(import.meta.url).resolve;
  const font = (name: string) => load(async () => resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`), "dejavu-fonts-ttf");
  const fontFiles = [await font("DejaVuSans"), await font("DejaVuSans-Bold")];
  return new Resvg(svg, {
    font: { loadSystemFonts: false, fontFiles, defaultFontFamily: "DejaVu Sans", sansSerifFamily: "DejaVu Sans" },
    fitTo: { mode: "zoom", value: SCALE },
  })
    .render()
    .asPng();
}

async function load<T>(get: () => Promise<T>, name: string): Promise<T> {
  try {
    return await get();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND")
      throw new ImageError("png_unavailable", `${name}, which draws PNG files, does not load: ${message}`, INSTALL);
    throw new ImageError("png_unavailable", `a PNG file needs the package ${name}, which is not installed`, INSTALL);
  }
}

const INSTALL = "npm install --save-dev @resvg/resvg-js dejavu-fonts-ttf, or write an .svg file";

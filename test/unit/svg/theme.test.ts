import { describe, expect, it } from "vitest";
import { type Colour, PALETTES } from "../../../infra/svg/index.ts";

/** Relative luminance and contrast as WCAG 2 has them. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((one, other) => other - one);
  return (light + 0.05) / (dark + 0.05);
}

const WRITTEN: readonly Colour[] = ["ink", "muted", "blue", "violet", "amber", "teal", "green", "red"];
const UNDER: readonly Colour[] = ["page", "box", "panel"];
const SOFT: readonly Colour[] = ["blue-soft", "violet-soft", "amber-soft", "green-soft", "red-soft", "grey-soft"];

describe.each(["light", "dark"] as const)("the %s palette", (name) => {
  const palette = PALETTES[name];
  it("can be read: 4.5 to 1 for text, 3 to 1 for lines", () => {
    const weak = WRITTEN.flatMap((text) => UNDER.map((under) => [text, under, contrast(palette[text], palette[under])] as const)).filter(
      ([, , ratio]) => ratio < 4.5,
    );
    expect(weak).toEqual([]);
    expect(SOFT.filter((under) => contrast(palette.ink, palette[under]) < 4.5)).toEqual([]);
    expect(contrast(palette.line, palette.page)).toBeGreaterThan(3);
    expect(contrast(palette.page, palette.violet)).toBeGreaterThan(4.5);
  });
});

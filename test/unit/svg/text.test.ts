import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fitText, textWidth, wrapText } from "../../../infra/svg/index.ts";
import { advanceWidths } from "./font.ts";

const style = { size: 12 };
const resolve = createRequire(import.meta.url).resolve;

describe("text widths", () => {
  it.each([
    ["DejaVuSans", false],
    ["DejaVuSans-Bold", true],
  ] as const)("are those of %s, rounded up", (name, bold) => {
    const widths = advanceWidths(readFileSync(resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`)));
    const letters = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
    const wrong = letters.filter((letter) => Math.abs(textWidth(letter, { size: 1000, bold }) - widths(letter)) > 1);
    expect(wrong).toEqual([]);
    expect(letters.filter((letter) => textWidth(letter, { size: 1000, bold }) < widths(letter) - 1e-9)).toEqual([]);
    for (const letter of ["…", "é", "ß", "→", "–"]) expect(textWidth(letter, { size: 1000, bold })).toBeGreaterThanOrEqual(widths(letter));
  });

  it("count a letter outside of ASCII as an em, once", () => {
    expect(textWidth("é", { size: 10 })).toBe(10);
    expect(textWidth("😀", { size: 10 })).toBe(10);
  });
});

describe("fitText", () => {
  it("leaves what fits", () => expect(fitText("short", 100, style)).toBe("short"));
  it("keeps both ends, the beginning or the end", () => {
    const name = "abcdefghijklmnopqrstuvwxyz";
    expect(fitText(name, 60, style)).toMatch(/^abc.*….*yz$/);
    expect(fitText(name, 60, style, "start")).toMatch(/^abcd.*…$/);
    expect(fitText(name, 60, style, "end")).toMatch(/^…[m-z]*wxyz$/);
  });
  it("never gives more than the width", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }),
        fc.integer({ min: 12, max: 300 }),
        fc.constantFrom("both", "start", "end"),
        (text, width, keep) => {
          expect(textWidth(fitText(text, width, style, keep), style)).toBeLessThanOrEqual(width);
        },
      ),
    );
  });
});

describe("wrapText", () => {
  it("breaks between words and says where it stopped", () => {
    const text = "the sidecar exits before it listens and the revision never gets ready";
    const lines = wrapText(text, 150, style);
    expect(lines.join(" ")).toBe(text);
    expect(lines.length).toBeGreaterThan(2);
    expect(wrapText(text, 150, style, 2)).toHaveLength(2);
    expect(wrapText(text, 150, style, 2)[1]).toMatch(/…$/);
  });
  it("never gives a line that is wider", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 12, max: 200 }), (text, width) => {
        for (const line of wrapText(text, width, style, 3)) expect(textWidth(line, style)).toBeLessThanOrEqual(width);
      }),
    );
  });
});

/** Advance widths of a TrueType font, in thousandths of its em: reads `head`, `hhea`, `hmtx` and the format 4 table of `cmap`. */
export function advanceWidths(font: Buffer): (letter: string) => number {
  const tables = new Map<string, number>();
  for (let index = 0; index < font.readUInt16BE(4); index++) {
    const at = 12 + index * 16;
    tables.set(font.toString("latin1", at, at + 4), font.readUInt32BE(at + 8));
  }
  const table = (name: string) => tables.get(name) ?? expectTable(name);
  const em = font.readUInt16BE(table("head") + 18);
  const metrics = font.readUInt16BE(table("hhea") + 34);
  const cmap = table("cmap");
  const subtables = Array.from({ length: font.readUInt16BE(cmap + 2) }, (_, index) => cmap + font.readUInt32BE(cmap + 4 + index * 8 + 4));
  const map = subtables.find((at) => font.readUInt16BE(at) === 4) ?? expectTable("cmap format 4");
  const segments = font.readUInt16BE(map + 6) / 2;
  const [ends, starts] = [map + 14, map + 16 + segments * 2];
  const [deltas, offsets] = [starts + segments * 2, starts + segments * 4];
  const glyph = (code: number): number => {
    for (let index = 0; index < segments; index++) {
      if (font.readUInt16BE(ends + 2 * index) < code) continue;
      const start = font.readUInt16BE(starts + 2 * index);
      if (start > code) return 0;
      const offset = font.readUInt16BE(offsets + 2 * index);
      const delta = font.readInt16BE(deltas + 2 * index);
      if (offset === 0) return (code + delta) & 0xffff;
      const found = font.readUInt16BE(offsets + 2 * index + offset + 2 * (code - start));
      return found === 0 ? 0 : (found + delta) & 0xffff;
    }
    return 0;
  };
  return (letter) => (1000 * font.readUInt16BE(table("hmtx") + 4 * Math.min(glyph(letter.codePointAt(0) ?? 0), metrics - 1))) / em;
}

function expectTable(name: string): never {
  throw new Error(`the font has no ${name}`);
}

import fc from "fast-check";
import { expect, test } from "vitest";
import { CLOSE_GOING_AWAY, CLOSE_GOING_AWAY_MASKED, FrameBoundary } from "../../../sidecar/protect/websocket-frames.ts";

function frame(length: number, masked: boolean): Buffer {
  const mask = masked ? 0x80 : 0;
  const head =
    length < 126
      ? [0x82, mask | length]
      : length < 65_536
        ? [0x82, mask | 126, length >> 8, length & 0xff]
        : [0x82, mask | 127, 0, 0, 0, 0, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff];
  return Buffer.concat([Buffer.from(head), Buffer.alloc((masked ? 4 : 0) + length, 0x81)]);
}

test("a boundary is seen behind each frame and nowhere else, however the bytes are cut", () => {
  const frames = fc.array(fc.record({ length: fc.constantFrom(0, 1, 125, 126, 300, 65_535, 65_536, 70_000), masked: fc.boolean() }), {
    minLength: 1,
    maxLength: 4,
  });
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 5_000 }), (list, step) => {
      const bytes = Buffer.concat(list.map(({ length, masked }) => frame(length, masked)));
      const borders = new Set([0]);
      let at = 0;
      for (const { length, masked } of list) {
        at += frame(length, masked).length;
        borders.add(at);
      }
      const boundary = new FrameBoundary();
      // Compared by hand: an `expect` for each of a quarter of a million bytes takes seconds.
      const wrong: number[] = [];
      for (let from = 0; from < bytes.length; from += step) {
        if (boundary.atBoundary !== borders.has(from)) wrong.push(from);
        boundary.push(bytes.subarray(from, from + step));
      }
      expect(wrong).toEqual([]);
      expect(boundary.atBoundary).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test("the goodbyes are whole frames: close, 1001", () => {
  for (const [bytes, masked] of [
    [CLOSE_GOING_AWAY, false],
    [CLOSE_GOING_AWAY_MASKED, true],
  ] as const) {
    const boundary = new FrameBoundary();
    boundary.push(bytes);
    expect(boundary.atBoundary).toBe(true);
    expect(bytes[0]).toBe(0x88);
    expect((bytes[1]! & 0x80) !== 0).toBe(masked);
    expect(bytes.subarray(-2).readUInt16BE()).toBe(1001);
  }
});

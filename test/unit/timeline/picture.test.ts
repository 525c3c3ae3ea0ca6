import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { timelineScene, timelineSvg } from "../../../infra/local/timeline/index.ts";
import { TIMELINE_EVENTS, type Timeline, type TimelineEvent, type TimelineEventKind } from "../../../infra/local/timeline/types.ts";
import type { Mark } from "../../../infra/svg/index.ts";
import { stumblingBlocks } from "../svg/measure.ts";
import { ALL, FAIL_CLOSED, ROLLOUT, SMOOTH, written } from "./timelines.ts";

/** Hair lines behind everything are there to be crossed. */
function blocks(timeline: Timeline): string[] {
  const scene = timelineScene(timeline);
  return stumblingBlocks({ ...scene, marks: scene.marks.filter((mark) => mark.kind !== "line" || mark.stroke !== "grey-soft") });
}
const texts = (timeline: Timeline) => timelineScene(timeline).marks.flatMap((mark) => (mark.kind === "text" ? [mark.text] : []));
const bar = (timeline: Timeline, title: RegExp) =>
  timelineScene(timeline).marks.filter((mark): mark is Mark & { kind: "rect" } => mark.kind === "rect" && title.test(mark.title ?? ""));

describe("docs/images", () => {
  it("has the picture of the recorded rollout", async () => {
    const recorded = JSON.parse(readFileSync("docs/images/rollout.json", "utf8")) as Timeline;
    expect(blocks(recorded)).toEqual([]);
    // `-u` draws it anew. The record: six callers, one rollout, by the rules of Cloud Run.
    await expect(timelineSvg(recorded)).toMatchFileSnapshot("../../../docs/images/rollout.svg");
  });
});

describe("the picture of a timeline", () => {
  it.each(Object.keys(ALL) as (keyof typeof ALL)[])("%s has no text on top of anything", (name) => expect(blocks(ALL[name])).toEqual([]));

  it("has no text on top of anything, whatever happens", () => {
    const event = fc.record({
      at: fc.double({ min: 0, max: 400_000, noNaN: true }),
      kind: fc.constantFrom(...(Object.keys(TIMELINE_EVENTS) as TimelineEventKind[])),
      replica: fc.constantFrom("r1", "r2", null),
      container: fc.constantFrom("chio-sidecar", "app", null),
      signal: fc.constantFrom("SIGTERM", "SIGKILL"),
      exitCode: fc.integer({ min: 0, max: 255 }),
      detail: fc.string(),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const timeline: Timeline = { ...SMOOTH, events: (events as TimelineEvent[]).toSorted((a, b) => a.at - b.at) };
        expect(blocks(timeline)).toEqual([]);
        expect(timelineSvg(timeline)).not.toMatch(/NaN|Infinity|undefined/);
      }),
      { numRuns: 60 },
    );
  });

  it("has a lane for each replica and container, and says first what counts", () => {
    expect(texts(ROLLOUT).filter((text) => ["r1", "r2", "chio-sidecar", "app"].includes(text))).toEqual([
      "r1",
      "chio-sidecar",
      "app",
      "r2",
      "chio-sidecar",
      "app",
    ]);
    expect(texts(SMOOTH)).toContain("traffic after 1.30 s · 2 of 9 probes failed · stopped in 2.06 s · 337 receipts · exit codes 0, 0");
  });

  it("draws traffic from its first to its last moment, and states in their order", () => {
    const [traffic] = bar(SMOOTH, /^traffic/);
    expect(traffic?.title).toBe("traffic: 1.304 s to 62.000 s");
    const [starting] = bar(SMOOTH, /^starting/);
    const [healthy] = bar(SMOOTH, /^healthy/);
    expect([starting?.title, healthy?.title]).toEqual(["starting: 0.190 s to 0.562 s", "healthy: 0.562 s to 63.250 s"]);
    expect((starting?.x ?? 0) + (starting?.width ?? 0)).toBeCloseTo(healthy?.x ?? -1, 1);
    expect(bar(ROLLOUT, /^traffic/).map((mark) => mark.title)).toEqual(["traffic: 1.935 s to 10.950 s", "traffic: 10.930 s to 24.000 s"]);
  });

  it("calls a container that nobody probes running, and a stopped one stopping", () => {
    expect(bar(SMOOTH, /^running/)).toHaveLength(1);
    expect(timelineSvg(SMOOTH)).toContain("<title>stopping: 63.250 s to 64.060 s</title>");
  });

  it("folds a quiet minute, and says how long it was", () => {
    expect(texts(SMOOTH).some((text) => /^\d+\.\d s quiet$/.test(text))).toBe(true);
    expect(texts(FAIL_CLOSED).some((text) => text.endsWith("quiet"))).toBe(false);
    const [traffic] = bar(SMOOTH, /^traffic/);
    expect(traffic?.width).toBeLessThan(300);
  });

  it("does not fold time in which something fails", () => {
    const failing = written("t", "ecs", (at) => {
      at(0, "r1/app", "started");
      for (let ms = 1000; ms <= 60_000; ms += 1000) at(ms, "r1/app", "probe-failed", { probe: "startup" });
    });
    expect(texts(failing).some((text) => text.endsWith("quiet"))).toBe(false);
  });

  it("draws each failed probe as a cross and each passed one as a tick", () => {
    const lines = timelineScene(ROLLOUT).marks.filter((mark) => mark.kind === "line");
    const about = (word: string) => lines.filter((mark) => mark.title?.includes(word)).length;
    expect(about("liveness probe failed no answer")).toBe(2 * 3);
    expect(about("probe passed")).toBe(ROLLOUT.events.filter((event) => event.kind === "probe-passed").length);
  });

  it("tells below why something failed, with the number that stands at its mark", () => {
    const all = texts(FAIL_CLOSED);
    expect(all).toContain("failed (3)");
    expect(all).toContain(
      "3. 0.270 s r1: failed: essential container chio-sidecar exited with 1 before it was healthy; app was never started",
    );
    expect(texts(ALL.CROWD)).toContain("and 10 more, in the JSON and in the table");
  });

  it("is told in words, and holds no markup of a program's output", () => {
    const hostile = written("<b>", "ecs", (at) => at(5, "r1/app", "failed", { detail: "<script>\u001b[31m&" }));
    const svg = timelineSvg(hostile);
    expect(svg).not.toContain("<script>");
    expect(svg).not.toContain("\u001b");
    expect(timelineSvg(SMOOTH)).toMatch(/<desc id="desc">traffic after 1.30 s.* 63\.000 s r1\/app SIGTERM\./);
  });
});

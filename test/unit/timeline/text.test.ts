import { describe, expect, it } from "vitest";
import { timelineJson, timelineSummary, timelineTable } from "../../../infra/local/timeline/index.ts";
import { ALL, EMPTY, FAIL_CLOSED, ROLLOUT, SMOOTH, written } from "./timelines.ts";

describe("timelineJson", () => {
  it.each(Object.keys(ALL) as (keyof typeof ALL)[])("%s is read back as it was", (name) =>
    expect(JSON.parse(timelineJson(ALL[name]))).toEqual(ALL[name]),
  );
  it("has an event a line", () =>
    expect(
      timelineJson(SMOOTH)
        .split("\n")
        .filter((line) => line.includes('"at":')),
    ).toHaveLength(SMOOTH.events.length));
});

describe("timelineTable", () => {
  it("has a row an event in columns, probes folded, and sums up", () => {
    const lines = timelineTable(SMOOTH).trimEnd().split("\n");
    expect(lines[2]).toBe(" 0.260 s  r1/chio-sidecar  ✗ health check failed (2 times)  connection refused");
    expect(lines).toContain("64.010 s  r1/chio-sidecar  ◆ drained, 337 receipts");
    expect(lines.filter((line) => line.includes("passed"))).toEqual([
      " 0.560 s  r1/chio-sidecar  ✓ health check passed",
      "10.560 s  r1/chio-sidecar  ✓ health check passed (6 times)",
    ]);
    expect(lines.at(-1)).toBe("traffic after 1.30 s, 2 of 9 probes failed, stopped in 2.06 s, 337 receipts, exit codes 0, 0");
  });

  it("never folds what another event separates", () => {
    const rows = timelineTable(ROLLOUT)
      .split("\n")
      .filter((line) => /r1\/app .* probe (passed|failed)\b(?! 3)/.test(line));
    expect(rows.map((row) => row.replace(/^.*[✓✗] /, "").trim())).toEqual([
      "startup probe passed",
      "liveness probe failed (3 times)  no answer within 1 s",
      "startup probe passed",
    ]);
  });

  it("stays within the width that is given", () => {
    for (const width of [20, 60, 100])
      for (const line of timelineTable(ALL.CROWD, { width }).split("\n").slice(0, -2)) expect([...line].length).toBeLessThanOrEqual(width);
  });

  it("has colours only when asked, and never those of a program", () => {
    const loud = written("t", "ecs", (at) => at(1, "r1/app", "log", { detail: "a\u001b[31mred\u001b]0;title\u0007\nnext\u009b1m" }));
    expect(timelineTable(loud)).toContain("ared ]0;title next 1m");
    expect(timelineTable(loud)).not.toMatch(/[\u001b\u0007\u009b]/);
    expect(timelineTable(loud, { colour: true })).toContain("\u001b[");
  });
});

describe("timelineSummary", () => {
  it("says what happened and leaves out what did not", () => {
    expect(timelineSummary(EMPTY)).toEqual(["nothing happened"]);
    expect(timelineSummary(FAIL_CLOSED)).toEqual(["never took traffic", "given up 2 times", "exit codes 1, 1"]);
    expect(timelineSummary(ROLLOUT)).toContain("60 receipts");
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { liveTimeline } from "../../../infra/local/timeline/index.ts";
import { FAIL_CLOSED, ROLLOUT, SMOOTH } from "./timelines.ts";

/** As much of a terminal as the printer uses: lines, cursor up, erase below. */
function terminal(tty: boolean, columns = 200) {
  const lines = [""];
  let raw = "";
  const put = (text: string) => {
    raw += text;
    for (const part of text.split(/(\u001b\[\d+A|\u001b\[0J|\n)/).filter((one) => one !== "")) {
      const up = /^\u001b\[(\d+)A$/.exec(part);
      if (part === "\n") lines.push("");
      else if (up !== null) lines.splice(lines.length - 1 - Number(up[1]), lines.length, "");
      else if (part !== "\u001b[0J") lines[lines.length - 1] += part;
    }
  };
  return { screen: () => lines.slice(0, -1), raw: () => raw, terminal: { write: put, tty, colour: false, columns: () => columns } };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the live timeline, not on a terminal", () => {
  it("prints a line for what changes something, and no escape", () => {
    const { screen, raw, terminal: plain } = terminal(false);
    const live = liveTimeline(plain);
    for (const event of ROLLOUT.events) live.event(event);
    live.stop();
    expect(raw()).not.toContain("\u001b");
    const app = screen().filter((line) => line.includes(" r1/app "));
    expect(app.map((line) => line.slice(11))).toEqual([
      "▸ r1/app started",
      "✓ r1/app startup probe passed",
      "✓ r1/app healthy",
      "✗ r1/app liveness probe failed: no answer within 1 s",
      "✗ r1/app unhealthy: liveness probe failed 3 times in a row",
      "▼ r1/app SIGKILL",
      "■ r1/app exited with 137",
      "↻ r1/app restarted",
      "✓ r1/app healthy",
      "▼ r1/app SIGTERM",
      "▼ r1/app SIGKILL",
      "■ r1/app exited with 137: killed: still running 10 s after SIGTERM",
    ]);
    expect(screen().some((line) => line.includes("traffic on"))).toBe(true);
  });

  it("counts the failures that it did not print, once the probe passes", () => {
    const { screen, terminal: plain } = terminal(false);
    const live = liveTimeline(plain);
    for (const event of SMOOTH.events) live.event(event);
    expect(screen().filter((line) => line.includes("health check"))).toEqual([
      "  0.260 s  ✗ r1/chio-sidecar health check failed: connection refused",
      "  0.560 s  ✓ r1/chio-sidecar health check passed after 2 failures",
    ]);
  });
});

describe("the live timeline on a terminal", () => {
  it("shows below what is on its way, for how long, and takes it away", () => {
    const { screen, terminal: real } = terminal(true);
    let now = 0;
    const live = liveTimeline(real, () => now);
    const [created, started, failed, again, , healthy] = SMOOTH.events;
    for (const event of [created, started, failed, again]) if (event !== undefined) live.event(event);
    now = 2500;
    vi.advanceTimersByTime(130);
    expect(screen().at(-1)).toMatch(/^\S r1\/chio-sidecar {2}starting for 2\.50 s, health check failed 2 times$/);
    live.line("chio-sidecar | a line of its log");
    expect(screen().at(-2)).toBe("chio-sidecar | a line of its log");
    expect(screen().at(-1)).toMatch(/starting for/);
    if (healthy !== undefined) live.event(healthy);
    expect(screen().at(-1)).toBe("  0.562 s  ✓ r1/chio-sidecar healthy");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("shows what is being done, and no row wider than the terminal", () => {
    const { screen, terminal: real } = terminal(true, 30);
    const live = liveTimeline(real);
    live.doing(`building ${"layer ".repeat(20)}`);
    expect([...(screen().at(-1) ?? "")].length).toBe(29);
    live.doing(null);
    expect(screen()).toEqual([]);
  });

  it("leaves nothing behind when it is stopped", () => {
    const { screen, terminal: real } = terminal(true);
    const live = liveTimeline(real);
    for (const event of FAIL_CLOSED.events.slice(0, 2)) live.event(event);
    live.stop();
    vi.advanceTimersByTime(1000);
    expect(screen()).toEqual(["  0.200 s  ▸ r1/chio-sidecar started"]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

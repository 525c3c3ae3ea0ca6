import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { exposition } from "../../../sidecar/service/exposition.ts";
import { createMetrics, DURATION_BUCKETS } from "../../../sidecar/service/metrics.ts";

/** Samples of a text, `name{labels}` to value. */
function samples(text: string): Map<string, number> {
  return new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const at = line.lastIndexOf(" ");
        return [line.slice(0, at), Number(line.slice(at + 1))];
      }),
  );
}

describe("exposition", () => {
  it("writes the text that prom-client writes", async () => {
    const registry = new Registry();
    const odd = 'a "quoted\\ \n path';
    const counter = new Counter({ name: "c_total", help: "Two\nlines \\ here.", labelNames: ["decision", "code"], registers: [registry] });
    const gauge = new Gauge({ name: "g", help: "G.", registers: [registry] });
    const histogram = new Histogram({ name: "h_seconds", help: "H.", buckets: [...DURATION_BUCKETS], registers: [registry] });
    counter.inc({ decision: "allow", code: "200" }, 3);
    counter.inc({ decision: odd, code: "403" });
    gauge.set(-1.5);
    const counts = new Array<number>(DURATION_BUCKETS.length + 1).fill(0);
    const observed = [0.00005, 0.00006, 0.001, 1, 1.5, 0.3];
    for (const value of observed) {
      histogram.observe(value);
      const at = DURATION_BUCKETS.findIndex((bound) => value <= bound);
      counts[at < 0 ? DURATION_BUCKETS.length : at]! += 1;
    }
    const ours = exposition([
      {
        name: "c_total",
        type: "counter",
        help: "Two\nlines \\ here.",
        samples: [
          [{ decision: "allow", code: "200" }, 3],
          [{ decision: odd, code: "403" }, 1],
        ],
      },
      { name: "g", type: "gauge", help: "G.", samples: [[{}, -1.5]] },
      { name: "h_seconds", type: "histogram", help: "H.", buckets: DURATION_BUCKETS, counts, sum: observed.reduce((a, b) => a + b, 0) },
    ]);
    const lines = (text: string) => text.split("\n").filter((line) => line !== "");
    expect(lines(ours)).toEqual(lines(await registry.metrics()));
  });
});

describe("metrics", () => {
  it("count requests by decision and code, and their time", () => {
    const metrics = createMetrics("1.2.3");
    for (const [outcome, status, seconds] of [
      ["allow", 200, 0.0001],
      ["allow", 200, 0.00011],
      ["deny", 403, 2],
    ] as const) {
      metrics.requestStarted();
      metrics.requestFinished(outcome, status, seconds);
    }
    metrics.requestStarted();
    const found = samples(metrics.render());
    expect(found.get('chio_build_info{version="1.2.3"}')).toBe(1);
    expect(found.get('chio_requests_total{decision="allow",code="200"}')).toBe(2);
    expect(found.get('chio_requests_total{decision="deny",code="403"}')).toBe(1);
    expect(found.get('chio_request_duration_seconds_bucket{le="0.00005"}')).toBe(0);
    expect(found.get('chio_request_duration_seconds_bucket{le="0.0001"}')).toBe(1);
    expect(found.get('chio_request_duration_seconds_bucket{le="0.00025"}')).toBe(2);
    expect(found.get('chio_request_duration_seconds_bucket{le="1"}')).toBe(2);
    expect(found.get('chio_request_duration_seconds_bucket{le="+Inf"}')).toBe(3);
    expect(found.get("chio_request_duration_seconds_count")).toBe(3);
    expect(found.get("chio_inflight_requests")).toBe(1);
    expect(metrics.inflight()).toBe(1);
    expect(found.get("chio_receipts_dropped_total")).toBe(0);
  });

  it("read what others own when they are asked", () => {
    const metrics = createMetrics("0");
    expect(samples(metrics.render()).get("chio_receipt_queue_depth")).toBe(0);
    let depth = 7;
    metrics.connect({
      queueDepth: () => depth,
      receiptsStored: () => 9,
      openDecisions: () => 2,
      ledgerWritable: () => true,
      draining: () => false,
    });
    depth = 8;
    metrics.receiptsCommitted(3, 0.002);
    metrics.policyLoaded(1_700_000_000);
    metrics.policyReloadFailed();
    metrics.upstreamError("timeout");
    const found = samples(metrics.render());
    expect(found.get("chio_receipt_queue_depth")).toBe(8);
    expect(found.get("chio_receipts_stored")).toBe(9);
    expect(found.get("chio_open_decisions")).toBe(2);
    expect(found.get("chio_ledger_writable")).toBe(1);
    expect(found.get("chio_draining")).toBe(0);
    expect(found.get("chio_receipts_committed_total")).toBe(3);
    expect(found.get("chio_receipt_fsync_seconds_count")).toBe(1);
    expect(found.get("chio_policy_loaded_timestamp_seconds")).toBe(1_700_000_000);
    expect(found.get("chio_policy_reload_failures_total")).toBe(1);
    expect(found.get('chio_upstream_errors_total{kind="timeout"}')).toBe(1);
    expect(found.get("process_resident_memory_bytes")).toBeGreaterThan(1e6);
  });

  it("cannot be made to grow without bound by guard names", () => {
    const metrics = createMetrics("0");
    for (let i = 0; i < 1000; i++) metrics.guardDenied(`guard-${i}`);
    const found = [...samples(metrics.render())].filter(([name]) => name.startsWith("chio_guard_denials_total"));
    expect(found).toHaveLength(65);
    expect(new Map(found).get('chio_guard_denials_total{guard="other"}')).toBe(936);
  });

  it("cost a request far less than 2 us", () => {
    const metrics = createMetrics("0");
    const rounds = 50_000;
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 20; round++) {
      const start = performance.now();
      for (let i = 0; i < rounds; i++) {
        metrics.requestStarted();
        metrics.requestFinished("allow", 200, 0.0003);
      }
      best = Math.min(best, ((performance.now() - start) * 1000) / rounds);
    }
    expect(best).toBeLessThan(2);
  });
});

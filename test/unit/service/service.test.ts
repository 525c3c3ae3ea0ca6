import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type DrainPhase, drain } from "../../../sidecar/service/drain.ts";
import { createLogger } from "../../../sidecar/service/logger.ts";
import { createReadiness } from "../../../sidecar/service/readiness.ts";
import { VERSION } from "../../../sidecar/service/version.ts";
import { ChioError } from "../../../sidecar/wire/errors.ts";

function lines(
  level: Parameters<typeof createLogger>[0],
  write: (log: ReturnType<typeof createLogger>) => void,
): Record<string, unknown>[] {
  const out: string[] = [];
  write(createLogger(level, { write: (line) => out.push(line) }));
  return out.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("logger", () => {
  it("writes one JSON line with severity, time and message", () => {
    const [line] = lines("info", (log) => log.warn("low disk", { free: 3, big: 2n ** 60n }));
    expect(line).toEqual({
      severity: "WARNING",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      message: "low disk",
      free: 3,
      big: "1152921504606846976",
    });
  });

  it.each([
    ["trace", ["DEBUG", "DEBUG", "INFO", "WARNING", "ERROR"]],
    ["debug", ["DEBUG", "INFO", "WARNING", "ERROR"]],
    ["info", ["INFO", "WARNING", "ERROR"]],
    ["warn", ["WARNING", "ERROR"]],
    ["error", ["ERROR"]],
  ] as const)("at level %s writes %j", (level, severities) => {
    const written = lines(level, (log) => {
      for (const method of ["trace", "debug", "info", "warn", "error"] as const) log[method](method);
    });
    expect(written.map((line) => line.severity)).toEqual(severities);
  });

  it("shows an error's code, fix and cause; its stack only at debug", () => {
    const error = new ChioError("some_code", "broken", { fix: "mend it", cause: new Error("root") });
    const [line] = lines("info", (log) => log.error("m", { error }));
    expect(line?.error).toEqual({
      name: "ChioError",
      code: "some_code",
      message: "broken",
      fix: "mend it",
      cause: { name: "Error", message: "root" },
    });
    const [verbose] = lines("debug", (log) => log.error("m", { error }));
    expect(verbose?.error).toMatchObject({ stack: expect.stringContaining("service.test") });
  });

  it("survives what JSON cannot hold", () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const [first] = lines("info", (log) => log.error("m", { circular }));
    expect(first).toMatchObject({ severity: "ERROR", message: "m" });
    const error = new Error("a");
    error.cause = error;
    const [second] = lines("info", (log) => log.error("n", { error }));
    expect(second).toMatchObject({ severity: "ERROR", message: "n" });
  });

  it("does not let a field replace severity, time or message", () => {
    const [line] = lines("info", (log) => log.error("m", { severity: "DEBUG", message: "forged", time: "never" }));
    expect(line).toMatchObject({ severity: "ERROR", message: "m" });
    expect(line?.time).not.toBe("never");
  });
});

describe("readiness", () => {
  it("is the list of reasons against it; a check that throws is one", () => {
    const readiness = createReadiness();
    let disk: string | null = null;
    readiness.addCheck("ledger", () => disk);
    readiness.addCheck("policy", () => null);
    expect(readiness.reasons()).toEqual([]);
    disk = "disk full";
    readiness.addCheck("authority", () => {
      throw new Error("boom");
    });
    expect(readiness.reasons()).toEqual(["ledger: disk full", "authority: check failed: boom"]);
    readiness.addCheck("authority", () => null);
    readiness.addWarning("policy", () => "not replaced");
    expect(readiness.warnings()).toEqual(["policy: not replaced"]);
    disk = null;
    expect(readiness.reasons()).toEqual([]);
  });
});

describe("drain", () => {
  const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
  const phase = (name: string, run: DrainPhase["run"], left: () => string | null = () => null, reserveMs = 0): DrainPhase => ({
    name,
    run,
    left,
    reserveMs,
  });

  it("runs the phases in order and is clean when each ends with nothing left", async () => {
    const order: string[] = [];
    const result = await drain([phase("a", async () => void order.push("a")), phase("b", async () => void order.push("b"))], 1000);
    expect(order).toEqual(["a", "b"]);
    expect(result).toMatchObject({ clean: true, left: [] });
  });

  it("says what was left of a phase past its time, and still runs the ones after it, which have kept some", async () => {
    let given = 0;
    const flush = phase(
      "ledger",
      async (ms) => {
        given = ms;
      },
      () => null,
      1000,
    );
    const result = await drain(
      [
        phase(
          "requests",
          () => wait(60_000),
          () => "3 requests",
        ),
        flush,
      ],
      1500,
    );
    expect(result.clean).toBe(false);
    expect(result.left).toEqual(["requests: 3 requests (out of time)"]);
    expect(given).toBeGreaterThan(100);
    expect(result.tookMs).toBeLessThan(20_000);
  });

  it("does not stop at a phase that fails", async () => {
    const ran: string[] = [];
    const fails = phase(
      "sinks",
      () => Promise.reject(new Error("disk full")),
      () => "2 receipts",
    );
    const result = await drain([fails, phase("last", async () => void ran.push("last"))], 1000);
    expect(result.left).toEqual(["sinks: 2 receipts (disk full)"]);
    expect(ran).toEqual(["last"]);
  });
});

describe("version", () => {
  it("is package.json's", () => {
    expect(VERSION).toBe((JSON.parse(readFileSync("package.json", "utf8")) as { version: string }).version);
  });
});

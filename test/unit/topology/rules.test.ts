import { describe, expect, it } from "vitest";
import { assertValid, INVARIANT_IDS, PLATFORMS, posture, RULES, TopologyError, TRAPS, validate } from "../../../infra/topology/index.ts";
import { BREAKS } from "./breaks.ts";
import { baseline, broken } from "./fixtures.ts";

const codes = (topology: Parameters<typeof validate>[0], platform: Parameters<typeof validate>[1]) => [
  ...new Set(validate(topology, platform).map((one) => one.code)),
];
/** Raised where acceptances are applied, not by looking at a topology. */
const OF_ACCEPTANCES = ["CHIO-ACCEPTANCE-UNMATCHED", "CHIO-ACCEPTANCE-REASON"];

describe("the baseline", () => {
  it.each(PLATFORMS)("has no finding on %s", (platform) => {
    expect(validate(baseline(), platform)).toEqual([]);
  });

  it.each(PLATFORMS)("holds every invariant as well as %s can", (platform) => {
    for (const entry of posture(baseline(), platform).entries) expect(entry.brokenBy).toEqual([]);
  });
});

describe("the rules", () => {
  it("have one code each", () => {
    expect(new Set(RULES.map((rule) => rule.code)).size).toBe(RULES.length);
  });

  it("cover every invariant", () => {
    expect(INVARIANT_IDS.filter((id) => !RULES.some((rule) => rule.invariants.includes(id)))).toEqual([]);
  });

  it("cover every trap", () => {
    const traps = new Set(RULES.flatMap((rule) => rule.traps));
    expect([...traps].toSorted((a, b) => a - b)).toEqual(Object.keys(TRAPS).map(Number));
    expect(traps.size).toBe(20);
  });

  it("are each broken by a test", () => {
    expect(RULES.map((rule) => rule.code).filter((code) => !OF_ACCEPTANCES.includes(code) && !Object.hasOwn(BREAKS, code))).toEqual([]);
  });

  it.each(RULES.map((rule) => [rule.code, rule] as const))("%s says what it is, why and what to do", (_, rule) => {
    for (const text of [rule.title, rule.why, rule.fix]) expect(text.length).toBeGreaterThan(10);
    expect(rule.why).toMatch(/\.$/);
    expect(rule.fix).not.toMatch(/\.$/);
  });
});

describe.each(Object.entries(BREAKS))("%s", (code, breaks) => {
  it.each(breaks.map((one) => [`${one.platform}: ${one.what}`, one] as const))("%s", (_, { platform, props, change }) => {
    const graph = broken(platform, change ?? (() => {}), props);
    expect(codes(graph, platform)).toEqual([code]);
  });

  it("stops the deployment when it is an error, and lowers the posture", () => {
    for (const { platform, props, change } of breaks) {
      const graph = broken(platform, change ?? (() => {}), props);
      const rule = RULES.find((one) => one.code === code);
      if (rule?.severity === "error") expect(() => assertValid(graph, platform)).toThrow(TopologyError);
      else expect(assertValid(graph, platform).findings.map((one) => one.code)).toContain(code);
      const entries = posture(graph, platform).entries.filter((entry) => rule?.invariants.includes(entry.invariant));
      for (const entry of entries) {
        expect(entry.brokenBy).toEqual([code]);
        expect(entry.level).not.toBe("enforced");
      }
    }
  });
});

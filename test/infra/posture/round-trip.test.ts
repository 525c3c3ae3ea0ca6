import { describe, expect, it } from "vitest";
import { DocumentError } from "../../../infra/posture/index.ts";
import { RULES, TopologyInputError, type TopologyProps, validate } from "../../../infra/topology/index.ts";
import { BREAKS } from "../../unit/topology/breaks.ts";
import { baseline, broken } from "../../unit/topology/fixtures.ts";
import { type Cloud, codes, DEPLOYED, FAULTLESS, manifest, only, unknownCodes } from "./documents.ts";

/** What a manifest has no field for, so that its reader cannot know: the fault was never written. */
const NOT_WRITTEN: Readonly<Record<string, string>> = {
  "aca CHIO-START-ORDER": "Azure has no order of its own",
  "aca CHIO-START-UNKNOWN": "Azure has no order of its own",
  "aca CHIO-SECRET-NAMES": "the second secret of one name takes the first one's place",
  "aca CHIO-STORE-PLACE": "a mount has no word for read-only",
  "aca CHIO-PROBE-RANGE: no number": "JSON has no NaN",
  "cloud-run CHIO-GRACE": "the grace has no field",
  "cloud-run CHIO-GRACE-CLAMPED": "the grace has no field",
  "aca CHIO-REQUEST-TIMEOUT": "the ingress has no field for it",
  "cloud-run CHIO-RECEIPTS-LOST": "the graph and its own variable disagree; the variable is written",
  "aca CHIO-FAIL-OPEN": "every container of a replica is essential",
  "CHIO-RESOURCES-ROUNDED": "the request that was rounded",
  "cloud-run CHIO-CPU-IDLE-MIXED": "v1 has one annotation for all containers",
  "aca CHIO-CONFIG-DELIVERY": "the graph and its own mounts disagree; the mounts are written",
  "CHIO-PLATFORM-FIELD": "a field that the platform has not",
};

const CASES = Object.entries(BREAKS).flatMap(([code, breaks]) =>
  breaks.flatMap((one) => (one.platform === "local" ? [] : [{ ...one, code, platform: one.platform as Cloud }])),
);

function deployed(props: Partial<TopologyProps> = {}): Partial<TopologyProps> {
  return { ...DEPLOYED, ...props, cloudRun: { ...DEPLOYED.cloudRun, ...props.cloudRun }, ecs: { ...DEPLOYED.ecs, ...props.ecs } };
}

describe("what this kit renders", () => {
  it.each(["cloud-run", "ecs", "aca"] as const)("has no finding on %s", (platform) => {
    expect(only(FAULTLESS[platform]).findings).toEqual([]);
  });

  it("has every finding of the broken topology, and no other, or says that it cannot know", () => {
    const wrong: string[] = [];
    const seen = new Map<string, string>();
    for (const { code, what, platform, props, change } of CASES) {
      const label = `${platform} ${code}: ${what}`;
      const graph = broken(platform, change ?? (() => {}), deployed(props));
      const expected = new Set(validate(graph, platform).map((one) => one.code));
      let text: string;
      try {
        text = manifest(platform, graph, [...expected]);
      } catch (error) {
        // The renderer refuses what its platform has no words for.
        if (error instanceof TopologyInputError && error.code === "not_renderable") continue;
        throw error;
      }
      const exempt = [label, `${platform} ${code}`, code].some((key) => NOT_WRITTEN[key] !== undefined);
      try {
        const report = only(text);
        const found = codes(report);
        const missing = [...expected].filter((one) => !found.includes(one) && !unknownCodes(report).has(one));
        const extra = found.filter((one) => !expected.has(one));
        if (!exempt && (missing.length > 0 || extra.length > 0)) wrong.push(`${label}: missing ${missing}, too many ${extra}`);
        if (found.includes(code)) seen.set(`${platform} ${code}`, what);
      } catch (error) {
        if (!(error instanceof DocumentError)) throw error;
        if (label !== "ecs CHIO-SIDECAR-COUNT: none") wrong.push(`${label}: ${error.message}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(seen.size).toBeGreaterThan(70);
  });

  it("exempts nothing that is found after all", () => {
    const found = CASES.filter(({ code, what, platform, props, change }) => {
      if (NOT_WRITTEN[`${platform} ${code}`] === undefined) return false;
      const graph = broken(platform, change ?? (() => {}), deployed(props));
      try {
        return codes(only(manifest(platform, graph, [code]))).includes(code);
      } catch {
        return false;
      } finally {
        expect(what).not.toBe("");
      }
    });
    expect(found.map(({ platform, code, what }) => `${platform} ${code}: ${what}`)).toEqual([]);
  });
});

describe("what a document does not say", () => {
  it("is neither a finding nor held", () => {
    const report = only(FAULTLESS["cloud-run"]);
    expect(unknownCodes(report)).toContain("CHIO-ROOT-USER");
    const entry = report.posture.entries.find(({ invariant }) => invariant === "INV-5");
    expect(entry?.residualRisk).toContain("not in this document: which user app runs as");
  });

  it("lowers the posture of a task definition by all that stands around it", () => {
    const level = (id: string) => only(FAULTLESS.ecs).posture.entries.find(({ invariant }) => invariant === id);
    expect(level("INV-3")).toMatchObject({ level: "partial", residualRisk: expect.stringContaining("what the task role may read") });
    expect(level("INV-8")).toMatchObject({ level: "partial", residualRisk: expect.stringContaining("rolled back") });
    expect(level("INV-9")).toMatchObject({ level: "enforced" });
  });

  it("names only findings that there are", () => {
    const known = new Set<string>(RULES.map(({ code }) => code));
    for (const platform of ["cloud-run", "ecs", "aca"] as const)
      expect([...unknownCodes(only(FAULTLESS[platform]))].filter((code) => !known.has(code))).toEqual([]);
  });
});

it("the baseline is what the other tests stand on", () => {
  for (const platform of ["cloud-run", "ecs", "aca"] as const) expect(validate(baseline(DEPLOYED), platform)).toEqual([]);
});

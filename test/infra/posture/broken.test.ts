import { describe, expect, it } from "vitest";
import { INVARIANT_IDS, RULES, TRAPS } from "../../../infra/topology/index.ts";
import { BROKEN } from "./broken-documents.ts";
import { OTHER_SPELLINGS } from "./broken-spellings.ts";
import { changed, codes, only } from "./documents.ts";

describe("a document with one fault", () => {
  it.each([...BROKEN, ...OTHER_SPELLINGS])("$what has $code", ({ code, text, change, path, also = [] }) => {
    const before = only(changed(text, () => {}));
    expect(before.findings).toEqual([]);
    const after = only(changed(text, change));
    expect(codes(after)).toEqual([code, ...also].toSorted());
    const found = after.findings.find((one) => one.code === code);
    expect(found).toMatchObject({ path, place: { line: expect.any(Number), column: expect.any(Number) } });
    expect(found?.fix).not.toBe("");
    expect(found?.link).toMatch(/^docs\/(topology|verify)\.md#chio-/);
  });
});

describe("documents", () => {
  const rules = RULES.filter(({ code }) => BROKEN.some((one) => one.code === code));

  it("with each trap are found", () => {
    const seen = new Set(rules.flatMap(({ traps }) => traps));
    // Mixed CPU has no word in the first version of a service; the second version's test has it.
    expect(
      Object.keys(TRAPS)
        .map(Number)
        .filter((trap) => !seen.has(trap) && trap !== 12),
    ).toEqual([]);
  });

  it("that break each invariant are found", () => {
    const seen = new Set(rules.flatMap(({ invariants }) => invariants));
    expect(INVARIANT_IDS.filter((invariant) => !seen.has(invariant))).toEqual([]);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CONSTRAINT_EVALUATORS, compileConstraint } from "../../../../sidecar/kernel/constraints/index.ts";
import type { ConstraintSubject } from "../../../../sidecar/kernel/constraints/subject.ts";
import type { Json } from "../../../../sidecar/wire/json.ts";
import { KNOWN_CONSTRAINTS } from "../../../../sidecar/wire/scope.ts";

const json = fc.jsonValue() as fc.Arbitrary<Json>;
const subject = (args: Json): ConstraintSubject => ({
  kind: "tool",
  arguments: args,
  path: undefined,
  bodyLength: 0,
  costUnits: undefined,
  modelMetadata: undefined,
  resolvePath: undefined,
});

describe("constraint evaluators", () => {
  it("exist for every constraint type of the wire format, and for no other", () => {
    expect(Object.keys(CONSTRAINT_EVALUATORS).sort()).toEqual([...KNOWN_CONSTRAINTS].sort());
  });

  it.each(["toString", "constructor", "__proto__", "hasOwnProperty", "max_lengths"])("do not exist for %s", (type) => {
    expect(compileConstraint({ type })).toBeNull();
  });

  it("never throw, whatever the value and the arguments are", () => {
    fc.assert(
      fc.property(fc.constantFrom(...KNOWN_CONSTRAINTS), fc.option(json, { nil: undefined }), json, (type, value, args) => {
        const check = compileConstraint(value === undefined ? { type } : { type, value });
        const result = check!(subject(args));
        expect(result === null || (typeof result === "string" && result.startsWith(type))).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("do not hold when their value has the wrong shape", () => {
    for (const type of KNOWN_CONSTRAINTS) {
      const check = compileConstraint({ type, value: { wrong: true } });
      expect(check!(subject({ path: "/a", url: "https://a.example" })), type).not.toBeNull();
    }
  });
});

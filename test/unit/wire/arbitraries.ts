import fc from "fast-check";
import type { Json, JsonObject } from "../../../sidecar/wire/json.ts";
import type { CapabilityScope, Constraint, ToolGrant } from "../../../sidecar/wire/types.ts";
import { anyText } from "../any-text.ts";

const AWKWARD_KEYS = ["__proto__", "constructor", "toString", "", "a", "b", "é", "\u0080", "\uFB33", "😀", "1", "10", "2"];
const AWKWARD_STRINGS = ["", "\u007f", "\u009f", "\u00a0", "\u2028", '"', "\\", "\b\f\n\r\t\u0000", "\uFEFF", "😀", "€"];

const text = fc.oneof(fc.constantFrom(...AWKWARD_STRINGS), anyText(), fc.string());
const integer = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 53n) }),
  fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }),
);
const number = fc.oneof(integer, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(-0, 1e21, 1e-7, 5e-324));

/** Any JSON value of our own model: big integers, awkward keys and strings included. No lone surrogates. */
export const json: fc.Arbitrary<Json> = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.constantFrom(null, true, false),
    number,
    text,
    fc.array(tie("value"), { maxLength: 5 }),
    fc
      .uniqueArray(fc.tuple(fc.oneof(fc.constantFrom(...AWKWARD_KEYS), text), tie("value")), { selector: ([key]) => key, maxLength: 6 })
      .map((entries) => Object.fromEntries(entries) as JsonObject),
  ),
})).value;

const name = fc.constantFrom("alpha", "beta", "*");
const constraint: fc.Arbitrary<Constraint> = fc.constantFrom<Constraint>(
  { type: "path_prefix", value: "/workspace/" },
  { type: "max_length", value: 100 },
  { type: "governed_intent_required" },
);
const money = fc.record({ units: fc.integer({ min: 0, max: 3 }), currency: fc.constantFrom("USD", "EUR") });

/** Grants over a small world of names, so that two random scopes often touch. */
export const toolGrant: fc.Arbitrary<ToolGrant> = fc
  .record(
    {
      server_id: name,
      tool_name: name,
      operations: fc.uniqueArray(fc.constantFrom("invoke", "read", "delegate"), { minLength: 1, maxLength: 3 }),
      constraints: fc.uniqueArray(constraint, { minLength: 1, maxLength: 3, selector: (item) => item.type }),
      max_invocations: fc.integer({ min: 0, max: 3 }),
      max_cost_per_invocation: money,
      max_total_cost: money,
      dpop_required: fc.boolean(),
    },
    { requiredKeys: ["server_id", "tool_name", "operations"] },
  )
  .map((grant) => grant as ToolGrant);

export const scope: fc.Arbitrary<CapabilityScope> = fc.array(toolGrant, { minLength: 1, maxLength: 3 }).map((grants) => ({ grants }));

/** A scope derived from a parent by steps that narrow and steps that widen, so that subsets are common and near misses too. */
export function derived(parent: CapabilityScope): fc.Arbitrary<CapabilityScope> {
  const change = fc.tuple(
    fc.subarray(["server_id", "tool_name", "operations", "constraints", "max_invocations", "max_total_cost", "dpop_required"]),
    toolGrant,
  );
  return fc.array(change, { minLength: parent.grants?.length ?? 0, maxLength: parent.grants?.length ?? 0 }).map((changes) => ({
    grants: (parent.grants ?? []).map((grant, i) => {
      const [keys, other] = changes[i]!;
      const picked = Object.fromEntries(Object.entries(other).filter(([key]) => keys.includes(key)));
      return { ...grant, ...picked } as ToolGrant;
    }),
  }));
}

/** A parent and a child that is often below it. */
export const scopePair: fc.Arbitrary<[CapabilityScope, CapabilityScope]> = scope.chain((parent) =>
  fc.tuple(fc.constant(parent), fc.oneof(derived(parent), scope)),
);

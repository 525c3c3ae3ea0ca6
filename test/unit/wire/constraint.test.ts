import { describe, expect, test } from "vitest";
import { parseConstraint } from "../../../sidecar/wire/constraint.ts";
import { WireError } from "../../../sidecar/wire/errors.ts";
import type { Json } from "../../../sidecar/wire/json.ts";
import { KNOWN_CONSTRAINTS } from "../../../sidecar/wire/scope.ts";

/** Each known type with values that it takes and values that it refuses. */
const EXAMPLES: Record<string, { good: (Json | undefined)[]; bad: (Json | undefined)[] }> = {
  path_prefix: { good: ["/workspace/"], bad: [undefined, "", 1, ["/x"]] },
  domain_exact: { good: ["example.com"], bad: ["", {}] },
  domain_glob: { good: ["*.example.com"], bad: ["", true] },
  regex_match: { good: ["^a+$"], bad: ["", 1] },
  max_length: { good: [0, 1024, 2n ** 64n - 1n], bad: [-1, 1.5, "1", undefined, 2n ** 64n] },
  max_args_size: { good: [4096], bad: [-1, null] },
  governed_intent_required: { good: [undefined, null], bad: [true, "", {}] },
  require_approval_above: {
    good: [{ threshold_units: 100 }],
    bad: [100, {}, { threshold_units: "1" }, { threshold_units: 1, currency: "USD" }],
  },
  seller_exact: { good: ["seller-1"], bad: [""] },
  minimum_runtime_assurance: { good: ["none", "basic", "attested", "verified"], bad: ["high", 1] },
  minimum_autonomy_tier: { good: ["direct", "delegated", "autonomous"], bad: ["none"] },
  custom: { good: [["rate_limit", "10/min"]], bad: [["a"], ["a", 1], ["a", "b", "c"], "a"] },
  table_allowlist: { good: [["users"], []], bad: ["users", [1]] },
  column_denylist: { good: [["users.ssn"]], bad: [[null]] },
  max_rows_returned: { good: [1000], bad: ["1000"] },
  operation_class: { good: ["read_only", "read_write", "admin"], bad: ["write"] },
  audience_allowlist: { good: [["#ops"]], bad: ["#ops"] },
  content_review_tier: { good: ["none", "basic", "strict"], bad: ["lax"] },
  max_transaction_amount_usd: { good: ["100.00", "5"], bad: [100, "1e3", "-1", "1,5", "", "."] },
  require_dual_approval: { good: [true, false], bad: ["true", undefined] },
  model_constraint: {
    good: [{ allowed_model_ids: ["m"] }, { allowed_model_ids: [], min_safety_tier: "high" }],
    bad: [
      {},
      { allowed_model_ids: "m" },
      { allowed_model_ids: ["m"], min_safety_tier: "extreme" },
      { allowed_model_ids: ["m"], mode: "x" },
      [],
    ],
  },
  memory_store_allowlist: { good: [["conversation"]], bad: [{}] },
  memory_write_deny_patterns: { good: [["AKIA.*"]], bad: ["AKIA"] },
};

const build = (type: string, value: Json | undefined): Json => (value === undefined ? { type } : { type, value });

test("every known type has examples here", () => {
  expect(Object.keys(EXAMPLES).sort()).toEqual([...KNOWN_CONSTRAINTS].sort());
});

describe.each(Object.entries(EXAMPLES))("%s", (type, { good, bad }) => {
  test("takes the values of its shape", () => {
    for (const value of good) {
      const expected = value === undefined || value === null ? { type } : { type, value };
      expect(parseConstraint(build(type, value), "$.c")).toEqual(expected);
    }
  });

  test("refuses every other value, and says what it takes", () => {
    for (const value of bad) {
      try {
        parseConstraint(build(type, value), "$.c");
        expect.unreachable(`${type} took ${String(value)}`);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
        expect((error as WireError).code).toBe("invalid_constraint");
        expect((error as WireError).message).toContain(`$.c.value of ${type} must be`);
      }
    }
  });
});

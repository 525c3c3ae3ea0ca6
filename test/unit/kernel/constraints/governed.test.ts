import { table } from "./harness.ts";

const cost = (units: number | bigint) => ({ cost: { units } });

// This release has no intents, approvals or attestations: what needs one does not hold, whatever the arguments claim.
table("governed_intent_required", [[undefined, { governed_intent: { id: "x" } }, false]]);
table("seller_exact", [["acme", { seller: "acme" }, false]]);
table("max_transaction_amount_usd", [["100.00", { amount_usd: "25.00" }, false]]);
table("require_dual_approval", [
  [false, {}, true],
  [true, { approvals: ["a", "b"] }, false],
]);
table("minimum_runtime_assurance", [
  ["none", {}, true],
  ["basic", {}, false],
  ["attested", { runtime: "attested" }, false],
  ["verified", {}, false],
]);
table("minimum_autonomy_tier", [
  ["direct", {}, true],
  ["delegated", {}, false],
  ["autonomous", { autonomy_tier: "autonomous" }, false],
]);
table("content_review_tier", [
  ["none", {}, true],
  ["basic", {}, false],
  ["strict", { reviewed: true }, false],
]);
table("require_approval_above", [
  [{ threshold_units: 100 }, {}, true, cost(100)],
  [{ threshold_units: 100 }, {}, false, cost(101)],
  [{ threshold_units: 0 }, {}, true, cost(0)],
  // An unknown cost may be above it.
  [{ threshold_units: 100 }, {}, false],
  [{ threshold_units: 2n ** 60n }, {}, true, cost(2n ** 60n)],
]);

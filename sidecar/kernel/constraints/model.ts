import { isObject, isStringArray } from "../../wire/fields.ts";
import type { Json } from "../../wire/json.ts";
import type { ConstraintCheck } from "./subject.ts";

const TIERS = ["low", "standard", "high", "restricted"];

/**
 * `model_constraint {allowed_model_ids, min_safety_tier?}` against the model that the call says it comes from. That statement is the caller's
 * own: the constraint routes honest agents, it does not stop a lying one.
 */
export function modelConstraint(value: Json | undefined): ConstraintCheck {
  const ids = isObject(value) ? value.allowed_model_ids : undefined;
  const tier = isObject(value) ? (value.min_safety_tier ?? null) : undefined;
  const minimum = tier === null ? -1 : TIERS.indexOf(tier as string);
  if (!isStringArray(ids) || (tier !== null && minimum < 0)) return () => "model_constraint has no usable requirement";
  if (ids.length === 0 && tier === null) return () => null;
  return (subject) => {
    const model = subject.modelMetadata;
    if (model === undefined) return "model_constraint: the call does not name its model";
    if (ids.length > 0 && !ids.includes(model.model_id as string)) return "model_constraint: the model is not on the list";
    return TIERS.indexOf((model.safety_tier ?? "") as string) >= minimum || minimum < 0
      ? null
      : "model_constraint: the model's safety tier is too low";
  };
}

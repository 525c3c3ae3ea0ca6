import { WireError } from "./errors.ts";
import { FieldReader, isObject, isStringArray, isU64 } from "./fields.ts";
import type { Json } from "./json.ts";
import type { Constraint } from "./types.ts";

interface ConstraintShape {
  /** For the error message. */
  readonly expected: string;
  readonly valid: (value: Json | undefined) => boolean;
}

const STRING: ConstraintShape = { expected: "a non-empty string", valid: (value) => typeof value === "string" && value !== "" };
const INTEGER: ConstraintShape = { expected: "a whole number of 64 bits", valid: isU64 };
const STRINGS: ConstraintShape = { expected: "an array of strings", valid: isStringArray };

function oneOf(...values: string[]): ConstraintShape {
  return { expected: `one of ${values.join(", ")}`, valid: (value) => typeof value === "string" && values.includes(value) };
}

const SAFETY_TIERS = ["low", "standard", "high", "restricted"];

const SHAPES = {
  path_prefix: STRING,
  domain_exact: STRING,
  domain_glob: STRING,
  regex_match: STRING,
  max_length: INTEGER,
  max_args_size: INTEGER,
  governed_intent_required: { expected: "no value", valid: (value) => value === undefined },
  require_approval_above: {
    expected: "an object {threshold_units}",
    valid: (value) => isObject(value) && Object.keys(value).length === 1 && isU64(value.threshold_units),
  },
  seller_exact: STRING,
  minimum_runtime_assurance: oneOf("none", "basic", "attested", "verified"),
  minimum_autonomy_tier: oneOf("direct", "delegated", "autonomous"),
  custom: { expected: "an array of two strings [key, value]", valid: (value) => isStringArray(value) && value.length === 2 },
  table_allowlist: STRINGS,
  column_denylist: STRINGS,
  max_rows_returned: INTEGER,
  operation_class: oneOf("read_only", "read_write", "admin"),
  audience_allowlist: STRINGS,
  content_review_tier: oneOf("none", "basic", "strict"),
  max_transaction_amount_usd: {
    expected: "a decimal amount as a string",
    valid: (value) => typeof value === "string" && /^\d{1,18}(\.\d{1,18})?$/.test(value),
  },
  require_dual_approval: { expected: "a boolean", valid: (value) => typeof value === "boolean" },
  model_constraint: {
    expected: "an object {allowed_model_ids, min_safety_tier?}",
    valid: (value) =>
      isObject(value) &&
      Object.keys(value).every((key) => key === "allowed_model_ids" || key === "min_safety_tier") &&
      isStringArray(value.allowed_model_ids) &&
      (value.min_safety_tier === undefined || (typeof value.min_safety_tier === "string" && SAFETY_TIERS.includes(value.min_safety_tier))),
  },
  memory_store_allowlist: STRINGS,
  memory_write_deny_patterns: STRINGS,
} as const satisfies Record<string, ConstraintShape>;

export type ConstraintType = keyof typeof SHAPES;

/** Every constraint type that a token may carry. Any other refuses the whole token. */
export const KNOWN_CONSTRAINTS: ReadonlySet<string> = new Set(Object.keys(SHAPES));

const FIELDS: ReadonlySet<string> = new Set(["type", "value"]);

/** Reads `{"type", "value"?}`; the value must have the shape that its type asks for. */
export function parseConstraint(value: Json | undefined, path: string): Constraint {
  const reader = new FieldReader(value, path, "invalid_constraint").only(FIELDS);
  const type = reader.string("type");
  if (!KNOWN_CONSTRAINTS.has(type)) {
    throw new WireError(
      "unknown_constraint",
      `${path}.type ${JSON.stringify(type.slice(0, 60).toWellFormed())} is not a known constraint type`,
      {
        fix: "issue the capability with constraints that this version enforces",
      },
    );
  }
  const shape: ConstraintShape = SHAPES[type as ConstraintType];
  const content = reader.get("value");
  if (!shape.valid(content)) throw new WireError("invalid_constraint", `${path}.value of ${type} must be ${shape.expected}`);
  return content === undefined ? { type } : { type, value: content };
}

import { isStringArray } from "../../wire/fields.ts";
import type { Json } from "../../wire/json.ts";
import { type ConstraintCheck, valuesUnder } from "./subject.ts";

const AUDIENCE_KEYS = new Set(["recipient", "recipients", "audience", "to", "cc", "bcc", "channel", "channels"]);

/** `audience_allowlist`: everybody the arguments address is on the list, and somebody is addressed. */
export function audienceAllowlist(value: Json | undefined): ConstraintCheck {
  return allowlist("audience_allowlist", value, AUDIENCE_KEYS, "recipient");
}

/** Every string under one of `keys` is on the list in `value`. `what` is named where none is found. */
export function allowlist(type: string, value: Json | undefined, keys: ReadonlySet<string>, what: string): ConstraintCheck {
  if (!isStringArray(value)) return () => `${type} has no usable list`;
  const allowed = new Set(value);
  return (subject) => {
    const found = valuesUnder(subject.arguments, keys);
    if (found === "absent") return `${type}: the call names no ${what}`;
    if (found === "mistyped") return `${type}: a ${what} is not a text`;
    return found.every((item) => allowed.has(item)) ? null : `${type}: a ${what} is not on the list`;
  };
}

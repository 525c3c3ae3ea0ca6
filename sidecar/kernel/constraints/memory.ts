import { isStringArray } from "../../wire/fields.ts";
import type { Json } from "../../wire/json.ts";
import { allowlist } from "./audience.ts";
import { compilePattern } from "./pattern.ts";
import { type ConstraintCheck, stringLeaves } from "./subject.ts";

const STORE_KEYS = new Set(["store", "memory_store", "collection", "namespace", "index"]);

/** `memory_store_allowlist`: every memory store that the arguments name is on the list, and one is named. */
export function memoryStoreAllowlist(value: Json | undefined): ConstraintCheck {
  return allowlist("memory_store_allowlist", value, STORE_KEYS, "memory store");
}

/** `memory_write_deny_patterns`: no string of the call matches any pattern. A request body is bytes that nobody has read, so it does not hold. */
export function memoryWriteDenyPatterns(value: Json | undefined): ConstraintCheck {
  const patterns = isStringArray(value) ? value.map(compilePattern) : [null];
  if (patterns.includes(null)) return () => "memory_write_deny_patterns has an unusable pattern";
  return (subject) => {
    if (subject.bodyLength !== 0) return "memory_write_deny_patterns: the body is not readable";
    const leaves = stringLeaves(subject);
    const clean = patterns.every((pattern) => leaves.every((leaf) => !pattern!.test(leaf.value)));
    return clean ? null : "memory_write_deny_patterns: a text matches";
  };
}

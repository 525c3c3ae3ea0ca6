import type { Json } from "../../wire/json.ts";
import { compilePattern } from "./pattern.ts";
import { argumentsSize, type ConstraintCheck, type ConstraintSubject, stringLeaves, valuesUnder } from "./subject.ts";

/**
 * `regex_match`: the pattern matches every string of the arguments, and there is at least one. Every, not any: a decoy argument must not
 * satisfy the constraint for the one that matters. For an HTTP request it is the raw path that must match.
 */
export function regexMatch(value: Json | undefined): ConstraintCheck {
  const regex = compilePattern(value);
  if (regex === null) return () => "regex_match has no usable pattern";
  return (subject) => {
    const texts = subject.kind === "http" ? pathOnly(subject) : stringLeaves(subject).map((leaf) => leaf.value);
    if (texts.length === 0) return "regex_match: the call has no text to match";
    return texts.every((text) => regex.test(text)) ? null : "regex_match: a text does not match";
  };
}

function pathOnly(subject: ConstraintSubject): string[] {
  return subject.path === undefined ? [] : [subject.path];
}

/** `max_length`: no string of the call is longer, in bytes of UTF-8. A request body counts as one string. */
export function maxLength(value: Json | undefined): ConstraintCheck {
  const limit = wholeNumber(value);
  if (limit === null) return () => "max_length has no usable limit";
  return (subject) => {
    if (subject.bodyLength === undefined) return "max_length: the length of the body is not known";
    if (subject.bodyLength > limit) return "max_length: the body is longer";
    return stringLeaves(subject).every((leaf) => Buffer.byteLength(leaf.value) <= limit) ? null : "max_length: a text is longer";
  };
}

/** `max_args_size`: canonical arguments plus request body are no larger, in bytes. */
export function maxArgsSize(value: Json | undefined): ConstraintCheck {
  const limit = wholeNumber(value);
  if (limit === null) return () => "max_args_size has no usable limit";
  return (subject) => {
    const size = argumentsSize(subject);
    if (size === undefined) return "max_args_size: the length of the body is not known";
    return size <= limit ? null : "max_args_size: the arguments are larger";
  };
}

/** `custom [key, value]`: the arguments hold the key, and hold nothing but this value under it. */
export function custom(value: Json | undefined): ConstraintCheck {
  if (!Array.isArray(value) || value.length !== 2 || typeof value[0] !== "string" || typeof value[1] !== "string") {
    return () => "custom has no usable key and value";
  }
  const [key, expected] = value as [string, string];
  const keys = new Set([key.toLowerCase()]);
  return (subject) => {
    const found = valuesUnder(subject.arguments, keys);
    if (found === "absent") return "custom: the call does not carry the key";
    return found !== "mistyped" && found.every((text) => text === expected) ? null : "custom: the call carries another value";
  };
}

/** Whole numbers from 0 on; null for anything else. */
export function wholeNumber(value: Json | undefined): number | null {
  if (typeof value === "bigint") return value >= 0n ? Number(value) : null;
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

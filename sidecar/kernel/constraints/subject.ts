import { canonicalBytes } from "../../wire/canonical.ts";
import type { Json, JsonObject } from "../../wire/json.ts";

/** A string somewhere in the arguments, with the object key that it sits under. */
export interface Leaf {
  key: string | undefined;
  value: string;
}

/**
 * What constraints are evaluated against: the arguments of a tool call or prompt, or the parts of an HTTP request. For an HTTP request the
 * arguments are its query; its path and its body are kept apart, because a constraint on paths means the request's own path, and a body is
 * bytes that nobody here has interpreted.
 */
export interface ConstraintSubject {
  kind: "tool" | "http";
  arguments: Json;
  /** Raw request path, still percent-encoded; only for `http`. */
  path: string | undefined;
  /** Bytes of the request body; undefined when there is a body whose length is not known here. */
  bodyLength: number | undefined;
  /** Known cost of the call in minor units; undefined when nobody declared one. */
  costUnits: bigint | undefined;
  modelMetadata: JsonObject | undefined;
  resolvePath: ((path: string) => string | null) | undefined;
}

/** null: the constraint holds. Otherwise why not, without any value of the call. What cannot be evaluated does not hold. */
export type ConstraintCheck = (subject: ConstraintSubject) => string | null;

/** Strings of the subject that are data of the caller: arguments of a tool, or path and query of a request. */
export function stringLeaves(subject: ConstraintSubject): Leaf[] {
  const leaves: Leaf[] = [];
  if (subject.path !== undefined) leaves.push({ key: "path", value: subject.path });
  collect(subject.arguments, undefined, leaves);
  return leaves;
}

function collect(value: Json, key: string | undefined, out: Leaf[]): void {
  if (typeof value === "string") out.push({ key, value });
  else if (Array.isArray(value)) for (const item of value) collect(item, key, out);
  else if (typeof value === "object" && value !== null) for (const name of Object.keys(value)) collect(value[name]!, name, out);
}

/**
 * Every string under one of the keys (lower-case), anywhere in the arguments. `absent` when no such key exists, `mistyped` when one holds
 * something other than strings or arrays of them.
 */
export function valuesUnder(value: Json, keys: ReadonlySet<string>): string[] | "absent" | "mistyped" {
  const found: string[] = [];
  const state = { seen: false, mistyped: false };
  walk(value, keys, found, state);
  if (state.mistyped) return "mistyped";
  return state.seen ? found : "absent";
}

function walk(value: Json, keys: ReadonlySet<string>, found: string[], state: { seen: boolean; mistyped: boolean }): void {
  if (Array.isArray(value)) {
    for (const item of value) walk(item, keys, found, state);
  } else if (typeof value === "object" && value !== null) {
    for (const name of Object.keys(value)) {
      if (keys.has(name.toLowerCase())) {
        state.seen = true;
        const before = found.length;
        if (!strings(value[name]!, found) || found.length === before) state.mistyped = true;
      } else walk(value[name]!, keys, found, state);
    }
  }
}

function strings(value: Json, found: string[]): boolean {
  if (typeof value === "string") {
    found.push(value);
    return true;
  }
  return Array.isArray(value) && value.every((item) => strings(item, found));
}

/** Bytes of the canonical arguments, plus the body of a request. undefined when the body's length is not known. */
export function argumentsSize(subject: ConstraintSubject): number | undefined {
  if (subject.bodyLength === undefined) return undefined;
  return canonicalBytes(subject.arguments).length + subject.bodyLength;
}

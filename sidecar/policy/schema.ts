import * as v from "valibot";
import type { Json, JsonObject } from "../wire/json.ts";
import { formatPath, type PathKey, type SourceDocument } from "./document.ts";
import type { PolicyProblem } from "./errors.ts";
import { nearest } from "./nearest.ts";

/**
 * Checks a document (or the part of it at `base`) against a valibot schema. Every problem comes back with its place; unknown keys are problems
 * wherever the schema is an object with entries. `value` is set when there is no problem.
 */
export function checkSchema<T extends v.GenericSchema>(
  schema: T,
  document: SourceDocument,
  base: readonly PathKey[] = [],
  value: Json = document.value,
): { value?: v.InferOutput<T>; problems: PolicyProblem[] } {
  const problems: PolicyProblem[] = [];
  unknownKeys(schema, value, base, document, problems);
  const result = v.safeParse(schema, value);
  if (!result.success) for (const issue of result.issues) problems.push(describeIssue(issue, base, document));
  return problems.length === 0 && result.success ? { value: result.output, problems } : { problems };
}

/** The members of the mapping at `path` that no problem was found in: what further checks can rely on. */
export function soundMembers(document: SourceDocument, path: readonly string[], problems: readonly PolicyProblem[]): JsonObject {
  let value: Json = document.value;
  for (const key of path) value = isMapping(value) && Object.hasOwn(value, key) ? (value[key] ?? null) : null;
  if (!isMapping(value)) return {};
  const faulty = problems.filter((problem) => problem.origin === document.origin).map((problem) => problem.path);
  const sound = Object.entries(value).filter(([key]) => {
    const place = formatPath([...path, key]);
    return !faulty.some((other) => other === place || other.startsWith(`${place}.`) || other.startsWith(`${place}[`));
  });
  return Object.fromEntries(sound);
}

function isMapping(value: Json): value is JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

/** valibot's strict objects stop at the first unknown key; this reports them all. */
function unknownKeys(
  schema: v.GenericSchema,
  value: Json,
  path: readonly PathKey[],
  document: SourceDocument,
  problems: PolicyProblem[],
): void {
  const inner = unwrap(schema);
  if (value === null || typeof value !== "object") return;
  if (Array.isArray(value)) {
    const item = member(inner, "item");
    if (item !== undefined)
      for (const [index, element] of value.entries()) unknownKeys(item, element, [...path, index], document, problems);
    return;
  }
  const entries = (inner as { entries?: Record<string, v.GenericSchema> }).entries;
  if (entries === undefined) return;
  for (const [key, element] of Object.entries(value)) {
    const known = Object.hasOwn(entries, key) ? entries[key] : undefined;
    if (known !== undefined) unknownKeys(known, element, [...path, key], document, problems);
    else {
      const meant = nearest(key, Object.keys(entries));
      const fix = meant === undefined ? `known keys: ${Object.keys(entries).join(", ")}` : `did you mean "${meant}"?`;
      problems.push(document.problem("document_unknown_key", [...path, key], `unknown key "${key}"`, { fix, at: "key" }));
    }
  }
}

function unwrap(schema: v.GenericSchema): v.GenericSchema {
  const wrapped = member(schema, "wrapped") ?? (schema as { pipe?: readonly v.GenericSchema[] }).pipe?.[0];
  return wrapped === undefined || wrapped === schema ? schema : unwrap(wrapped);
}

function member(schema: v.GenericSchema, name: "item" | "wrapped"): v.GenericSchema | undefined {
  return (schema as { item?: v.GenericSchema; wrapped?: v.GenericSchema })[name];
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: "a string",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a mapping",
};

function describeIssue(issue: v.BaseIssue<unknown>, base: readonly PathKey[], document: SourceDocument): PolicyProblem {
  const path = [...base, ...(issue.path ?? []).map((item) => item.key as PathKey)];
  const name = typeof path.at(-1) === "string" ? path.at(-1) : undefined;
  if (issue.received === "undefined" && name !== undefined) {
    return document.problem("document_missing_key", path.slice(0, -1), `key "${name}" is missing`);
  }
  if (issue.type === "picklist") {
    const known = [...(issue.expected ?? "").matchAll(/"([^"]*)"/g)].map((match) => match[1] ?? "");
    const given = typeof issue.input === "string" ? `, not "${issue.input.slice(0, 60)}"` : "";
    const meant = typeof issue.input === "string" ? nearest(issue.input, known) : undefined;
    const fix = meant === undefined ? {} : { fix: `did you mean "${meant}"?` };
    return document.problem("document_wrong_value", path, `must be one of ${known.join(", ")}${given}`, fix);
  }
  const expected = TYPE_NAMES[issue.type];
  const message = expected === undefined ? issue.message : `must be ${expected}, not ${typeName(issue.input)}`;
  return document.problem("document_wrong_value", path, message);
}

function typeName(value: unknown): string {
  if (value === null) return "empty";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "string" && /^(yes|no|on|off)$/i.test(value)) return `the word ${value}`;
  return TYPE_NAMES[typeof value === "bigint" ? "number" : typeof value] ?? typeof value;
}

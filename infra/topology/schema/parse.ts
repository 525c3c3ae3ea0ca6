import * as v from "valibot";
import { type InputIssue, TopologyInputError } from "../errors.ts";
import { type ParsedProps, propsSchema } from "./props.ts";

/** One step into the input: a property or a list index. */
export type PathStep = string | number;

export interface SchemaIssue {
  readonly path: readonly PathStep[];
  readonly message: string;
  /** The key itself is wrong, not its value. */
  readonly atKey: boolean;
}

/** Checks the whole input. Either the typed props, or every issue at once. */
export function checkProps(input: unknown): { props: ParsedProps } | { issues: SchemaIssue[] } {
  const reserved = reservedKeys(input, [], new Set());
  if (reserved.length > 0) return { issues: reserved };
  const result = v.safeParse(propsSchema, input);
  if (result.success) return { props: result.output };
  const issues = result.issues.map(toIssue);
  // A list in place of an object is wrong once, not once for each of its items.
  return {
    issues: issues.filter(
      (one, index) =>
        issues.findIndex((other) => formatPath(other.path) === formatPath(one.path) && other.message === one.message) === index,
    ),
  };
}

/** A key that plain objects cannot hold safely; the validator would pass over it without a word. */
function reservedKeys(value: unknown, path: readonly PathStep[], seen: Set<object>): SchemaIssue[] {
  if (value === null || typeof value !== "object" || seen.has(value)) return [];
  seen.add(value);
  return Object.keys(value).flatMap((key): SchemaIssue[] => {
    const at = [...path, Array.isArray(value) ? Number(key) : key];
    if (key === "__proto__") return [{ path: at, message: "is a name that is reserved by the language", atKey: true }];
    return reservedKeys((value as Record<string, unknown>)[key], at, seen);
  });
}

function toIssue(issue: v.BaseIssue<unknown>): SchemaIssue {
  const items = issue.path ?? [];
  const path = items.map((item) => item.key as PathStep);
  // A list counts as an object to the validator, which then complains of its keys. A value that is no object at all it tells as that.
  if (issue.type === "strict_object" && issue.expected !== "Object" && Array.isArray(items.at(-1)?.input))
    return { path: path.slice(0, -1), message: "must be an object, not a list", atKey: false };
  return { path, message: issue.message, atKey: issue.expected === "never" };
}

/** As `checkProps`, but throws `TopologyInputError`. */
export function parseProps(input: unknown): ParsedProps {
  const result = checkProps(input);
  if ("props" in result) return result.props;
  throw new TopologyInputError(result.issues.map((issue): InputIssue => ({ path: formatPath(issue.path), message: issue.message })));
}

/** `containers[0].env.NAME`; names that are no identifiers are quoted. */
export function formatPath(path: readonly PathStep[]): string {
  return path
    .map((step, index) => {
      if (typeof step === "number") return `[${step}]`;
      if (!/^[A-Za-z_$][\w$-]*$/.test(step)) return `[${JSON.stringify(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join("");
}

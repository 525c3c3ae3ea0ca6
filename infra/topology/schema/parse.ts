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
  const result = v.safeParse(propsSchema, input);
  if (result.success) return { props: result.output };
  return {
    issues: result.issues.map((issue) => ({
      path: (issue.path ?? []).map((item) => item.key as PathStep),
      message: issue.message,
      atKey: issue.expected === "never",
    })),
  };
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

import type { Severity } from "../topology/types.ts";

/** A finding that only a document can have: the model's own input is typed. */
export interface DocumentRule {
  readonly code: string;
  readonly title: string;
  readonly severity: Severity;
  readonly why: string;
  readonly fix: string;
}

export const OWN_RULES: readonly DocumentRule[] = [
  {
    code: "CHIO-DOCUMENT-VALUE",
    title: "A value has no form that the platform or the sidecar takes",
    severity: "error",
    why: "The deployment is refused, or the sidecar fails closed at start. What hangs on the value could not be checked.",
    fix: "write a value of the form that the message names",
  },
];

export function posturesLink(code: string): string {
  return `docs/verify.md#${code.toLowerCase()}`;
}

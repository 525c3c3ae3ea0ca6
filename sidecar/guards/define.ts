import type { Action, Guard, GuardVerdict } from "./types.ts";

/** A guard that denies a malformed action before anything else: what could not be read cannot be judged. */
export function defineGuard(name: string, check: Guard["check"]): Guard {
  return { name, check: (input) => (input.action.kind === "malformed" ? malformedVerdict(input.action) : check(input)) };
}

export function malformedVerdict(action: Extract<Action, { kind: "malformed" }>): GuardVerdict {
  return { allow: false, details: `malformed action: ${action.reason}` };
}

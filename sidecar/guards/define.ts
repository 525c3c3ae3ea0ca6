import type { Guard } from "./types.ts";

/** A guard that denies a malformed action before anything else: what could not be read cannot be judged. */
export function defineGuard(name: string, check: Guard["check"]): Guard {
  return {
    name,
    check: (input) =>
      input.action.kind === "malformed" ? { allow: false, details: `malformed action: ${input.action.reason}` } : check(input),
  };
}

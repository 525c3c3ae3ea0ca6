import { PolicyError } from "../policy/errors.ts";

/** For settings that were not compiled from a policy file, which would have said where the fault is. */
export function unusable(path: string, message: string): PolicyError {
  return new PolicyError("policy_invalid", "guard settings", [
    { code: "policy_bad_pattern", origin: "guard settings", path, line: 0, column: 0, message },
  ]);
}

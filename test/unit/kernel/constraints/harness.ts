import { describe, expect, it } from "vitest";
import { decide } from "../../../../sidecar/kernel/decide.ts";
import type { Call } from "../../../../sidecar/kernel/types.ts";
import type { Json } from "../../../../sidecar/wire/json.ts";
import { constrained, context, grant, type HttpOptions, httpCall, issue, toolCall } from "../support.ts";

/** Through the whole of `decide`: is a tool call with these arguments allowed under the constraint? */
export function allows(
  type: string,
  value: Json | undefined,
  args: Json,
  overrides: Partial<Call> = {},
  resolvePath?: (path: string) => string | null,
): boolean {
  const token = constrained(value === undefined ? { type } : { type, value });
  const decision = decide(toolCall(token, args, overrides), context(resolvePath === undefined ? {} : { resolvePath }));
  if (!decision.allow) expect(["constraint_violated", "approval_required"]).toContain(decision.reasonCode);
  return decision.allow;
}

/** The same for an HTTP request. */
export function allowsHttp(type: string, value: Json | undefined, options: HttpOptions): boolean {
  const pattern = options.pattern ?? "/files/{name}";
  const constraint = value === undefined ? { type } : { type, value };
  const token = issue({ grants: [grant("http", `${options.method ?? "POST"} ${pattern}`, { constraints: [constraint] })] });
  return decide(httpCall(token, { ...options, pattern }), context()).allow;
}

/** One test for each line of a table: what holds, and what does not. */
export function table(
  type: string,
  rows: readonly [value: Json | undefined, args: Json, holds: boolean, overrides?: Partial<Call>][],
): void {
  describe(type, () => {
    it.each(rows.map(([value, args, holds, overrides]) => ({ value, args, holds, overrides })))(
      "$value with $args: $holds",
      ({ value, args, holds, overrides }) => {
        expect(allows(type, value, args, overrides ?? {})).toBe(holds);
      },
    );
  });
}

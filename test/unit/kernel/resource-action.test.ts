import { expect, it } from "vitest";
import type { Guard } from "../../../sidecar/guards/types.ts";
import { decide } from "../../../sidecar/kernel/decide.ts";
import { context, issue, toolCall } from "./support.ts";

it.each([
  ["file:///etc/passwd", "file_access"],
  ["file:///a%2fb", "malformed"],
  ["https://example.com/x", "network_egress"],
  ["https://a@b@c/", "malformed"],
  ["note://1", "mcp_tool"],
  // A URL parser strips what stands before the scheme and inside it.
  [" file:///etc/passwd", "malformed"],
  ["fi\nle:///etc/passwd", "malformed"],
  ["file:///etc/passwd\t", "malformed"],
  // Without a scheme it is a path.
  ["/etc/passwd", "file_access"],
  ["../etc/passwd", "file_access"],
  ["C:\\secret.txt", "file_access"],
])("guards see resource %s as %s", (uri, kind) => {
  let seen = "";
  const spy: Guard = {
    name: "spy",
    check(input) {
      seen = input.action.kind;
      return { allow: true };
    },
  };
  const token = issue({ resource_grants: [{ uri_pattern: "*", operations: ["read"] }] });
  const { tool: _tool, ...call } = toolCall(token);
  const decision = decide({ ...call, resource: { uri, operation: "read" } }, context({ guards: [spy] }));
  // A malformed action is denied before any guard sees it.
  if (kind === "malformed") expect(decision.reasonCode).toBe("guard_denied");
  else expect(seen).toBe(kind);
});

import { describe, expect, test } from "vitest";
import { mcpToolGuard } from "../../../sidecar/guards/mcp-tool.ts";
import type { Json } from "../../../sidecar/wire/json.ts";
import { httpRequest, toolCall } from "./input.ts";

const OPEN = { allow: [], block: [], default: "allow", max_args_size: 1 << 20 } as const;
const allows = (
  settings: Parameters<typeof mcpToolGuard>[0],
  tool: string,
  args: Json = { path: "/a", url: "https://x.com", command: "ls" },
) => mcpToolGuard(settings).check(toolCall(tool, args)).allow;

describe("lists", () => {
  test("the block list holds for every tool, in any letter case", () => {
    const settings = { ...OPEN, allow: [], block: ["run_command", "crm_*"] };
    for (const tool of ["run_command", "Run_Command", "crm_delete", "CRM_DELETE"])
      expect([tool, allows(settings, tool)]).toEqual([tool, false]);
    for (const tool of ["run_commands", "crm", "read_file", "anything"]) expect([tool, allows(settings, tool)]).toEqual([tool, true]);
  });

  test("an allow list is exclusive, for file, shell and network tools as well", () => {
    const settings = { ...OPEN, allow: ["search", "crm_*"], block: [] };
    for (const tool of ["search", "crm_read"]) expect([tool, allows(settings, tool)]).toEqual([tool, true]);
    for (const tool of ["read_file", "bash", "fetch", "other", "Search", "search2", ""])
      expect([tool, allows(settings, tool)]).toEqual([tool, false]);
  });

  test("the block list beats the allow list, and both beat the default", () => {
    const settings = { ...OPEN, allow: ["a", "b"], block: ["b"], default: "block" as const };
    expect(["a", "b", "c"].map((tool) => allows(settings, tool))).toEqual([true, false, false]);
    expect(allows({ ...OPEN, allow: [], block: [], default: "block" }, "a")).toBe(false);
  });
});

describe("size of the arguments, in bytes of canonical JSON", () => {
  const settings = { ...OPEN, allow: [], block: [], max_args_size: 12 };
  test.each<[Json, boolean]>([
    [{ a: "123456" }, false],
    [{ a: "1234" }, true],
    [{ a: "\u00e9\u00e9" }, true],
    [{ a: "\u00e9\u00e9\u00e9" }, false],
    [12345678901234567890n, false],
    [null, true],
  ])("case %#", (args, expected) => expect(allows(settings, "crm_search", args)).toBe(expected));

  test("arguments without a canonical form are an error, which the pipeline denies", () => {
    expect(() => allows(settings, "crm_search", { a: "\ud800" })).toThrow();
  });
});

describe("HTTP requests", () => {
  const guard = mcpToolGuard({ ...OPEN, allow: ["listPets"], block: ["DELETE /pets/*"], default: "block", max_args_size: 4 });
  const check = (toolName: string) => guard.check(httpRequest("x".repeat(100), { toolName, arguments: { a: "12345" } })).allow;

  test("an operation is listed by its operationId", () => {
    expect(check("listPets")).toBe(true);
    expect(check("deletePet")).toBe(false);
  });

  test("an operation without one is a matter of routes and capabilities, unless it is blocked by method and path", () => {
    expect(check("GET /healthz")).toBe(true);
    expect(check("DELETE /pets/{id}")).toBe(false);
  });
});

test("details say why", () => {
  const guard = mcpToolGuard({ ...OPEN, allow: ["a"], block: ["b*"], max_args_size: 3 });
  expect(guard.check(toolCall("bb", {})).details).toBe("tool bb is blocked by b*");
  expect(guard.check(toolCall("c", {})).details).toBe("tool c is not on the allow list");
  expect(guard.check(toolCall("a", { b: 1 })).details).toBe("arguments are 7 bytes of canonical JSON; the limit is 3");
});

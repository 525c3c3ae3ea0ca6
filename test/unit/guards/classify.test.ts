import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { classifyToolCall, isKnownTool } from "../../../sidecar/guards/classify.ts";
import { snakeCase } from "../../../sidecar/guards/tool-names.ts";
import type { Json } from "../../../sidecar/wire/json.ts";

const MALFORMED = { kind: "malformed", reason: expect.any(String) };

describe("the table", () => {
  test.each<[string, Json, object]>([
    ["http_request", { url: "https://Example.COM/api" }, { kind: "network_egress", host: "example.com", port: 443 }],
    ["FETCH", { uri: "http://localhost:8080/x" }, { kind: "network_egress", host: "localhost", port: 8080 }],
    ["curl", { url: "//169.254.169.254/latest" }, { kind: "network_egress", host: "169.254.169.254", port: 443 }],
    ["web_request", { url: "x" }, MALFORMED],
    ["request", {}, MALFORMED],
    ["http", { url: { host: "x.com" }, uri: "https://ok.example" }, MALFORMED],
    ["read_file", { path: "/etc/shadow" }, { kind: "file_access", path: "/etc/shadow" }],
    ["my-server:read_file", { file_path: "/a" }, { kind: "file_access", path: "/a" }],
    ["cat", { filename: "a" }, { kind: "file_access", path: "a" }],
    ["list_directory", { path: "/a" }, { kind: "file_access", path: "/a" }],
    ["fs_stat_path", { path: "/a" }, { kind: "file_access", path: "/a" }],
    ["read_file", { path: 42, file: "/a" }, MALFORMED],
    ["read_file", {}, MALFORMED],
    ["read_file", "/etc/shadow", MALFORMED],
    ["read_file", ["/etc/shadow"], MALFORMED],
    ["read_file", null, MALFORMED],
    ["write_file", { path: "/a", content: "x" }, { kind: "file_write", path: "/a", content: "x" }],
    ["write_file", { path: "/a", content: { bytes: "x" } }, MALFORMED],
    ["delete_file", { path: "/a" }, { kind: "file_write", path: "/a" }],
    ["edit", { file: "/a" }, { kind: "file_write", path: "/a" }],
    ["fs_append", { path: "/a" }, { kind: "file_write", path: "/a" }],
    ["filesystem", { path: "/a" }, { kind: "file_access", path: "/a" }],
    ["filesystem", { path: "/a", action: "Delete" }, { kind: "file_write", path: "/a" }],
    ["fs", { path: "/a", content: "x" }, { kind: "file_write", path: "/a", content: "x" }],
    ["file", { path: "/a", action: ["write"] }, MALFORMED],
    ["fs_anything", { path: "/a" }, { kind: "file_access", path: "/a" }],
    ["apply_patch", { path: "/a", patch: "+x" }, { kind: "patch", path: "/a", diff: "+x" }],
    ["apply_diff", { path: "/a" }, MALFORMED],
    ["bash", { command: "ls" }, { kind: "shell_command", command: "ls" }],
    ["terminal", { input: "ls" }, { kind: "shell_command", command: "ls" }],
    ["shell", { command: ["rm"], cmd: "ls" }, MALFORMED],
    ["run", {}, MALFORMED],
    ["python", { code: "1" }, { kind: "code_execution", language: "python", code: "1" }],
    ["eval", { source: "1", lang: "js" }, { kind: "code_execution", language: "js", code: "1" }],
    ["repl", { input: "1" }, { kind: "code_execution", language: "javascript", code: "1" }],
    ["eval", { code: "1", language: ["js"] }, MALFORMED],
    ["browser_navigate", { url: "https://x.com" }, { kind: "browser_action", verb: "browser_navigate", target: "https://x.com" }],
    ["click", { selector: "#a", verb: "press" }, { kind: "browser_action", verb: "press", target: "#a" }],
    ["screenshot", {}, { kind: "browser_action", verb: "screenshot" }],
    ["browser", { action: ["click"] }, MALFORMED],
    ["postgres", { query: "select 1" }, { kind: "database_query", query: "select 1", database: "postgres" }],
    ["sql", { sql: "select 1", db: "main" }, { kind: "database_query", query: "select 1", database: "main" }],
    ["redis", {}, MALFORMED],
    ["remember", { key: "k", collection: "c" }, { kind: "memory_write", store: "c", id: "k" }],
    ["vector_query", {}, { kind: "memory_read", store: "vector_query" }],
    ["vector_upsert", { collection: ["x"] }, MALFORMED],
    ["slack_send", { endpoint: "chat" }, { kind: "external_api_call", service: "slack", endpoint: "chat" }],
    ["github_", {}, { kind: "mcp_tool", tool: "github_" }],
    ["crm_search", { path: "/etc/shadow" }, { kind: "mcp_tool", tool: "crm_search" }],
    ["", {}, { kind: "mcp_tool", tool: "" }],
    ["constructor", {}, { kind: "mcp_tool", tool: "constructor" }],
    ["__proto__", {}, { kind: "mcp_tool", tool: "__proto__" }],
  ])("%s %j", (tool, args, action) => expect(classifyToolCall(tool, args)).toEqual(action));

  test("an inherited property is no argument", () => {
    expect(classifyToolCall("read_file", Object.create({ path: "/a" }) as Json)).toEqual(MALFORMED);
  });
});

describe("other spellings of a name", () => {
  test.each<[string, Json, object]>([
    ["readFile", { path: "/etc/shadow" }, { kind: "file_access", path: "/etc/shadow" }],
    ["ReadFile", { path: "/etc/shadow" }, { kind: "file_access", path: "/etc/shadow" }],
    ["web-request", { url: "http://10.0.0.1" }, { kind: "network_egress", host: "10.0.0.1", port: 80 }],
    ["runCommand", { cmd: "ls" }, { kind: "shell_command", command: "ls" }],
    ["webRequest", { url: ["x"] }, MALFORMED],
    // Not held to the table: with these arguments it does not read a file that anybody could name.
    ["getFile", { id: 3 }, { kind: "mcp_tool", tool: "getFile" }],
  ])("%s %j", (tool, args, action) => expect(classifyToolCall(tool, args)).toEqual(action));

  test.each([
    ["readFile", "read_file"],
    ["HTTPRequest", "http_request"],
    ["read-file", "read_file"],
    ["  Read File!", "read_file"],
    ["v2Query", "v2_query"],
  ])("%s is %s", (name, words) => expect(snakeCase(name)).toBe(words));

  test("isKnownTool knows the table in every spelling, and nothing else", () => {
    for (const name of ["read_file", "readFile", "fetch", "bash", "SQL", "apply_patch", "screenshot", "recall", "stripe_charge"]) {
      expect([name, isKnownTool(name)]).toEqual([name, true]);
    }
    for (const name of ["listPets", "crm_search", "health", ""]) expect([name, isKnownTool(name)]).toEqual([name, false]);
  });
});

test("every call has an action, whatever its arguments", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.constantFrom("read_file", "fetch", "bash", "sql", "browser", "fs")),
      fc.jsonValue(),
      (tool, args) => {
        const action = classifyToolCall(tool, args as Json);
        if (action.kind === "file_access") expect(typeof action.path).toBe("string");
        expect(action.kind).not.toBe("http_request");
      },
    ),
  );
});

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { classifyHttpCall, type HttpCall } from "../../../sidecar/guards/http.ts";
import { buildGuards, runGuards } from "../../../sidecar/guards/pipeline.ts";
import { defaultPolicy } from "../../../sidecar/policy/load.ts";
import { loadOpenApi } from "../../../sidecar/policy/openapi/index.ts";
import type { HttpMethod } from "../../../sidecar/policy/types.ts";
import { sha256Hex } from "../../../sidecar/wire/hash.ts";

const routes = loadOpenApi(
  `openapi: "3.1.0"
info: {title: t, version: "1"}
paths:
  /read: {post: {operationId: read_file}, get: {operationId: readFile}}
  /read/{path}: {get: {operationId: readText, x-chio-tool: read_file}}
  /proxy: {post: {operationId: p, x-chio-tool: fetch}}
  /files: {post: {operationId: createFile}, put: {operationId: putFile, x-chio-tool: false}}
  /pets/{id}: {get: {operationId: getPet}, delete: {}}
  /custom: {post: {operationId: c, x-chio-tool: crm_search}}
`,
  "s",
);

function call(method: HttpMethod, path: string, options: { query?: Record<string, string>; body?: string; kept?: boolean } = {}): HttpCall {
  const { query = {}, body, kept = true } = options;
  const match = routes.match(method, path);
  const bodyHash = body === undefined ? null : sha256Hex(body);
  const base = { method, route: match.route, pattern: match.pattern, path, query, bodyHash };
  return body === undefined || !kept ? base : { ...base, body: Buffer.from(body) };
}

const action = (...args: Parameters<typeof call>) => classifyHttpCall(call(...args)).action;
const MALFORMED = { kind: "malformed", reason: expect.any(String) };

describe("an operation that is a tool", () => {
  test("has its arguments from path, query and body", () => {
    expect(classifyHttpCall(call("POST", "/read", { body: '{"path":"/etc/shadow"}' }))).toEqual({
      toolName: "read_file",
      action: { kind: "file_access", path: "/etc/shadow" },
      arguments: { path: "/etc/shadow" },
    });
    expect(action("GET", "/read", { query: { path: "/etc/shadow" } })).toEqual({ kind: "file_access", path: "/etc/shadow" });
    expect(action("GET", "/read/%2e%2e%20x")).toEqual({ kind: "file_access", path: ".. x" });
    expect(action("POST", "/proxy", { body: '{"url":"http://169.254.169.254/"}' })).toEqual({
      kind: "network_egress",
      host: "169.254.169.254",
      port: 80,
    });
    expect(action("POST", "/custom", { body: "[1]" })).toEqual({ kind: "mcp_tool", tool: "crm_search" });
    expect(classifyHttpCall(call("POST", "/custom", { body: "[1]" })).arguments).toEqual({ body: [1] });
  });

  test("is malformed when one argument has two values: nobody knows which one the app reads", () => {
    expect(action("POST", "/read", { query: { path: "/tmp/ok" }, body: '{"path":"/etc/shadow"}' })).toEqual(MALFORMED);
    expect(action("POST", "/read", { query: { path: "/tmp/ok" }, body: '{"path":"/tmp/ok"}' })).toEqual({
      kind: "file_access",
      path: "/tmp/ok",
    });
    expect(action("GET", "/read/a", { query: { path: "b" } })).toEqual(MALFORMED);
  });

  test.each([
    "path=/etc/shadow",
    "{",
    '{"path":"/tmp/ok","path":"/etc/shadow"}',
    "\ufeff{}",
    "<path>/etc/shadow</path>",
    '{"path":"\\ud800"}',
  ])("is malformed when the body cannot be read one way only: %j", (body) => expect(action("POST", "/read", { body })).toEqual(MALFORMED));

  test("is malformed when the body was not kept", () => {
    expect(action("POST", "/read", { body: '{"path":"/tmp/ok"}', kept: false })).toEqual(MALFORMED);
  });

  test("is malformed when an argument has the wrong type", () => {
    expect(action("POST", "/read", { body: '{"path":["/etc/shadow"]}' })).toEqual(MALFORMED);
  });
});

describe("a name that is only a hint", () => {
  test("makes no tool of an operation without the tool's argument", () => {
    expect(action("POST", "/read", { body: '{"id":3}' })).toEqual({ kind: "http_request" });
    expect(action("POST", "/read")).toEqual({ kind: "http_request" });
    expect(action("POST", "/files", { body: '{"name":"x"}' })).toEqual({ kind: "http_request" });
  });

  test("is held to it when it was declared", () => {
    expect(action("POST", "/proxy", { body: '{"id":3}' })).toEqual(MALFORMED);
    expect(action("POST", "/proxy")).toEqual(MALFORMED);
  });

  test("x-chio-tool: false leaves the body alone", () => {
    expect(action("PUT", "/files", { body: "not json" })).toEqual({ kind: "http_request" });
    expect(action("POST", "/files", { body: "not json" })).toEqual(MALFORMED);
  });
});

describe("an operation that is no tool", () => {
  test("keeps its name, for tool rules", () => {
    expect(classifyHttpCall(call("GET", "/pets/7", { query: { full: "1" } }))).toEqual({
      toolName: "getPet",
      action: { kind: "http_request" },
      arguments: { full: "1", id: "7" },
    });
    expect(classifyHttpCall(call("DELETE", "/pets/7")).toolName).toBe("DELETE /pets/{id}");
    expect(classifyHttpCall(call("POST", "/unknown")).toolName).toBe("POST /unknown");
  });

  test("never has its body parsed", () => {
    const body = Buffer.from("{");
    expect(classifyHttpCall({ ...call("GET", "/pets/7"), body, bodyHash: sha256Hex(body) }).action).toEqual({ kind: "http_request" });
  });
});

test("the default policy refuses a bad one and lets a good one through", () => {
  const guards = buildGuards(defaultPolicy());
  const decide = (body: string) => {
    const http = call("POST", "/read", { body });
    const request = { method: "POST", routePattern: http.pattern, path: http.path, query: {}, body: Buffer.from(body) };
    return runGuards(guards, { ...classifyHttpCall(http), toolServer: "http", agentId: "a", now: 0, http: request });
  };
  expect(decide('{"path":"/srv/notes.txt"}').allow).toBe(true);
  expect(decide('{"path":"/etc/shadow"}')).toMatchObject({ allow: false, guard: "forbidden-path" });
  const readme = readFileSync(new URL("../../fixtures/openapi/pets.yaml", import.meta.url), "utf8");
  expect(decide(JSON.stringify({ path: "/srv/x", note: readme })).allow).toBe(true);
});

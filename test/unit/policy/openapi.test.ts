import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { PolicyError } from "../../../sidecar/policy/errors.ts";
import { type LoadOpenApiOptions, loadOpenApi, toManifest } from "../../../sidecar/policy/openapi/index.ts";
import type { HttpMethod } from "../../../sidecar/policy/types.ts";
import { sha256Hex } from "../../../sidecar/wire/hash.ts";

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/openapi/${name}`, import.meta.url), "utf8");
const pets = (options?: LoadOpenApiOptions) => loadOpenApi(fixture("pets.yaml"), "pets.yaml", options);

/** A document of these paths, and nothing else. */
const withPaths = (paths: string) => `openapi: "3.0.0"\ninfo: {title: t, version: "1"}\npaths:\n${paths}`;

function refusal(text: string): PolicyError {
  try {
    loadOpenApi(text, "spec.yaml");
  } catch (error) {
    if (error instanceof PolicyError) return error;
    throw error;
  }
  throw new Error("the document was accepted");
}

describe("routes", () => {
  test("come in document order with their settings", () => {
    const table = pets();
    expect([table.title, table.version, table.sourceHash]).toEqual(["Pet shop", "1.2.3", sha256Hex(fixture("pets.yaml"))]);
    expect(table.routes.map(({ method, pattern, policy }) => `${method} ${pattern} ${policy}`)).toEqual([
      "GET /healthz session_allow",
      "GET /pets session_allow",
      "POST /pets deny_by_default",
      "GET /pets/mine deny_by_default",
      "GET /pets/{id} deny_by_default",
      "PUT /pets/{id} deny_by_default",
      "DELETE /pets/{id} deny_by_default",
      "GET /admin deny_by_default",
      "POST /admin deny_by_default",
      "GET /stream deny_by_default",
      "GET /files/{name}.{ext} deny_by_default",
      "POST /files/{name}.{ext} deny_by_default",
      "PATCH /files/{name}.{ext} deny_by_default",
    ]);
    expect(table.routes[6]).toEqual({
      method: "DELETE",
      pattern: "/pets/{id}",
      operationId: "deletePet",
      policy: "deny_by_default",
      approvalRequired: true,
      sensitivity: "restricted",
      publish: true,
      websocket: false,
      tool: { name: "deletePet", declared: false },
    });
    expect(table.routes[2]?.budgetLimit).toBe(500);
    expect(table.routes[8]?.publish).toBe(false);
    expect(table.routes[9]?.websocket).toBe(true);
    expect(table.routes.slice(10).map(({ tool }) => tool)).toEqual([
      { name: "read_file", declared: false },
      { name: "write_file", declared: true },
      undefined,
    ]);
  });

  test("a server below a path is worth a notice", () => {
    expect(pets().notices).toEqual(["pets.yaml names a server below /v1; requests are matched against the paths alone, without /v1"]);
    expect(loadOpenApi(withPaths("  {}"), "s").notices).toEqual(["s declares no operation: every path is unknown"]);
  });

  test("a route streams its body only where it says so", () => {
    const { routes } = loadOpenApi(withPaths("  /a: {post: {x-chio-stream-body: true}, put: {x-chio-stream-body: false}}\n"), "s");
    expect(routes.map(({ streamBody }) => streamBody)).toEqual([true, undefined]);
  });

  test("JSON makes the same routes", () => {
    const json = JSON.stringify({ openapi: "3.0.3", info: {}, paths: { "/a/{b}": { get: { "x-chio-side-effects": false } } } });
    const table = loadOpenApi(json, "s.json");
    expect([table.title, table.version]).toEqual(["Untitled API", "0.0.0"]);
    expect(table.match("GET", "/a/1")).toEqual({ pattern: "/a/{b}", policy: "session_allow", route: table.routes[0] });
  });

  test.each<[string, string, "session_allow" | "deny_by_default", "session_allow" | "deny_by_default"]>([
    ["get", "{}", "deny_by_default", "session_allow"],
    ["head", "{}", "deny_by_default", "session_allow"],
    ["options", "{}", "deny_by_default", "session_allow"],
    ["post", "{}", "deny_by_default", "deny_by_default"],
    ["get", "{x-chio-side-effects: true}", "deny_by_default", "deny_by_default"],
    ["post", "{x-chio-side-effects: false}", "session_allow", "session_allow"],
    ["post", "{x-chio-sensitivity: public}", "session_allow", "session_allow"],
    ["get", "{x-chio-sensitivity: public, x-chio-side-effects: true}", "deny_by_default", "deny_by_default"],
    ["get", "{x-chio-sensitivity: internal}", "deny_by_default", "session_allow"],
    ["get", "{x-chio-approval-required: true}", "deny_by_default", "deny_by_default"],
    [
      "get",
      "{x-chio-approval-required: true, x-chio-side-effects: false, x-chio-sensitivity: public}",
      "deny_by_default",
      "deny_by_default",
    ],
    ["get", "{x-chio-approval-required: false, x-chio-sensitivity: public}", "session_allow", "session_allow"],
  ])("%s %s: %s by our default, %s by upstream's", (method, operation, strict, upstream) => {
    const text = withPaths(`  /a: {${method}: ${operation}}\n`);
    const name = method.toUpperCase() as HttpMethod;
    expect(loadOpenApi(text, "s").match(name, "/a").policy).toBe(strict);
    expect(loadOpenApi(text, "s", { safeMethods: "session_allow" }).match(name, "/a").policy).toBe(upstream);
  });
});

describe("problems", () => {
  test("all of them, each with its place", () => {
    const text = fixture("bad.yaml");
    try {
      loadOpenApi(text, "bad.yaml");
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(PolicyError);
      expect((error as PolicyError).code).toBe("openapi_invalid");
      expect(`${(error as PolicyError).message}\n`).toBe(fixture("bad.txt"));
    }
  });

  test.each([
    ["", "is not a mapping with openapi, info and paths"],
    ["[]", "is not a mapping with openapi, info and paths"],
    ["{}", 'key "openapi" is missing'],
    ["openapi: 3.1\ninfo: {}\npaths: {}\n", 'openapi: must be a string (write it as "3.1.0")'],
    ['swagger: "2.0"\ninfo: {}\npaths: {}\n', "is Swagger 2, which is not supported (convert it to OpenAPI 3)"],
    ['openapi: "2.0"\ninfo: {}\npaths: {}\n', 'version "2.0" is not OpenAPI 3'],
    ['openapi: "3.0.0"\npaths: {}\n', 'key "info" is missing'],
    ['openapi: "3.0.0"\ninfo: {}\n', 'key "paths" is missing'],
    ['openapi: "3.0.0"\ninfo: {}\npaths: []\n', "paths: must be a mapping of paths"],
    [withPaths("  x-chio-publish: false\n"), 'paths.x-chio-publish: extension "x-chio-publish" has no effect here'],
    [withPaths("  /a: {get: {$ref: '#/components/x'}}\n"), "must be an operation"],
    [withPaths("  /a: {post: {x-chio-stream-body: 1}}\n"), 'paths["/a"].post.x-chio-stream-body: must be true or false'],
    [
      withPaths("  /a: {post: {x-chio-stream-body: true, x-chio-tool: read_file}}\n"),
      "the guards read the arguments of x-chio-tool from the body",
    ],
    [withPaths("  /a: {get: {X-Chio-Publish: false}}\n"), 'unknown extension "X-Chio-Publish" (did you mean "x-chio-publish"?)'],
  ])("%j", (text, message) => expect(refusal(text).message).toContain(message));

  test("what is wrong with the head does not hide what is wrong with the paths", () => {
    expect(refusal("paths: {a: {}}\n").problems.map(({ message }) => message)).toEqual([
      'key "openapi" is missing',
      'key "info" is missing',
      "path must begin with /",
    ]);
  });
});

describe("ambiguous routes", () => {
  test.each([
    [
      "  /p/{id}: {get: {x-chio-side-effects: false}}\n  /p/mine: {get: {}}\n",
      "GET never matches, because /p/{id} stands before it",
      "put it before /p/{id}",
    ],
    ["  /p/{id}: {get: {x-chio-approval-required: true}}\n  /p/{name}: {get: {}}\n", "GET never matches", "put it before /p/{id}"],
    [
      "  /{a}/q: {get: {}}\n  /p/{b}: {get: {x-chio-side-effects: false}}\n",
      "GET matches requests that /{a}/q matches, too",
      "give both the same",
    ],
    ["  /{a}: {get: {}}\n  /x: {get: {x-chio-tool: read_file}}\n", "GET never matches", "put it before /{a}"],
    [
      "  /{a}.json: {get: {}}\n  /x.{b}: {get: {x-chio-websocket: true}}\n",
      "GET matches requests that /{a}.json matches, too",
      "give both the same",
    ],
  ])("%j", (paths, message, fix) => {
    const { problems } = refusal(withPaths(paths));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code: "openapi_ambiguous_route", line: 5, column: 3 });
    expect(problems[0]?.message).toContain(message);
    expect(problems[0]?.fix).toContain(fix);
  });

  test.each([
    "  /p/mine: {get: {}}\n  /p/{id}: {get: {x-chio-side-effects: false}}\n",
    "  /p/{id}: {get: {}}\n  /p/mine: {get: {}}\n",
    "  /p/{id}: {get: {x-chio-side-effects: false}}\n  /p/mine: {post: {}}\n",
    "  /p/{id}: {get: {x-chio-side-effects: false}}\n  /q/mine: {get: {}}\n",
    "  /p/{id}: {get: {x-chio-side-effects: false}}\n  /p/mine/x: {get: {}}\n",
    "  /{a}.json: {get: {x-chio-side-effects: false}}\n  /x: {get: {}}\n",
  ])("%j is clear", (paths) => expect(loadOpenApi(withPaths(paths), "s").routes).toHaveLength(2));
});

describe("tools", () => {
  const tools = new Map(
    pets()
      .tools()
      .map((tool) => [tool.name, tool]),
  );

  test("one for each published operation, by operationId or method and path", () => {
    expect([...tools.keys()]).toEqual([
      "health",
      "listPets",
      "createPet",
      "myPets",
      "getPet",
      "putPet",
      "deletePet",
      "GET /admin",
      "stream",
      "read_file",
      "uploadFile",
      "createFile",
    ]);
  });

  test("schemas from parameters, body and response, with references written out", () => {
    expect(tools.get("listPets")).toEqual({
      name: "listPets",
      description: "Lists pets",
      input_schema: { type: "object", properties: { limit: { type: "integer" } }, required: ["limit"] },
      output_schema: { type: "array", items: { type: "object", properties: { name: { type: "string" }, parent: {} } } },
      has_side_effects: false,
      latency_hint: "fast",
      annotations: { read_only: true, destructive: false, idempotent: true, requires_approval: false },
    });
    expect(tools.get("createPet")?.input_schema).toEqual({
      type: "object",
      properties: { limit: { type: "string" }, body: { type: "object", properties: { name: { type: "string" }, parent: {} } } },
      required: ["body"],
    });
    expect(tools.get("createPet")?.output_schema).toBeUndefined();
    expect(tools.get("getPet")?.input_schema).toEqual({
      type: "object",
      properties: { id: { type: "string", format: "uuid" } },
      required: ["id"],
    });
    expect(tools.get("deletePet")?.annotations).toEqual({ read_only: false, destructive: true, idempotent: true, requires_approval: true });
    expect(tools.get("putPet")?.annotations).toMatchObject({ idempotent: true, destructive: false });
    expect(tools.get("GET /admin")?.has_side_effects).toBe(true);
  });

  test("a manifest has the fields of chio.manifest.v1 and no more", () => {
    const manifest = toManifest(pets(), { serverId: "pets", publicKey: "ab".repeat(32), description: "All about pets" });
    expect(Object.keys(manifest)).toEqual([
      "schema",
      "server_id",
      "name",
      "description",
      "version",
      "tools",
      "required_permissions",
      "public_key",
    ]);
    expect(manifest.schema).toBe("chio.manifest.v1");
    expect(Object.keys(manifest.tools[0] ?? {})).toEqual(["name", "description", "input_schema", "has_side_effects", "latency_hint"]);
  });

  test("schemas that refer to one another end", () => {
    const schemas = Array.from(
      { length: 30 },
      (_, i) => `S${i}: {properties: {a: {$ref: "#/components/schemas/S${i + 1}"}, b: {$ref: "#/components/schemas/S${i + 1}"}}}`,
    );
    const text = `${withPaths('  /a: {post: {requestBody: {content: {x: {schema: {$ref: "#/components/schemas/S0"}}}}}}\n')}components: {schemas: {${schemas.join(", ")}, S30: {}}}\n`;
    const start = performance.now();
    expect(loadOpenApi(text, "s").tools()).toHaveLength(1);
    expect(performance.now() - start).toBeLessThan(15_000);
  });
});

import { sha256Hex } from "../../wire/hash.ts";
import type { JsonObject } from "../../wire/json.ts";
import { OPENAPI_LIMITS, type PathKey, readDocument, type SourceDocument } from "../document.ts";
import { PolicyError, type PolicyProblem } from "../errors.ts";
import { nearest } from "../nearest.ts";
import { parsePathTemplate, type TemplateSegment } from "../path-template.ts";
import type { HttpMethod, RoutePolicy } from "../types.ts";
import { ambiguousPairs } from "./ambiguity.ts";
import { misplacedExtensions, readOperation } from "./operation.ts";
import { isObject, isProblem, resolveReference } from "./references.ts";
import { buildRouteTable, type CompiledRoute, methodPolicy } from "./route-table.ts";
import { deriveTools, type OpenApiTable, type OperationSource } from "./tools.ts";

export interface LoadOpenApiOptions {
  /** Policy of GET, HEAD and OPTIONS where the document says nothing. Default `deny_by_default`; `session_allow` is upstream's default. */
  safeMethods?: RoutePolicy;
}

const METHODS: readonly HttpMethod[] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const PATH_ITEM_KEYS = [...METHODS.map((method) => method.toLowerCase()), "trace", "query", "additionalOperations"];
const PATH_ITEM_FIELDS = ["$ref", "summary", "description", "servers", "parameters"];

/**
 * Reads an OpenAPI 3 document, YAML or JSON, into the routes that the proxy enforces. Paths are matched as they are written: `servers` is not
 * looked at. Throws PolicyError (`openapi_invalid`) with every problem at once.
 */
export function loadOpenApi(text: string, origin: string, options: LoadOpenApiOptions = {}): OpenApiTable {
  const safeMethods = options.safeMethods ?? "deny_by_default";
  const document = readDocument(text, origin, OPENAPI_LIMITS);
  const problems: PolicyProblem[] = [];
  const head = readHead(document, problems);
  const operations = new PathsReader(document, safeMethods, problems).read();
  if (problems.length === 0) problems.push(...describeAmbiguities(document, operations));
  if (problems.length > 0) throw new PolicyError("openapi_invalid", origin, problems);
  const notices = [
    ...basePathNotices(document),
    ...(operations.length === 0 ? [`${origin} declares no operation: every path is unknown`] : []),
  ];
  const table = buildRouteTable(operations, { ...head, sourceHash: sha256Hex(text), notices }, safeMethods);
  return { ...table, tools: () => deriveTools(document, operations) };
}

interface Operation extends CompiledRoute, OperationSource {
  at: readonly PathKey[];
}

function readHead(document: SourceDocument, problems: PolicyProblem[]): { title: string; version: string } {
  const root = document.value;
  const head = { title: "Untitled API", version: "0.0.0" };
  if (!isObject(root)) {
    problems.push(document.problem("document_wrong_value", [], "is not a mapping with openapi, info and paths"));
    return head;
  }
  problems.push(...misplacedExtensions(document, root, []));
  const version = root.openapi;
  if (version === undefined && root.swagger !== undefined) {
    const fix = "convert it to OpenAPI 3";
    problems.push(document.problem("document_unsupported_version", ["swagger"], "is Swagger 2, which is not supported", { fix }));
  } else if (version === undefined) problems.push(document.problem("document_missing_key", [], `key "openapi" is missing`));
  else if (typeof version !== "string")
    problems.push(document.problem("document_wrong_value", ["openapi"], `must be a string`, { fix: 'write it as "3.1.0"' }));
  else if (!/^3\./.test(version))
    problems.push(document.problem("document_unsupported_version", ["openapi"], `version "${version}" is not OpenAPI 3`));
  const info = root.info;
  if (info === undefined) problems.push(document.problem("document_missing_key", [], `key "info" is missing`));
  else if (!isObject(info)) problems.push(document.problem("document_wrong_value", ["info"], "must be a mapping"));
  else {
    if (typeof info.title === "string") head.title = info.title;
    if (typeof info.version === "string" || typeof info.version === "number") head.version = String(info.version);
  }
  if (root.paths === undefined) problems.push(document.problem("document_missing_key", [], `key "paths" is missing`));
  else if (!isObject(root.paths)) problems.push(document.problem("document_wrong_value", ["paths"], "must be a mapping of paths"));
  return head;
}

class PathsReader {
  readonly #document: SourceDocument;
  readonly #safeMethods: RoutePolicy;
  readonly #problems: PolicyProblem[];
  readonly #operations: Operation[] = [];
  readonly #ids = new Map<string, string>();

  constructor(document: SourceDocument, safeMethods: RoutePolicy, problems: PolicyProblem[]) {
    this.#document = document;
    this.#safeMethods = safeMethods;
    this.#problems = problems;
  }

  read(): Operation[] {
    const root = this.#document.value;
    const paths = isObject(root) ? root.paths : undefined;
    if (!isObject(paths)) return [];
    this.#problems.push(...misplacedExtensions(this.#document, paths, ["paths"]));
    for (const [pattern, item] of Object.entries(paths)) {
      if (pattern.startsWith("x-")) continue;
      const at = ["paths", pattern];
      const segments = parsePathTemplate(pattern);
      if (typeof segments === "string") {
        this.#problems.push(this.#document.problem("openapi_bad_path", at, `path ${segments}`, { at: "key" }));
      } else if (!isObject(item)) {
        this.#problems.push(this.#document.problem("document_wrong_value", at, "must be a mapping of operations"));
      } else this.#pathItem(pattern, segments, item, at);
    }
    return this.#operations;
  }

  #pathItem(pattern: string, segments: TemplateSegment[], item: JsonObject, at: readonly PathKey[]): void {
    const resolved = resolveReference(this.#document, item, at);
    if (isProblem(resolved)) {
      this.#problems.push(resolved);
      return;
    }
    if (resolved.value !== item && Object.keys(item).some((key) => PATH_ITEM_KEYS.includes(key))) {
      this.#problems.push(
        this.#document.problem("openapi_bad_reference", [...at, "$ref"], "stands beside operations", { fix: "keep one of them" }),
      );
    }
    this.#problems.push(...misplacedExtensions(this.#document, resolved.value, resolved.path));
    this.#problems.push(...unknownPathItemKeys(this.#document, resolved.value, resolved.path));
    // In the order of the document, which is the order of matching.
    for (const [key, operation] of Object.entries(resolved.value)) {
      const method = METHODS.find((candidate) => candidate.toLowerCase() === key);
      if (method === undefined) continue;
      const operationPath = [...resolved.path, key];
      if (!isObject(operation) || Object.hasOwn(operation, "$ref")) {
        this.#problems.push(this.#document.problem("document_wrong_value", operationPath, "must be an operation"));
        continue;
      }
      const place = { method, pattern, methodPolicy: methodPolicy(method, this.#safeMethods) };
      const route = readOperation(this.#document, operation, operationPath, place, this.#problems);
      this.#checkId(route.operationId, `${method} ${pattern}`, operationPath);
      this.#operations.push({ route, segments, operation, pathItem: resolved.value, at });
    }
  }

  #checkId(operationId: string | undefined, name: string, path: readonly PathKey[]): void {
    if (operationId === undefined) return;
    const owner = this.#ids.get(operationId);
    if (owner === undefined) this.#ids.set(operationId, name);
    else {
      const message = `operationId "${operationId}" already belongs to ${owner}`;
      this.#problems.push(this.#document.problem("document_wrong_value", [...path, "operationId"], message, { fix: "each needs its own" }));
    }
  }
}

function unknownPathItemKeys(document: SourceDocument, item: JsonObject, path: readonly PathKey[]): PolicyProblem[] {
  return Object.keys(item)
    .filter((key) => !key.startsWith("x-") && !PATH_ITEM_KEYS.includes(key) && !PATH_ITEM_FIELDS.includes(key))
    .map((key) => {
      const meant = nearest(key, [...PATH_ITEM_KEYS, ...PATH_ITEM_FIELDS]);
      const fix = meant === undefined ? "methods are written in lower case" : `did you mean "${meant}"?`;
      return document.problem("document_unknown_key", [...path, key], `unknown key "${key}"`, { fix, at: "key" });
    });
}

function describeAmbiguities(document: SourceDocument, operations: readonly Operation[]): PolicyProblem[] {
  return ambiguousPairs(operations).map(({ first, second, shadowed }) => {
    const [a, b] = [operations[first] as Operation, operations[second] as Operation];
    const method = a.route.method;
    const message = shadowed
      ? `${method} never matches, because ${a.route.pattern} stands before it with other x-chio settings`
      : `${method} matches requests that ${a.route.pattern} matches, too, with other x-chio settings`;
    const fix = shadowed && a.route.pattern !== b.route.pattern ? `put it before ${a.route.pattern}` : "give both the same x-chio settings";
    return document.problem("openapi_ambiguous_route", b.at, message, { fix, at: "key" });
  });
}

/** Paths are matched as the app receives them. A server URL with a path is the usual reason why none of them does. */
function basePathNotices(document: SourceDocument): string[] {
  const servers = (document.value as JsonObject).servers;
  if (!Array.isArray(servers)) return [];
  const paths = servers.flatMap((server) => {
    const url = isObject(server) ? server.url : undefined;
    const path = typeof url === "string" ? /^(?:[a-z][a-z0-9+.-]*:)?(?:\/\/[^/]*)?(\/.*)$/i.exec(url)?.[1] : undefined;
    return path === undefined || path === "/" ? [] : [path];
  });
  return [...new Set(paths)].map(
    (path) => `${document.origin} names a server below ${path}; requests are matched against the paths alone, without ${path}`,
  );
}

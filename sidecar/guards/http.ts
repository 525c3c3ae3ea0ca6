import { pathParameters } from "../policy/path-template.ts";
import type { Route } from "../policy/types.ts";
import { ChioError } from "../wire/errors.ts";
import type { Json, JsonObject } from "../wire/json.ts";
import { parseJson } from "../wire/parse.ts";
import { classifyDeclared, classifySpelling, classifyToolCall, isKnownTool } from "./classify.ts";
import type { Action } from "./types.ts";

/** What a guard has to know of a plain HTTP request. */
export interface HttpCall {
  method: string;
  /** The operation that the path matched, null when none did. */
  route: Route | null;
  /** The route's pattern, or the raw path. */
  pattern: string;
  /** Raw path as it will be forwarded. */
  path: string;
  query: JsonObject;
  /** Null when the request has no body. Not null and `body` absent: there is one that was not kept, and guards that need it deny. */
  bodyHash: string | null;
  body?: Uint8Array;
}

export interface ClassifiedHttpCall {
  /** The operation's tool, or `METHOD pattern`: the name that tool_access rules and manifests use. */
  toolName: string;
  action: Action;
  arguments: Json;
}

/** Classifies a proxied or evaluated HTTP request. Reads the body only where the operation is a tool that guards look into. */
export function classifyHttpCall(call: HttpCall): ClassifiedHttpCall {
  const tool = call.route?.tool;
  const toolName = tool?.name ?? `${call.method} ${call.pattern}`;
  const pathParams = call.route === null ? {} : pathParameters(call.route.pattern, call.path);
  if (tool === undefined || !(tool.declared || knownTool(call.route, tool.name))) {
    return { toolName, action: { kind: "http_request" }, arguments: { ...call.query, ...pathParams } };
  }
  const body = readBody(call);
  return { toolName, ...classifyHttpOperation({ tool, pathParams, query: call.query, ...body }) };
}

export interface HttpOperation {
  tool: { name: string; declared: boolean };
  pathParams: JsonObject;
  query: JsonObject;
  /** Parsed body; absent when there is none. */
  bodyJson?: Json;
  /** Why the body could not be read. */
  bodyProblem?: string;
}

/**
 * Classifies an HTTP operation as the tool it stands for. Its arguments are path parameters, query and JSON body together; one that stands in
 * two places with two values is malformed, because nobody knows which one the app reads. A name that comes from the operationId is a hint:
 * without the tool's argument the operation stays an `http_request`. A name declared with `x-chio-tool` is held to it.
 */
export function classifyHttpOperation(operation: HttpOperation): { action: Action; arguments: Json } {
  const { tool, pathParams, query, bodyJson, bodyProblem } = operation;
  const args: JsonObject = Object.create(null);
  const malformed = (reason: string): { action: Action; arguments: Json } => ({
    action: { kind: "malformed", reason: `operation ${tool.name}: ${reason}` },
    arguments: { ...args },
  });
  const bodyArgs = bodyJson === undefined ? {} : isObject(bodyJson) ? bodyJson : { body: bodyJson };
  for (const source of [pathParams, query, bodyArgs]) {
    for (const [key, value] of Object.entries(source)) {
      if (key in args && args[key] !== value) return malformed(`argument ${key} is given twice with two values`);
      args[key] = value;
    }
  }
  if (bodyProblem !== undefined) return malformed(bodyProblem);
  const merged = { ...args };
  if (tool.declared) return { action: classifyToolCall(tool.name, merged), arguments: merged };
  const action = classifyDeclared(tool.name, merged, "ignore") ?? classifySpelling(tool.name, merged);
  return { action: action ?? { kind: "http_request" }, arguments: merged };
}

/** Whether each route's tool is one that guards look into: the same answer for every request of that route. */
const known = new WeakMap<Route, boolean>();

function knownTool(route: Route | null, name: string): boolean {
  if (route === null) return isKnownTool(name);
  let answer = known.get(route);
  if (answer === undefined) {
    answer = isKnownTool(name);
    known.set(route, answer);
  }
  return answer;
}

function readBody(call: HttpCall): { bodyJson?: Json; bodyProblem?: string } {
  if (call.bodyHash === null && (call.body === undefined || call.body.length === 0)) return {};
  if (call.body === undefined) return { bodyProblem: "the request body was not kept for the guards" };
  if (call.body.length === 0) return {};
  try {
    return { bodyJson: parseJson(call.body) };
  } catch (error) {
    if (error instanceof ChioError) return { bodyProblem: `the request body is not JSON that can be read one way only (${error.code})` };
    throw error;
  }
}

function isObject(value: Json): value is JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

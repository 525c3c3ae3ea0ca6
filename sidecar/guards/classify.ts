import type { Json, JsonObject } from "../wire/json.ts";
import * as names from "./tool-names.ts";
import type { Action } from "./types.ts";
import { hostAndPort } from "./url-host.ts";

/**
 * What a tool call is about to do, from its name and arguments. The name is tried as it is written, in lower case; a recognised tool whose
 * argument is missing or not a string is `malformed`, and every guard denies it. A name that is only recognised after its words are split
 * (`readFile`, `web-request`) counts as that tool when it carries the tool's argument, and is an ordinary `mcp_tool` when it does not.
 */
export function classifyToolCall(toolName: string, args: Json): Action {
  return classifyDeclared(toolName, args) ?? classifySpelling(toolName, args) ?? { kind: "mcp_tool", tool: toolName };
}

/**
 * Only the table on the name as written: null for a name that it does not know. `whenMissing: "ignore"` gives null, too, for a known name
 * without its argument.
 */
export function classifyDeclared(toolName: string, args: Json, whenMissing: WhenMissing = "deny"): Action | null {
  const lower = toolName.toLowerCase();
  return classify(lower, lower.replaceAll(/[^a-z0-9]/g, "_"), args, whenMissing);
}

/** The table on the name's words, where nothing demands that the tool's argument is there: null when it is not. */
export function classifySpelling(toolName: string, args: Json): Action | null {
  const words = names.snakeCase(toolName);
  return classify(words, words, args, "ignore");
}

/** True when the name, in any spelling, makes it a tool whose arguments guards look into. */
export function isKnownTool(toolName: string): boolean {
  return classifyDeclared(toolName, {}) !== null || classifySpelling(toolName, PROBE) !== null;
}

/** Holds every argument that a recognised tool may ask for. */
const PROBE: JsonObject = { path: "/", diff: "", url: "http://probe.example", command: "", code: "", query: "" };

type WhenMissing = "deny" | "ignore";

class Malformed extends Error {}
class Missing extends Error {}

function classify(name: string, normalised: string, args: Json, whenMissing: WhenMissing): Action | null {
  const reader = new ArgumentReader(args);
  try {
    return (
      network(name, reader) ??
      file(normalised, reader) ??
      shell(name, reader) ??
      code(name, reader) ??
      browser(name, reader) ??
      database(name, reader) ??
      memory(name, reader) ??
      externalApi(name, reader)
    );
  } catch (error) {
    if (error instanceof Missing) return whenMissing === "ignore" ? null : { kind: "malformed", reason: `tool ${name}: ${error.message}` };
    if (error instanceof Malformed) return { kind: "malformed", reason: `tool ${name}: ${error.message}` };
    throw error;
  }
}

function network(name: string, args: ArgumentReader): Action | null {
  if (!names.NETWORK_TOOLS.has(name)) return null;
  const target = hostAndPort(args.required(names.URL_KEYS));
  if (target === null) throw new Malformed("url does not name one host and port without doubt");
  return { kind: "network_egress", ...target };
}

function file(name: string, args: ArgumentReader): Action | null {
  const kind = names.fileToolKind(name);
  if (kind === null) return null;
  const path = args.required(names.PATH_KEYS);
  if (kind === "patch") return { kind: "patch", path, diff: args.required(names.DIFF_KEYS) };
  const content = args.optional(["content"]);
  const verb = kind === "namespace" || kind === "read" ? args.optional(["action"]) : undefined;
  const writes = kind === "write" || content !== undefined || (verb !== undefined && names.WRITE_ACTIONS.has(verb.toLowerCase()));
  if (!writes) return { kind: "file_access", path };
  return { kind: "file_write", path, ...(content === undefined ? {} : { content }) };
}

function shell(name: string, args: ArgumentReader): Action | null {
  return names.SHELL_TOOLS.has(name) ? { kind: "shell_command", command: args.required(names.SHELL_KEYS) } : null;
}

function code(name: string, args: ArgumentReader): Action | null {
  if (!names.CODE_TOOLS.has(name)) return null;
  const text = args.required(names.CODE_KEYS);
  return { kind: "code_execution", language: args.optional(names.LANGUAGE_KEYS) ?? impliedLanguage(name), code: text };
}

function impliedLanguage(name: string): string {
  if (name === "repl") return "javascript";
  return name.includes("python") || name.includes("notebook") || name === "jupyter" ? "python" : "unknown";
}

function browser(name: string, args: ArgumentReader): Action | null {
  if (!name.startsWith("browser") && !names.BROWSER_TOOLS.has(name)) return null;
  const target = args.optional(names.BROWSER_TARGET_KEYS);
  const verb = args.optional(names.BROWSER_VERB_KEYS) ?? name;
  return { kind: "browser_action", verb, ...(target === undefined ? {} : { target }) };
}

function database(name: string, args: ArgumentReader): Action | null {
  if (!names.DATABASE_TOOLS.has(name)) return null;
  const query = args.required(names.QUERY_KEYS);
  return { kind: "database_query", query, database: args.optional(names.DATABASE_KEYS) ?? name };
}

function memory(name: string, args: ArgumentReader): Action | null {
  const write = names.MEMORY_WRITE_TOOLS.has(name);
  if (!write && !names.MEMORY_READ_TOOLS.has(name)) return null;
  const id = args.optional(names.MEMORY_ID_KEYS);
  const store = args.optional(names.STORE_KEYS) ?? name;
  return { kind: write ? "memory_write" : "memory_read", store, ...(id === undefined ? {} : { id }) };
}

function externalApi(name: string, args: ArgumentReader): Action | null {
  const service = names.apiService(name);
  return service === null ? null : { kind: "external_api_call", service, endpoint: args.optional(names.ENDPOINT_KEYS) ?? name };
}

/** Reads string arguments: of several accepted keys the first that is present counts, and it must be a string. */
class ArgumentReader {
  readonly #object: JsonObject;

  constructor(args: Json) {
    this.#object = args !== null && typeof args === "object" && !Array.isArray(args) ? args : {};
  }

  optional(keys: readonly string[]): string | undefined {
    const key = keys.find((candidate) => Object.hasOwn(this.#object, candidate));
    if (key === undefined) return undefined;
    const value = this.#object[key];
    if (typeof value !== "string") throw new Malformed(`argument ${key} is not a string`);
    return value;
  }

  required(keys: readonly string[]): string {
    const value = this.optional(keys);
    if (value === undefined) throw new Missing(`argument ${keys[0]} is missing`);
    return value;
  }
}

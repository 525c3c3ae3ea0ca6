/** Names by which tools are recognised, and the arguments that say what they act on. Source: chio guards, action classification. */

export const NETWORK_TOOLS = new Set(["http_request", "fetch", "curl", "http", "request", "web_request"]);
export const SHELL_TOOLS = new Set(["bash", "shell", "run_command", "exec", "execute", "run", "shell_exec", "terminal"]);
export const CODE_TOOLS = new Set([
  "python",
  "python_exec",
  "run_python",
  "eval",
  "evaluate",
  "code_exec",
  "exec_code",
  "run_code",
  "notebook",
  "notebook_cell",
  "repl",
  "jupyter",
  "ipython",
]);
/** Besides every name that begins with `browser`. */
export const BROWSER_TOOLS = new Set(["navigate", "goto", "click", "type", "screenshot", "playwright", "puppeteer", "selenium"]);
export const DATABASE_TOOLS = new Set([
  "sql",
  "query",
  "db_query",
  "database",
  "execute_sql",
  "run_sql",
  "postgres",
  "mysql",
  "sqlite",
  "snowflake",
  "bigquery",
  "redshift",
  "mongo",
  "mongodb",
  "redis",
]);
export const MEMORY_WRITE_TOOLS = new Set([
  "memory_write",
  "remember",
  "store_memory",
  "vector_upsert",
  "vector_write",
  "upsert",
  "pinecone_upsert",
  "weaviate_write",
  "qdrant_upsert",
]);
export const MEMORY_READ_TOOLS = new Set([
  "memory_read",
  "recall",
  "retrieve_memory",
  "vector_query",
  "vector_search",
  "similarity_search",
  "pinecone_query",
  "weaviate_search",
  "qdrant_search",
]);
const API_SERVICES = [
  "slack",
  "stripe",
  "github",
  "gitlab",
  "jira",
  "twilio",
  "sendgrid",
  "pagerduty",
  "opsgenie",
  "zendesk",
  "salesforce",
  "hubspot",
  "notion",
  "linear",
  "intercom",
];

const PATCH_NAMES = new Set(["apply_patch", "patch", "apply_diff"]);
const WRITE_NAMES = new Set(["write_file", "write", "file_write", "create_file", "put_file", "edit_file", "edit"]);
const WRITE_PARTS = ["write_file", "write_text_file", "create_file", "delete_file", "remove_file"];
const READ_NAMES = new Set(["read_file", "read", "file_read", "get_file", "cat"]);
const READ_PARTS = ["read_file", "read_text_file", "list_dir", "list_directory"];
const NAMESPACE_NAMES = new Set(["filesystem", "fs", "file"]);

export const PATH_KEYS = ["path", "file", "file_path", "filename"];
export const DIFF_KEYS = ["diff", "patch"];
export const URL_KEYS = ["url", "uri"];
export const SHELL_KEYS = ["command", "cmd", "input"];
export const CODE_KEYS = ["code", "source", "snippet", "script", "input"];
export const LANGUAGE_KEYS = ["language", "lang"];
export const BROWSER_VERB_KEYS = ["action", "verb"];
export const BROWSER_TARGET_KEYS = ["url", "target", "href", "selector"];
export const QUERY_KEYS = ["query", "sql", "statement", "command"];
export const DATABASE_KEYS = ["database", "db", "connection"];
export const STORE_KEYS = ["collection", "index", "namespace", "store"];
export const MEMORY_ID_KEYS = ["id", "key", "memory_id"];
export const ENDPOINT_KEYS = ["endpoint", "path", "action", "method"];
export const WRITE_ACTIONS = new Set(["write", "create", "append", "delete", "remove"]);

export type FileToolKind = "patch" | "write" | "read" | "namespace";

/** Kind of file tool, for a name whose non-alphanumeric characters are `_`. */
export function fileToolKind(name: string): FileToolKind | null {
  if (PATCH_NAMES.has(name) || name.includes("apply_patch")) return "patch";
  const scoped = name.startsWith("fs_");
  if (WRITE_NAMES.has(name) || containsAny(name, WRITE_PARTS)) return "write";
  if (scoped && containsAny(name, ["_write", "_create", "_append", "_delete", "_remove"])) return "write";
  if (READ_NAMES.has(name) || containsAny(name, READ_PARTS)) return "read";
  if (scoped && containsAny(name, ["_read", "_stat"])) return "read";
  return NAMESPACE_NAMES.has(name) || scoped ? "namespace" : null;
}

/** `slack` for `slack_post_message`; null for a name without a known service in front. */
export function apiService(name: string): string | null {
  for (const service of API_SERVICES) {
    if (name.length > service.length + 1 && name.startsWith(`${service}_`)) return service;
  }
  return null;
}

/** Lower-case words joined by `_`: `readFile`, `read-file` and `Read File` are all `read_file`. */
export function snakeCase(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replaceAll(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replaceAll(/^_|_$/g, "");
}

function containsAny(name: string, parts: readonly string[]): boolean {
  return parts.some((part) => name.includes(part));
}

import type { Json, JsonObject } from "../../wire/json.ts";
import type { PathKey, SourceDocument } from "../document.ts";
import type { PolicyProblem } from "../errors.ts";
import { nearest } from "../nearest.ts";
import type { HttpMethod, Route, RoutePolicy } from "../types.ts";

export const EXTENSION_KEYS = [
  "x-chio-side-effects",
  "x-chio-approval-required",
  "x-chio-sensitivity",
  "x-chio-budget-limit",
  "x-chio-publish",
  "x-chio-websocket",
  "x-chio-stream-body",
  "x-chio-tool",
];
const SENSITIVITIES = ["public", "internal", "sensitive", "restricted"] as const;

/** Reads one operation and its x-chio extensions. Problems are added to `problems`; the route is then only good for finding more of them. */
export function readOperation(
  document: SourceDocument,
  operation: JsonObject,
  path: readonly PathKey[],
  place: { method: HttpMethod; pattern: string; methodPolicy: RoutePolicy },
  problems: PolicyProblem[],
): Route {
  const reader = new ExtensionReader(document, operation, path, problems);
  reader.refuseUnknown();
  const sideEffects = reader.flag("x-chio-side-effects");
  const approvalRequired = reader.flag("x-chio-approval-required") ?? false;
  const sensitivity = reader.choice("x-chio-sensitivity", SENSITIVITIES);
  const budgetLimit = reader.budget("x-chio-budget-limit");
  const websocket = reader.flag("x-chio-websocket") ?? false;
  if (websocket && place.method !== "GET") reader.report("x-chio-websocket", "a WebSocket begins with GET; move it to the get operation");
  const operationId = reader.operationId();
  const tool = reader.tool(operationId);
  const route: Route = {
    method: place.method,
    pattern: place.pattern,
    policy: routePolicy({ sideEffects, approvalRequired, sensitivity }, place.methodPolicy),
    approvalRequired,
    sensitivity: sensitivity ?? "internal",
    publish: reader.flag("x-chio-publish") ?? true,
    websocket,
  };
  if (operationId !== undefined) route.operationId = operationId;
  if (budgetLimit !== undefined) route.budgetLimit = budgetLimit;
  if (tool !== undefined) route.tool = tool;
  if (reader.flag("x-chio-stream-body") === true) {
    route.streamBody = true;
    if (tool?.declared === true)
      reader.report("x-chio-stream-body", "the guards read the arguments of x-chio-tool from the body; leave one of the two out");
  }
  return route;
}

interface Openness {
  sideEffects: boolean | undefined;
  approvalRequired: boolean;
  sensitivity: Route["sensitivity"] | undefined;
}

/** Strongest first: approval closes, side effects close or open, a public route opens, then the method decides. */
function routePolicy({ sideEffects, approvalRequired, sensitivity }: Openness, methodPolicy: RoutePolicy): RoutePolicy {
  if (approvalRequired || sideEffects === true) return "deny_by_default";
  if (sideEffects === false || sensitivity === "public") return "session_allow";
  return methodPolicy;
}

class ExtensionReader {
  readonly #document: SourceDocument;
  readonly #operation: JsonObject;
  readonly #path: readonly PathKey[];
  readonly #problems: PolicyProblem[];

  constructor(document: SourceDocument, operation: JsonObject, path: readonly PathKey[], problems: PolicyProblem[]) {
    this.#document = document;
    this.#operation = operation;
    this.#path = path;
    this.#problems = problems;
  }

  refuseUnknown(): void {
    for (const key of Object.keys(this.#operation)) {
      if (key.toLowerCase().startsWith("x-chio") && !EXTENSION_KEYS.includes(key))
        this.#problems.push(unknownExtension(this.#document, this.#path, key));
    }
  }

  flag(key: string): boolean | undefined {
    const value = this.#get(key);
    if (value === undefined || typeof value === "boolean") return value;
    this.report(key, "must be true or false");
    return undefined;
  }

  choice<T extends string>(key: string, options: readonly T[]): T | undefined {
    const value = this.#get(key);
    const known = options.find((option) => option === value);
    if (value !== undefined && known === undefined) {
      const meant = typeof value === "string" ? nearest(value, options) : undefined;
      this.report(key, `must be one of ${options.join(", ")}`, meant === undefined ? undefined : `did you mean "${meant}"?`);
    }
    return known;
  }

  budget(key: string): number | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    this.report(key, `must be a whole number of minor units, 0 to ${Number.MAX_SAFE_INTEGER}`);
    return undefined;
  }

  operationId(): string | undefined {
    const value = this.#get("operationId");
    if (value === undefined || (typeof value === "string" && value.trim() !== "")) return value as string | undefined;
    this.report("operationId", "must be a string that is not empty");
    return undefined;
  }

  tool(operationId: string | undefined): Route["tool"] {
    const value = this.#get("x-chio-tool");
    if (value === false) return undefined;
    if (value === undefined) return operationId === undefined ? undefined : { name: operationId, declared: false };
    if (typeof value === "string" && value.trim() !== "") return { name: value, declared: true };
    this.report("x-chio-tool", "must be the name of a tool, or false");
    return undefined;
  }

  report(key: string, message: string, fix?: string): void {
    this.#problems.push(this.#document.problem("document_wrong_value", [...this.#path, key], message, fix === undefined ? {} : { fix }));
  }

  #get(key: string): Json | undefined {
    return Object.hasOwn(this.#operation, key) ? this.#operation[key] : undefined;
  }
}

function unknownExtension(document: SourceDocument, path: readonly PathKey[], key: string): PolicyProblem {
  const meant = nearest(key, EXTENSION_KEYS);
  const fix = meant === undefined ? `known extensions: ${EXTENSION_KEYS.join(", ")}` : `did you mean "${meant}"?`;
  return document.problem("document_unknown_key", [...path, key], `unknown extension "${key}"`, { fix, at: "key" });
}

/** An extension outside an operation has no effect, and whoever wrote it believes that it has one. */
export function misplacedExtensions(document: SourceDocument, value: JsonObject, path: readonly PathKey[]): PolicyProblem[] {
  return Object.keys(value)
    .filter((key) => key.toLowerCase().startsWith("x-chio"))
    .map((key) => {
      const fix = "put it on each operation that it is meant for";
      return document.problem("document_unknown_key", [...path, key], `extension "${key}" has no effect here`, { fix, at: "key" });
    });
}

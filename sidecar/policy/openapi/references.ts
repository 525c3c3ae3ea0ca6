import type { Json, JsonObject } from "../../wire/json.ts";
import type { PathKey, SourceDocument } from "../document.ts";
import type { PolicyProblem } from "../errors.ts";

const MAX_STEPS = 16;

/** What a `$ref` came to, and where that stands in the document. */
export interface Resolved {
  value: JsonObject;
  path: readonly PathKey[];
}

/**
 * Follows `$ref` until there is none. Only references into the same document (`#/…`) are followed; the reason comes back as a problem at the
 * reference otherwise.
 */
export function resolveReference(document: SourceDocument, value: JsonObject, path: readonly PathKey[]): Resolved | PolicyProblem {
  let current: Resolved = { value, path };
  for (let step = 0; Object.hasOwn(current.value, "$ref"); step += 1) {
    const at = [...current.path, "$ref"];
    const refuse = (message: string, fix?: string) =>
      document.problem("openapi_bad_reference", at, message, fix === undefined ? {} : { fix });
    const reference = current.value.$ref;
    if (typeof reference !== "string") return refuse("must be a string");
    if (!reference.startsWith("#")) return refuse(`"${reference}" points outside this document`, "bundle the document into one file");
    if (step === MAX_STEPS) return refuse(`"${reference}" leads on for more than ${MAX_STEPS} steps, or in a circle`);
    const target = followPointer(document.value, reference.slice(1));
    if (target === null) return refuse(`"${reference}" is not in this document`);
    if (!isObject(target.value)) return refuse(`"${reference}" is not a mapping`);
    current = { value: target.value, path: target.path };
  }
  return current;
}

/** RFC 6901, as a URI fragment. Null when nothing is there. */
function followPointer(root: Json, fragment: string): { value: Json; path: PathKey[] } | null {
  if (fragment === "") return { value: root, path: [] };
  if (!fragment.startsWith("/")) return null;
  let value: Json = root;
  const path: PathKey[] = [];
  for (const raw of fragment.slice(1).split("/")) {
    let token: string;
    try {
      token = decodeURIComponent(raw).replaceAll("~1", "/").replaceAll("~0", "~");
    } catch {
      return null;
    }
    if (Array.isArray(value)) {
      if (!/^(0|[1-9]\d*)$/.test(token) || Number(token) >= value.length) return null;
      path.push(Number(token));
      value = value[Number(token)] ?? null;
    } else if (isObject(value) && Object.hasOwn(value, token)) {
      path.push(token);
      value = value[token] ?? null;
    } else return null;
  }
  return { value, path };
}

export function isObject(value: Json | undefined): value is JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

export function isProblem(value: Resolved | PolicyProblem): value is PolicyProblem {
  return "code" in value;
}

import { canonicalize } from "../wire/canonical.ts";
import { sha256Hex } from "../wire/hash.ts";
import type { JsonObject } from "../wire/json.ts";
import { CHIO_POLICY_KEYS, compileChioPolicy } from "./chio-policy.ts";
import {
  DEFAULT_BLOCKED_TOOLS,
  DEFAULT_EGRESS_ALLOW,
  DEFAULT_FORBIDDEN_PATHS,
  DEFAULT_KERNEL,
  DEFAULT_MAX_ARGS_SIZE,
  DEFAULT_SECRET_SKIP_PATHS,
} from "./defaults.ts";
import { POLICY_LIMITS, readDocument, type SourceDocument } from "./document.ts";
import { PolicyError, type PolicyProblem } from "./errors.ts";
import { compileHushSpec, type MergedHushSpec, mergeHushSpec, readHushSpec } from "./hushspec.ts";
import { nearest } from "./nearest.ts";
import type { CompiledPolicy } from "./types.ts";

/** Longest chain of `extends`. */
export const MAX_EXTENDS_DEPTH = 8;

export interface LoadPolicyOptions {
  /**
   * Reads the file that `extends` names, relative to the file that names it, and says what it is called. Throws when there is none. Without this
   * callback a policy with `extends` is refused.
   */
  readRelative?: (reference: string, fromOrigin: string) => { text: string; origin: string };
}

/**
 * Compiles a policy: HushSpec (a top-level `hushspec` key) or Chio policy YAML, as YAML 1.2 or JSON. `origin` is the name that problems are reported
 * under. Throws PolicyError with every problem at once.
 */
export function loadPolicy(text: string, origin: string, options: LoadPolicyOptions = {}): CompiledPolicy {
  const document = readDocument(text, origin, POLICY_LIMITS);
  const format = detectFormat(document);
  if (format === "hushspec") return loadHushSpec(document, text, options);
  const { parts, problems } = compileChioPolicy(document);
  if (parts === undefined) throw new PolicyError("policy_invalid", origin, problems);
  return { name: origin, format: "chio", sourceHash: sha256Hex(text), ...parts };
}

/** What applies when no policy file is given: the four guards with their default settings. */
export function defaultPolicy(): CompiledPolicy {
  const guards: CompiledPolicy["guards"] = {
    forbidden_path: { patterns: [...DEFAULT_FORBIDDEN_PATHS], exceptions: [] },
    egress_allowlist: { allow: [...DEFAULT_EGRESS_ALLOW], block: [], default: "block" },
    tool_access: { allow: [], block: [...DEFAULT_BLOCKED_TOOLS], default: "allow", max_args_size: DEFAULT_MAX_ARGS_SIZE },
    secret_patterns: { patterns: [], skip_paths: [...DEFAULT_SECRET_SKIP_PATHS] },
  };
  const kernel = { ...DEFAULT_KERNEL };
  return {
    name: "built-in",
    format: "builtin",
    sourceHash: sha256Hex(canonicalize({ guards, kernel })),
    guards,
    kernel,
    defaultGrants: { tools: [] },
  };
}

function detectFormat(document: SourceDocument): "hushspec" | "chio" {
  const { value, origin } = document;
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    const message = value === null ? "is empty" : "is not a mapping of keys";
    throw new PolicyError("policy_invalid", origin, [document.problem("policy_unknown_format", [], message, { fix: FORMATS })]);
  }
  if (Object.hasOwn(value, "hushspec")) return "hushspec";
  const keys = Object.keys(value);
  const listed = Array.isArray((value as JsonObject).guards);
  if (!listed && (keys.length === 0 || keys.some((key) => CHIO_POLICY_KEYS.includes(key)))) return "chio";
  const meant = keys.find((key) => nearest(key, ["hushspec", ...CHIO_POLICY_KEYS]) !== undefined);
  const close = meant === undefined || listed ? "" : `; did you mean "${nearest(meant, ["hushspec", ...CHIO_POLICY_KEYS])}" by "${meant}"?`;
  const message = listed ? "has a list of guards, which is no policy format that chio reads" : "is no policy format that chio reads";
  const fix = Object.hasOwn(value, "rules") ? `add the line hushspec: "0.1.0"` : `${FORMATS}${close}`;
  throw new PolicyError("policy_invalid", origin, [document.problem("policy_unknown_format", listed ? ["guards"] : [], message, { fix })]);
}

const FORMATS = "write a HushSpec policy (with a top-level hushspec key) or a Chio policy (with kernel, guards and capabilities)";

function loadHushSpec(document: SourceDocument, text: string, options: LoadPolicyOptions): CompiledPolicy {
  const chain: Chain = { options, hashes: [], problems: [] };
  const merged = resolveChain(document, text, [document.origin], chain);
  const guards = compileHushSpec(merged, chain.problems);
  if (chain.problems.length > 0) throw new PolicyError("policy_invalid", document.origin, chain.problems);
  const own = chain.hashes[0] ?? "";
  return {
    name: merged.name ?? document.origin,
    format: "hushspec",
    sourceHash: chain.hashes.length === 1 ? own : sha256Hex(canonicalize(chain.hashes)),
    guards,
    kernel: { ...DEFAULT_KERNEL },
    defaultGrants: { tools: [] },
  };
}

interface Chain {
  options: LoadPolicyOptions;
  /** SHA-256 of each file, the outermost first. */
  hashes: string[];
  problems: PolicyProblem[];
}

/** Reads the document and everything that it extends. `origins` are the documents on the way here. */
function resolveChain(document: SourceDocument, text: string, origins: readonly string[], chain: Chain): MergedHushSpec {
  chain.hashes.push(sha256Hex(text));
  const spec = readHushSpec(document, chain.problems);
  const base = spec.extends === undefined ? null : readBase(document, spec.extends, origins, chain);
  return mergeHushSpec(base, spec);
}

/** What the extended document comes to; null, and a problem, when it cannot be used. */
function readBase(document: SourceDocument, reference: string, origins: readonly string[], chain: Chain): MergedHushSpec | null {
  const refuse = (message: string, fix?: string): null => {
    chain.problems.push(document.problem("policy_bad_extends", ["extends"], message, fix === undefined ? {} : { fix }));
    return null;
  };
  const { readRelative } = chain.options;
  if (readRelative === undefined) return refuse(`"${reference}" cannot be read from here`, "write the rules of both into one file");
  if (reference === "" || /^[a-z][a-z0-9+.-]*:|[\u0000-\u001f]/i.test(reference))
    return refuse("must be the path of a file beside this one");
  if (origins.length > MAX_EXTENDS_DEPTH)
    return refuse(`policies extend one another more than ${MAX_EXTENDS_DEPTH} deep: ${origins.join(" -> ")}`);
  let next: { text: string; origin: string };
  try {
    next = readRelative(reference, document.origin);
  } catch (error) {
    return refuse(`"${reference}" cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (origins.includes(next.origin)) return refuse(`policies extend one another in a circle: ${[...origins, next.origin].join(" -> ")}`);
  const base = readDocument(next.text, next.origin, POLICY_LIMITS);
  if (detectFormat(base) !== "hushspec") return refuse(`"${reference}" is a Chio policy; only HushSpec policies can be extended`);
  return resolveChain(base, next.text, [...origins, next.origin], chain);
}

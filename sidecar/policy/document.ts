import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type ParsedNode, parseDocument } from "yaml";
import { WireError } from "../wire/errors.ts";
import type { Json, JsonObject } from "../wire/json.ts";
import { parseJson } from "../wire/parse.ts";
import { PolicyError, type PolicyErrorCode, type PolicyProblem } from "./errors.ts";

export type PathKey = string | number;

/** A parsed YAML or JSON text that can still say where each of its values stands. */
export interface SourceDocument {
  readonly origin: string;
  readonly value: Json;
  /** A problem at `path`, with line and column. `at: "key"` points at the key itself instead of its value. */
  problem(
    code: PolicyErrorCode,
    path: readonly PathKey[],
    message: string,
    options?: { fix?: string; at?: "key" | "value" },
  ): PolicyProblem;
}

interface Limits {
  kind: "policy_invalid" | "openapi_invalid";
  /** Characters of source text. */
  maxChars: number;
  /** Values after aliases are expanded: what a chain of aliases can grow to. */
  maxValues: number;
}

export const POLICY_LIMITS: Limits = { kind: "policy_invalid", maxChars: 1 << 20, maxValues: 100_000 };
export const OPENAPI_LIMITS: Limits = { kind: "openapi_invalid", maxChars: 16 << 20, maxValues: 2_000_000 };
const MAX_DEPTH = 128;

/** Reads one YAML 1.2 or JSON document. Throws PolicyError with every syntax problem, duplicate keys among them. */
export function readDocument(text: string, origin: string, limits: Limits): SourceDocument {
  if (text.length > limits.maxChars) {
    throw unplaced(limits, origin, "document_too_large", `is ${text.length} characters long; the limit is ${limits.maxChars}`);
  }
  const json = readJson(text, limits);
  let tree: SyntaxTree | null = null;
  // For JSON the syntax tree is only grown when a place has to be named: reading it takes twenty times as long.
  const syntax = (): SyntaxTree => (tree ??= new SyntaxTree(text, origin, limits));
  return {
    origin,
    value: json === undefined ? syntax().value() : json,
    problem(code, path, message, options = {}) {
      let place = { line: 0, column: 0 };
      try {
        place = syntax().place(path, options.at ?? "value");
      } catch (error) {
        // JSON that the YAML reader stumbles over; the problem stands without its place.
        if (!(error instanceof PolicyError)) throw error;
      }
      return { code, origin, path: formatPath(path), ...place, message, ...(options.fix === undefined ? {} : { fix: options.fix }) };
    },
  };
}

/** The value when the text is strict JSON; undefined leaves the text, and the search for its faults, to the YAML reader. */
function readJson(text: string, limits: Limits): Json | undefined {
  if (!/^\s*\{/.test(text)) return undefined;
  try {
    return parseJson(text, { maxBytes: limits.maxChars * 3, maxDepth: MAX_DEPTH });
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

function unplaced(limits: Limits, origin: string, code: PolicyErrorCode, message: string): PolicyError {
  return new PolicyError(limits.kind, origin, [{ code, origin, path: "", line: 0, column: 0, message }]);
}

/** The YAML reader recurses: thousands of opening brackets exhaust its stack. */
function tooDeep(limits: Limits, origin: string): PolicyError {
  return unplaced(limits, origin, "document_too_large", "is nested too deeply to be read");
}

/** A parsed YAML text that knows where things stand. */
class SyntaxTree {
  readonly #document: Document.Parsed<ParsedNode>;
  readonly #origin: string;
  readonly #limits: Limits;
  readonly #lines = new LineCounter();

  constructor(text: string, origin: string, limits: Limits) {
    this.#origin = origin;
    this.#limits = limits;
    try {
      this.#document = parseDocument(text, {
        lineCounter: this.#lines,
        intAsBigInt: true,
        stringKeys: true,
        prettyErrors: false,
        version: "1.2",
      });
    } catch (cause) {
      if (cause instanceof RangeError) throw tooDeep(limits, origin);
      throw cause;
    }
    const problems = this.#syntaxProblems(text);
    if (problems.length > 0) throw new PolicyError(limits.kind, origin, problems);
  }

  value(): Json {
    return new Converter(this.#document, this.#origin, this.#limits, (offset) => this.#at(offset)).convert();
  }

  place(path: readonly PathKey[], wanted: "key" | "value"): { line: number; column: number } {
    const offset = offsetOf(this.#document, path, wanted);
    return offset === null ? { line: 0, column: 0 } : this.#at(offset);
  }

  #at(offset: number): { line: number; column: number } {
    const place = this.#lines.linePos(offset);
    return { line: place.line, column: place.col };
  }

  #syntaxProblems(text: string): PolicyProblem[] {
    if (this.#document.errors.some((error) => error.message.includes("call stack"))) throw tooDeep(this.#limits, this.#origin);
    const problems: PolicyProblem[] = [...this.#document.errors, ...this.#document.warnings].map((issue) => {
      const duplicate = issue.code === "DUPLICATE_KEY";
      const message = duplicate
        ? `key ${quoteAt(text, issue.pos)} stands twice in the same mapping`
        : syntaxMessage(issue.code, issue.message);
      const code = duplicate ? "document_duplicate_key" : "document_syntax";
      return { code, origin: this.#origin, path: "", ...this.#at(issue.pos[0]), message };
    });
    const { explicit, version } = this.#document.directives.yaml;
    if (explicit === true && version !== "1.2") {
      const place = { line: 1, column: 1 };
      problems.push({
        code: "document_syntax",
        origin: this.#origin,
        path: "",
        ...place,
        message: "asks for YAML 1.1",
        fix: "remove the %YAML line",
      });
    }
    return problems;
  }
}

/** `rules.egress.allow[0]`; keys that are not plain words are quoted. */
export function formatPath(path: readonly PathKey[]): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "number") text += `[${key}]`;
    else if (/^[\w$-]+$/.test(key)) text += text === "" ? key : `.${key}`;
    else text += `[${JSON.stringify(key)}]`;
  }
  return text;
}

/** Turns the syntax tree into plain values, counting as it goes: aliases may not multiply the document or lead back into themselves. */
class Converter {
  private values = 0;
  private readonly open = new Set<Node>();
  private readonly document: Document.Parsed<ParsedNode>;
  private readonly origin: string;
  private readonly limits: Limits;
  private readonly at: (offset: number) => { line: number; column: number };

  constructor(
    document: Document.Parsed<ParsedNode>,
    origin: string,
    limits: Limits,
    at: (offset: number) => { line: number; column: number },
  ) {
    this.document = document;
    this.origin = origin;
    this.limits = limits;
    this.at = at;
  }

  convert(): Json {
    return this.node(this.document.contents, 0);
  }

  private node(node: Node | null, depth: number): Json {
    if (node === null) return null;
    this.values += 1;
    if (this.values > this.limits.maxValues) this.fail("document_too_large", node, `expands to more than ${this.limits.maxValues} values`);
    if (depth > MAX_DEPTH) this.fail("document_too_large", node, `is nested more than ${MAX_DEPTH} levels deep`);
    if (isAlias(node)) {
      const target = node.resolve(this.document);
      if (target === undefined) this.fail("document_syntax", node, `alias *${node.source} has no anchor before it`);
      if (this.open.has(target)) this.fail("document_syntax", node, `alias *${node.source} contains itself`);
      return this.node(target, depth);
    }
    if (isScalar(node)) return this.scalar(node.value, node);
    this.open.add(node);
    let result: Json = null;
    if (isSeq(node)) result = node.items.map((item) => this.node(item as Node | null, depth + 1));
    else if (isMap(node)) {
      const object: JsonObject = {};
      for (const pair of node.items) {
        const key = isScalar(pair.key) ? String(pair.key.value) : this.fail("document_syntax", node, "has a key that is not a string");
        if (key === "<<")
          this.fail("document_syntax", pair.key as Node, "merge keys (<<) are not YAML 1.2", "repeat the keys, or use `extends`");
        // defineProperty: a plain assignment to `__proto__` would vanish instead of being refused as an unknown key.
        const value = this.node(pair.value as Node | null, depth + 1);
        Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
      }
      result = object;
    }
    this.open.delete(node);
    return result;
  }

  private scalar(value: unknown, node: Node): Json {
    if (value === null || value === undefined) return null;
    if (typeof value === "string" || typeof value === "boolean") return value;
    if (typeof value === "bigint") {
      const exact = value >= -(2n ** 63n) && value < 2n ** 64n && !Number.isSafeInteger(Number(value));
      return exact ? value : Number(value);
    }
    if (typeof value === "number" && Number.isFinite(value)) return value;
    return this.fail("document_wrong_value", node, "is not a JSON value (infinity, NaN and dates have no place here)", "quote it");
  }

  private fail(code: PolicyErrorCode, node: Node, message: string, fix?: string): never {
    const place = node.range ? this.at(node.range[0]) : { line: 0, column: 0 };
    const problem = { code, origin: this.origin, path: "", ...place, message, ...(fix === undefined ? {} : { fix }) };
    throw new PolicyError(this.limits.kind, this.origin, [problem]);
  }
}

/** Offset of what stands at `path`; of its nearest existing parent when it does not exist. */
function offsetOf(document: Document.Parsed<ParsedNode>, path: readonly PathKey[], wanted: "key" | "value"): number | null {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? null;
  for (const [index, key] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    let next: Node | null = null;
    let keyOffset: number | null = null;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) return offset;
      keyOffset = (pair.key as Node).range?.[0] ?? null;
      next = (pair.value as Node | null) ?? null;
    } else if (isSeq(node)) {
      next = (node.items[Number(key)] as Node | null | undefined) ?? null;
    }
    if (next === null && keyOffset === null) return offset;
    const last = index === path.length - 1;
    // A block collection begins on the line after its key; the key is the better place to point at.
    const valueOffset: number | null = (isScalar(next) && next.value !== null) || isSeq(node) ? (next?.range?.[0] ?? keyOffset) : keyOffset;
    offset = last && wanted === "key" ? (keyOffset ?? valueOffset) : valueOffset;
    node = next;
  }
  return offset;
}

function quoteAt(text: string, position: [number, number]): string {
  const key = /^(?:"([^"]*)"|'([^']*)'|([^\s:]+))/.exec(text.slice(position[0], position[0] + 200));
  return `"${(key?.[1] ?? key?.[2] ?? key?.[3] ?? "").slice(0, 60)}"`;
}

function syntaxMessage(code: string, message: string): string {
  if (code === "MULTIPLE_DOCS") return "holds more than one YAML document";
  return `is not valid YAML: ${message.split("\n", 1)[0]}`;
}

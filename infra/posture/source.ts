import { type Document, isNode, isScalar, LineCounter, type Node, Pair, parseAllDocuments, Scalar, visit, YAMLMap, YAMLSeq } from "yaml";
import { nodeAt, placeOf } from "../manifests/yaml-places.ts";
import { DocumentError } from "./errors.ts";

/** Keys and indexes from the document's root. */
export type Path = readonly (string | number)[];

/** Both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface SourceDocument {
  /** Plain data. CloudFormation's short forms (`!Ref X`) are written out (`{ Ref: X }`). */
  readonly value: unknown;
  /** Where a path stands in the text; where what is missing would stand. */
  locate(path: Path): Place | null;
}

/** A state of thousands of resources is a few MiB. */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_ALIASES = 1000;
const INTRINSICS =
  "And Base64 Cidr Equals FindInMap GetAtt GetAZs If ImportValue Join Length Not Or Select Split Sub ToJsonString Transform";
const SHORT_FORMS = new Map([
  ["!Ref", "Ref"],
  ["!Condition", "Condition"],
  ...INTRINSICS.split(" ").map((name) => [`!${name}`, `Fn::${name}`] as const),
]);

/** The documents in a YAML or JSON text. Throws `DocumentError` with line and column. */
export function parseSource(text: string, origin: string): SourceDocument[] {
  if (Buffer.byteLength(text) > MAX_BYTES)
    throw new DocumentError(
      "document_too_large",
      `${origin}: larger than ${MAX_BYTES / 1024 / 1024} MiB`,
      "check the document that holds the service alone",
    );
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text.replace(/^\uFEFF/, ""), {
    lineCounter: lines,
    version: "1.2",
    uniqueKeys: true,
    merge: true,
    prettyErrors: false,
  });
  const documents = Array.isArray(parsed) ? parsed.filter((one) => one.contents !== null) : [];
  if (documents.length === 0)
    throw new DocumentError("document_syntax", `${origin}: the document is empty`, "give a manifest, a template or a state");
  return documents.map((document) => readOne(document as Document, lines, origin));
}

function readOne(document: Document, lines: LineCounter, origin: string): SourceDocument {
  const [problem] = document.errors;
  if (problem !== undefined) throw syntax(origin, problem.message, placeOf(lines, problem.pos[0]));
  writeOutShortForms(document);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    throw syntax(origin, error instanceof Error ? error.message : String(error), null);
  }
  if (holdsItself(value)) throw syntax(origin, "an alias stands for what holds it", null);
  return { value, locate: (path) => locate(document.contents as Node | null, lines, path) };
}

/** An alias inside its own anchor makes data without end. */
function holdsItself(value: unknown): boolean {
  const open = new Set<object>();
  const done = new Set<object>();
  const visit = (one: unknown): boolean => {
    if (one === null || typeof one !== "object" || done.has(one)) return false;
    if (open.has(one)) return true;
    open.add(one);
    const found = Object.values(one).some(visit);
    open.delete(one);
    done.add(one);
    return found;
  };
  return visit(value);
}

/** `!Sub text` becomes `{ "Fn::Sub": text }`, as CloudFormation reads it. Other tags are left alone: they are no part of any format here. */
function writeOutShortForms(document: Document): void {
  visit(document, {
    Node(_key, node) {
      if (!("tag" in node) || typeof node.tag !== "string") return undefined;
      const name = SHORT_FORMS.get(node.tag);
      if (name === undefined) return undefined;
      const range = node.range;
      const inner = attribute(name, node as Node);
      delete (inner as { tag?: string }).tag;
      const key = new Scalar(name);
      const map = new YAMLMap();
      map.items.push(new Pair(key, inner));
      for (const made of [key, map]) if (range != null) made.range = range;
      return map;
    },
  });
}

/** `!GetAtt Name.Attribute` is a list of two. */
function attribute(name: string, node: Node): Node {
  if (name !== "Fn::GetAtt" || !isScalar(node)) return node;
  const text = String(node.value);
  const cut = text.indexOf(".");
  const list = new YAMLSeq();
  list.items.push(...(cut < 0 ? [text] : [text.slice(0, cut), text.slice(cut + 1)]).map((part) => new Scalar(part)));
  if (node.range != null) list.range = node.range;
  return list;
}

function locate(root: Node | null, lines: LineCounter, path: Path): Place | null {
  const offset = isNode(root) ? nodeAt(root, path) : undefined;
  return offset === undefined ? null : placeOf(lines, offset);
}

function syntax(origin: string, message: string, place: Place | null): DocumentError {
  const at = place === null ? "" : `:${place.line}:${place.column}`;
  return new DocumentError("document_syntax", `${origin}${at}: ${message}`, "correct the YAML or JSON at that place");
}

import type { JsonObject } from "../wire/json.ts";

/** One segment of a path template: literal text, or `count` parameters with the literal text before, between and after them. */
export type TemplateSegment = { literal: string } | { around: readonly string[]; names: readonly string[] };

/**
 * Reads an OpenAPI path, `/pets/{id}`, into its segments. Returns the reason, as text, when no request path that the proxy accepts could match
 * it, or when it can be read two ways.
 */
export function parsePathTemplate(pattern: string): TemplateSegment[] | string {
  if (!pattern.startsWith("/")) return "must begin with /";
  if (/[\u0000-\u0020\u007f]/.test(pattern)) return "has a space or control character";
  if (/[?#;\\]/.test(pattern)) return "must be a path only, without ?, #, ; or \\";
  const segments: TemplateSegment[] = [];
  const seen = new Set<string>();
  const raw = pattern.slice(1).split("/");
  for (const [index, text] of raw.entries()) {
    if (text === "" && index < raw.length - 1) return "has an empty segment (//)";
    const segment = parseSegment(text);
    if (typeof segment === "string") return segment;
    if ("names" in segment) {
      for (const name of segment.names) {
        if (seen.has(name)) return `has the parameter {${name}} twice`;
        seen.add(name);
      }
    }
    segments.push(segment);
  }
  return segments;
}

function parseSegment(text: string): TemplateSegment | string {
  const around: string[] = [];
  const names: string[] = [];
  let rest = text;
  for (;;) {
    const open = rest.indexOf("{");
    const literal = decodeSegment(open < 0 ? rest : rest.slice(0, open));
    if (literal === null) return `has a percent escape that is not UTF-8 in "${text}"`;
    if (/[}/\\\u0000]/.test(literal)) return `has an unbalanced brace, an encoded slash or an encoded NUL in "${text}"`;
    around.push(literal);
    if (open < 0) break;
    const close = rest.indexOf("}", open);
    const name = close < 0 ? "" : rest.slice(open + 1, close);
    if (name === "" || name.includes("{")) return `has an unbalanced or empty {parameter} in "${text}"`;
    if (names.length > 0 && literal === "") return `has two parameters without text between them in "${text}"`;
    names.push(name);
    rest = rest.slice(close + 1);
  }
  if (names.length > 0) return { around, names };
  const literal = around[0] ?? "";
  return literal === "." || literal === ".." ? "has a dot segment" : { literal };
}

/** A raw path segment with its percent escapes decoded; null when they are not UTF-8. */
export function decodeSegment(raw: string): string | null {
  if (!raw.includes("%")) return raw;
  try {
    return decodeURIComponent(raw);
  } catch {
    return null;
  }
}

/** Values of the segment's parameters, none of them empty; null when the (decoded) text does not match. A literal has no values. */
export function captureSegment(segment: TemplateSegment, text: string): string[] | null {
  if ("literal" in segment) return segment.literal === text ? [] : null;
  const { around, names } = segment;
  const first = around[0] ?? "";
  const last = around[names.length] ?? "";
  if (!text.startsWith(first)) return null;
  const end = text.length - last.length;
  const values: string[] = [];
  let from = first.length;
  for (let index = 1; index < names.length; index += 1) {
    const literal = around[index] ?? "";
    const found = text.indexOf(literal, from + 1);
    if (found < 0) return null;
    values.push(text.slice(from, found));
    from = found + literal.length;
  }
  if (from >= end || !text.endsWith(last)) return null;
  values.push(text.slice(from, end));
  return values;
}

/** Templates read before. Only patterns of a route table come here, so there are as many as it has paths. */
const templates = new Map<string, TemplateSegment[] | string>();

/** Parameters of a request path by the template that it matched: `{id: "7"}`. Empty when it does not match. */
export function pathParameters(pattern: string, path: string): JsonObject {
  if (!pattern.includes("{")) return {};
  let segments = templates.get(pattern);
  if (segments === undefined) {
    segments = parsePathTemplate(pattern);
    templates.set(pattern, segments);
  }
  const raw = path.slice(1).split("/");
  const parameters: JsonObject = {};
  if (typeof segments === "string" || segments.length !== raw.length) return parameters;
  for (const [index, segment] of segments.entries()) {
    if (!("names" in segment)) continue;
    const text = decodeSegment(raw[index] ?? "");
    const values = text === null ? null : captureSegment(segment, text);
    if (values === null) return {};
    for (const [position, name] of segment.names.entries()) {
      Object.defineProperty(parameters, name, { value: values[position] ?? "", writable: true, enumerable: true, configurable: true });
    }
  }
  return parameters;
}

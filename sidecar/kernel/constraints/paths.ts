import { isPathName, pathKeys } from "../../guards/path-arguments.ts";
import { resolvedPath } from "../../guards/paths.ts";
import type { Json } from "../../wire/json.ts";
import type { ConstraintCheck, ConstraintSubject } from "./subject.ts";
import { stringLeaves } from "./subject.ts";

/**
 * `path_prefix`: every path of the call lies under the prefix, and there is at least one. For an HTTP request that is the request's own path;
 * for a tool each string that sits under a path-like key or looks like a path. Segments are compared after `.` and `..` are resolved, and,
 * where the caller can resolve symlinks, the real path must lie under the prefix too.
 */
export function pathPrefix(value: Json | undefined): ConstraintCheck {
  const text = typeof value === "string" && value !== "" ? value : null;
  const prefixes = text === null ? null : { tool: normalize(text, false), http: normalize(text, true) };
  if (text === null || prefixes?.tool == null) return () => "path_prefix has no usable prefix";
  return (subject) => {
    const decode = subject.kind === "http";
    const prefix = prefixes[subject.kind];
    if (prefix === null) return "path_prefix has no usable prefix";
    const candidates = pathsOf(subject);
    if (candidates.length === 0) return "path_prefix: the call names no path";
    for (const candidate of candidates) {
      if (!under(candidate, prefix, decode)) return "path_prefix: a path lies outside";
      if (subject.resolvePath !== undefined && !decode && !reallyUnder(candidate, prefix, text, subject.resolvePath)) {
        return "path_prefix: a path leads outside through a link";
      }
    }
    return null;
  };
}

interface NormalPath {
  absolute: boolean;
  segments: string[];
}

function pathsOf(subject: ConstraintSubject): string[] {
  if (subject.kind === "http") return subject.path === undefined ? [] : [subject.path];
  const paths: string[] = [];
  for (const { key, value } of stringLeaves(subject)) {
    if (value.toLowerCase().startsWith("file:")) paths.push(value.slice(5).replace(/^\/\/(localhost)?(?=\/)/i, ""));
    else if ((key !== undefined && isPathKey(key)) || looksLikePath(value)) paths.push(value);
  }
  return [...paths, ...pathKeys(subject.arguments)];
}

function isPathKey(key: string): boolean {
  const lower = key.toLowerCase();
  return lower.includes("path") || lower === "cwd" || isPathName(key);
}

function looksLikePath(value: string): boolean {
  return !value.includes("://") && (/^(~|\.\.?$)/.test(value) || value.includes("/") || value.includes("\\"));
}

function under(candidate: string, prefix: NormalPath, decode: boolean): boolean {
  const path = normalize(candidate, decode);
  if (path === null || path.absolute !== prefix.absolute || path.segments.length < prefix.segments.length) return false;
  return prefix.segments.every((segment, i) => segment === path.segments[i]);
}

/** Where the operating system would be led, links followed, for a file that does not exist yet too. */
function reallyUnder(candidate: string, prefix: NormalPath, prefixText: string, resolve: (path: string) => string | null): boolean {
  const real = resolvedPath(candidate, resolve);
  if (real === null) return false;
  if (under(real, prefix, false)) return true;
  const realPrefix = resolvedPath(prefixText, resolve);
  const normal = realPrefix === null ? null : normalize(realPrefix, false);
  return normal !== null && under(real, normal, false);
}

/**
 * null for what two readers could understand differently: `..` above the start, percent-encoded dots or separators, NUL. `decode`: for a URL,
 * where `%20` and a space are the same.
 */
function normalize(path: string, decode: boolean): NormalPath | null {
  if (path.includes("\0") || /%(2e|2f|5c|00|25)/i.test(path)) return null;
  const absolute = path.startsWith("/") || path.startsWith("\\");
  const segments: string[] = [];
  for (const raw of path.split(/[/\\]/)) {
    if (raw === "" || raw === ".") continue;
    if (raw === "..") {
      if (segments.pop() === undefined) return null;
      continue;
    }
    const segment = decode ? decodeSegment(raw) : raw;
    if (segment === null) return null;
    segments.push(segment);
  }
  return { absolute, segments };
}

/** null when it is no percent-encoded UTF-8. */
function decodeSegment(segment: string): string | null {
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

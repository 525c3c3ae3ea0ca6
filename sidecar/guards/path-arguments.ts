import type { Json } from "../wire/json.ts";
import { snakeCase } from "./tool-names.ts";
import type { GuardInput } from "./types.ts";

/** Argument names, in lower case without `_` and `-`, under which tools take paths. */
const PATH_NAMES = new Set([
  "path",
  "paths",
  "file",
  "files",
  "filepath",
  "filepaths",
  "filename",
  "filenames",
  "source",
  "src",
  "destination",
  "dest",
  "dst",
  "target",
  "from",
  "to",
  "oldpath",
  "newpath",
  "directory",
  "dir",
  "folder",
  "root",
]);
const FILE_WORDS = new Set(["file", "files", "dir", "directory", "directories", "folder", "folders"]);

/**
 * Every path that a call names. For file tools that is each argument that can hold one, not only the one that classified the call: the app may
 * read another. The same holds for tools whose name speaks of files without being in the table (`move_file`, `read_multiple_files`). A patch
 * names paths in its headers, too, and a browser may be sent to a `file:` URL.
 */
export function pathArguments(input: GuardInput): string[] {
  const { action } = input;
  switch (action.kind) {
    case "file_access":
    case "file_write":
      return [action.path, ...namedPaths(input.arguments)];
    case "patch":
      return [action.path, ...namedPaths(input.arguments), ...patchTargets(action.diff)];
    case "mcp_tool":
      return snakeCase(action.tool)
        .split("_")
        .some((word) => FILE_WORDS.has(word))
        ? namedPaths(input.arguments)
        : [];
    case "browser_action":
      return strings(input.arguments)
        .map((text) => text.trim().replace(/^view-source:/i, ""))
        .filter((text) => /^file:/i.test(text));
    default:
      return [];
  }
}

/** True for an argument name under which tools take paths: `filePath`, `destination`. */
export function isPathName(name: string): boolean {
  return PATH_NAMES.has(plainName(name));
}

function plainName(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, "");
}

const FILE_MAPS = new Set(["files", "paths", "filepaths", "filenames"]);

/** Paths that are keys of an object: all of `files: {"a.txt": …}`, and under any other path name those that are written as a path. */
export function pathKeys(value: Json): string[] {
  if (value === null || typeof value !== "object") return [];
  if (Array.isArray(value)) return value.flatMap(pathKeys);
  return Object.entries(value).flatMap(([name, member]) => {
    const below = pathKeys(member);
    if (!isPathName(name) || member === null || typeof member !== "object" || Array.isArray(member)) return below;
    const all = FILE_MAPS.has(plainName(name));
    return [...Object.keys(member).filter((key) => key !== "" && (all || /[/\\]|^[.~]/.test(key))), ...below];
  });
}

/** All strings inside a value, keys left out. */
export function strings(value: Json): string[] {
  if (typeof value === "string") return [value];
  if (value === null || typeof value !== "object") return [];
  return (Array.isArray(value) ? value : Object.values(value)).flatMap(strings);
}

function namedPaths(value: Json): string[] {
  return [...pathKeys(value), ...pathValues(value)];
}

function pathValues(value: Json): string[] {
  if (value === null || typeof value !== "object") return [];
  if (Array.isArray(value)) return value.flatMap(pathValues);
  return Object.entries(value).flatMap(([key, member]) => {
    if (!isPathName(key)) return pathValues(member);
    if (typeof member === "string") return member === "" ? [] : [member];
    if (!Array.isArray(member)) return pathValues(member);
    return member.flatMap((item) => (typeof item === "string" && item !== "" ? [item] : pathValues(item)));
  });
}

const PATCH_HEADERS = [
  /^(?:---|\+\+\+) ([^\t\r\n]+)/,
  /^diff --git (\S+) \S+/,
  /^diff --git \S+ (\S+)/,
  /^(?:rename|copy) (?:from|to) ([^\r\n]+)/,
  /^\*\*\* (?:Add File|Update File|Delete File|Move to): ([^\r\n]+)/,
];

/** Paths in the headers of unified, git and `*** Begin Patch` diffs, with and without their `a/` or `b/`. */
function patchTargets(diff: string): string[] {
  const targets = new Set<string>();
  for (const line of diff.split("\n")) {
    if (!/^(?:---|\+\+\+|diff |rename |copy |\*\*\*)/.test(line)) continue;
    for (const header of PATCH_HEADERS) {
      const name = header.exec(line)?.[1]?.trim().replaceAll(/^"|"$/g, "");
      if (name === undefined || name === "" || name === "/dev/null") continue;
      targets.add(name);
      targets.add(name.replace(/^[abciow]\//, ""));
    }
  }
  return [...targets].filter((target) => target !== "");
}

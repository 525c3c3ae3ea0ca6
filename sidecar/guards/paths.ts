import type { GuardInput } from "./types.ts";

const MAX_PATH_LENGTH = 32_768;
const MAX_DECODINGS = 4;
const MAX_ROOT_LINKS = 16;

/**
 * Every path that a path argument could come to mean, lexically: dot segments and doubled slashes resolved; percent escapes, backslashes, `file:`
 * URLs, `~` and `$HOME`, Windows prefixes, trailing dots and spaces, compatibility characters and `/proc/self/root` undone. A relative path also
 * counts from the root, because the app's working directory is not known here. A guard that forbids must look at all of them. A text that
 * no file system takes is `malformed`.
 */
export function pathReadings(raw: string): { paths: string[] } | { malformed: string } {
  if (raw === "") return { malformed: "the path is empty" };
  if (raw.length > MAX_PATH_LENGTH) return { malformed: "the path is too long" };
  const readings = new Set<string>();
  let text = raw;
  for (let round = 0; ; round += 1) {
    if (/[\u0000-\u001f\u007f]/.test(text)) return { malformed: "the path has a control character" };
    for (const spelling of spellings(text)) {
      const lexical = lexicalReadings(spelling);
      if (lexical === null) return { malformed: "the path goes through the root again and again" };
      for (const path of lexical) readings.add(path);
    }
    const decoded = decodeEscapes(text);
    if (decoded === text) return { paths: [...readings] };
    if (round === MAX_DECODINGS) return { malformed: "the path is percent-encoded over and over" };
    text = decoded;
  }
}

/**
 * The path that the operating system would open, following links one component at a time as it does; null for a path that cannot be resolved
 * here (relative without a working directory, home shorthand).
 */
export function resolvedPath(raw: string, resolve: NonNullable<GuardInput["resolvePath"]>): string | null {
  let current = raw.startsWith("/") ? "/" : /^[~$]/.test(raw) ? null : resolve(".");
  if (current === null) return null;
  for (const part of raw.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") current = current.replace(/\/[^/]*$/, "") || "/";
    else {
      const next: string = current === "/" ? `/${part}` : `${current}/${part}`;
      current = resolve(next) ?? next;
    }
  }
  return current;
}

function* spellings(text: string): Generator<string> {
  for (const form of new Set([text, text.normalize("NFKC")])) {
    for (const slashed of new Set([form, form.replaceAll("\\", "/")])) {
      yield slashed;
      // A tool that cuts off `file://` takes the host for the first segment.
      if (/^file:\/\/[^/]/i.test(slashed)) yield slashed.slice("file://".length);
    }
  }
}

/** Null when the path goes through links to the root again and again. */
function lexicalReadings(spelling: string): Set<string> | null {
  const results = new Set<string>();
  const pending = new Set([expandPrefix(spelling)]);
  for (const path of pending) {
    if (pending.size > MAX_ROOT_LINKS) return null;
    for (const tidy of [false, true]) {
      const segments = resolveDots(path.split("/"), tidy, (rest) => pending.add(`/${rest.join("/")}`));
      for (const reading of placements(segments, path.startsWith("/"))) results.add(reading);
    }
  }
  return results;
}

/** Where the segments can be: where they say, from the root, in a home directory, on any drive, without the alias of macOS. */
function placements(segments: readonly string[], absolute: boolean): string[] {
  const path = segments.join("/");
  const home = absolute ? null : /^~([^/]*)/.exec(path);
  const places = absolute ? [`/${path}`] : [path === "" ? "." : path];
  if (home !== null) for (const place of homePlaces(home[1] ?? "")) places.push(`${place}${path.slice(home[0].length)}`);
  const [first = "", ...rest] = fromRoot(segments);
  if (home === null && !absolute) places.push(`/${[first, ...rest].join("/")}`);
  if (/^(?:[A-Za-z]:|private)$/i.test(first)) places.push(`/${rest.join("/")}`);
  return places;
}

/** Where a relative path leads when it climbs as far as it can. */
function fromRoot(segments: readonly string[]): readonly string[] {
  const named = segments.findIndex((segment) => segment !== "..");
  return named < 0 ? [] : segments.slice(named);
}

/** `file:` URLs, Windows device prefixes and names of the home directory. */
function expandPrefix(text: string): string {
  const url = /^file:(?:\/\/[^/]*)?(\/?.*)$/is.exec(text);
  const path = url === null ? text : (url[1] ?? "").replace(/^\/([A-Za-z]:)/, "$1");
  return path.replace(/^\/\/[?.]\//, "").replace(/^(?:\$HOME|\$\{HOME\}|%USERPROFILE%|%HOME%|%HOMEPATH%)(?=\/|$)/i, "~");
}

/** A link of the process file system that leads to the root, or to a working directory that is not known here. */
const ROOT_LINK = /^proc\/(?:self|thread-self|\d+)(?:\/task\/\d+)?\/(?:root|cwd)$/i;

/**
 * Dot segments resolved. `tidy`: as Windows reads segments, without trailing dots and spaces and without a stream name behind a colon. What comes
 * after a link to the root is reported: dots behind it count from the link's target.
 */
function resolveDots(segments: readonly string[], tidy: boolean, onRootLink: (rest: readonly string[]) => void): string[] {
  const result: string[] = [];
  for (const [index, raw] of segments.entries()) {
    const segment = tidy ? tidySegment(raw, index === 0) : raw;
    if (segment === "" || segment === ".") continue;
    if (segment === ".." && result.length > 0 && result.at(-1) !== "..") result.pop();
    else if (segment !== ".." || segments[0] !== "") result.push(segment);
    const link = fromRoot(result);
    if (link.length >= 3 && link.length <= 5 && ROOT_LINK.test(link.join("/"))) onRootLink(segments.slice(index + 1));
  }
  return result;
}

function tidySegment(segment: string, first: boolean): string {
  const plain = segment.replace(/\s+$/, "");
  if (plain === "." || plain === "..") return plain;
  const name = first && /^[A-Za-z]:$/.test(plain) ? plain : (plain.split(":", 1)[0] ?? "");
  return name.replace(/[.\s]+$/, "");
}

function homePlaces(user: string): string[] {
  if (user === "") return ["/root", "/home/~", "/Users/~"];
  return user === "root" ? ["/root"] : [`/home/${user}`, `/Users/${user}`];
}

/** One round of percent decoding, as leniently as the most careless decoder: `%u002e` and overlong UTF-8 count, too. */
function decodeEscapes(text: string): string {
  if (!text.includes("%")) return text;
  return text
    .replaceAll(/%u([0-9a-f]{4})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => decodeBytes(Buffer.from(run.replaceAll("%", ""), "hex")));
}

function decodeBytes(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  if (!text.includes("\ufffd")) return text;
  let result = "";
  for (let at = 0; at < bytes.length; at += 1) {
    const lead = bytes[at] ?? 0;
    const [second = 0, third = 0] = [bytes[at + 1], bytes[at + 2]];
    if ((lead === 0xc0 || lead === 0xc1) && (second & 0xc0) === 0x80) {
      result += String.fromCharCode(((lead & 1) << 6) | (second & 0x3f));
      at += 1;
    } else if (lead === 0xe0 && (second & 0xe0) === 0x80 && (third & 0xc0) === 0x80) {
      result += String.fromCharCode(((second & 0x3f) << 6) | (third & 0x3f));
      at += 2;
    } else result += String.fromCharCode(lead);
  }
  return result;
}

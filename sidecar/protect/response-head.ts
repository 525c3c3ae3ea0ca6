import { protocolError } from "./errors.ts";

/** How the length of a response's body is known. */
export type Framing = { kind: "none" } | { kind: "length"; length: number } | { kind: "chunked" } | { kind: "close" };

export interface ResponseHead {
  status: number;
  /** Flat name, value, name, value: what may go to the client, in the upstream's order. Framing is in it only as a Content-Length that was checked. */
  headers: string[];
  framing: Framing;
  /** The connection can take another request once the body is read. */
  reusable: boolean;
  /** Seconds of the upstream's `Keep-Alive: timeout`; -1 when it said nothing. */
  keepAliveSeconds: number;
  /** Media type without parameters, lower case; empty when there is none. */
  mediaType: string;
  /** Lower case; only for 101. */
  upgrade: string;
}

/** Dropped from every answer: they belong to one hop, or are ours to say. */
const DROPPED: ReadonlySet<string> = new Set([
  "connection",
  "proxy-connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "content-length",
]);

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: [^\0-\x08\x0a-\x1f\x7f]*)?$/;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const BAD_VALUE = /[\0-\x08\x0a-\x1f\x7f]/;

interface KnownName {
  lower: string;
  dropped: boolean;
}

/** Checked names. An upstream has few of them and sends them with every answer. */
const names = new Map<string, KnownName>();
const MAX_NAMES = 512;

function knownName(name: string): KnownName {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (!NAME.test(name)) throw protocolError("a header name in the upstream's answer is malformed");
  const lower = name.toLowerCase();
  const plain = lower.replace(/[^a-z0-9]/g, "-");
  const fresh = { lower, dropped: DROPPED.has(lower) || plain.startsWith("x-chio-") };
  if (names.size < MAX_NAMES) names.set(name, fresh);
  return fresh;
}

/**
 * Reads the head of an answer: status line and header lines, without the empty line at the end. `text` has one character a byte.
 * Strict where leniency has let answers be split: two lengths, a length beside chunked, folded lines and bare line ends are errors.
 */
export function parseResponseHead(text: string, request: { head: boolean }): ResponseHead {
  let lineEnd = text.indexOf("\r\n");
  if (lineEnd < 0) lineEnd = text.length;
  const statusLine = STATUS_LINE.exec(text.slice(0, lineEnd));
  if (statusLine === null) throw protocolError("the upstream's answer does not begin with an HTTP/1.1 status line");
  const status = Number(statusLine[2]);
  if (status > 599) throw protocolError(`the upstream answered with status ${status}`);

  const headers: string[] = [];
  let length = -1;
  let chunked = false;
  let close = statusLine[1] === "0";
  let keepAliveSeconds = -1;
  let mediaType = "";
  let upgrade = "";
  for (let from = lineEnd + 2; from < text.length; ) {
    let end = text.indexOf("\r\n", from);
    if (end < 0) end = text.length;
    const colon = text.indexOf(":", from);
    if (colon < 0 || colon > end) throw protocolError("a header line in the upstream's answer has no colon");
    const name = text.slice(from, colon);
    const { lower, dropped } = knownName(name);
    const value = trimSpace(text, colon + 1, end);
    if (BAD_VALUE.test(value)) throw protocolError("a header value in the upstream's answer holds a control character");
    from = end + 2;
    if (!dropped) {
      headers.push(name, value);
      if (lower === "content-type") mediaType = (value.split(";", 1)[0] ?? "").trim().toLowerCase();
      continue;
    }
    switch (lower) {
      case "content-length":
        if (length >= 0 || !/^(?:0|[1-9][0-9]{0,14})$/.test(value)) {
          throw protocolError("Content-Length in the upstream's answer is repeated or no plain number");
        }
        length = Number(value);
        break;
      case "transfer-encoding":
        if (chunked || value.toLowerCase() !== "chunked") {
          throw protocolError("Transfer-Encoding in the upstream's answer is repeated or not `chunked`");
        }
        chunked = true;
        break;
      case "connection":
        if (/(?:^|,)\s*close\s*(?:,|$)/i.test(value)) close = true;
        break;
      case "keep-alive": {
        const timeout = /timeout=([0-9]{1,6})/i.exec(value);
        if (timeout !== null) keepAliveSeconds = Number(timeout[1]);
        break;
      }
      case "upgrade":
        upgrade = value.toLowerCase();
        break;
    }
  }
  if (chunked && length >= 0) throw protocolError("the upstream's answer has both Content-Length and Transfer-Encoding");
  if (chunked && statusLine[1] === "0") throw protocolError("the upstream's HTTP/1.0 answer has a Transfer-Encoding");

  const framing = framingOf(status, request.head, length, chunked);
  // A length tells the client what a HEAD or 304 leaves out; a 204 has none.
  if (length >= 0 && status >= 200 && status !== 204) headers.push("Content-Length", String(length));
  return { status, headers, framing, reusable: !close && framing.kind !== "close", keepAliveSeconds, mediaType, upgrade };
}

function framingOf(status: number, head: boolean, length: number, chunked: boolean): Framing {
  if (head || status < 200 || status === 204 || status === 304) return { kind: "none" };
  if (chunked) return { kind: "chunked" };
  return length >= 0 ? { kind: "length", length } : { kind: "close" };
}

function trimSpace(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

import { isIPv6 } from "node:net";
import { HttpRefusal } from "./errors.ts";

/** What the sidecar needs of a request's headers, and the lines that may travel on. */
export interface HeaderFacts {
  host: string;
  /** As they came; values are Latin-1, one character a byte. */
  authorization: string | undefined;
  apiKey: string | undefined;
  /** `X-Chio-Capability`. */
  capability: string | undefined;
  /** `DPoP` where it holds our JSON proof; any other value travels on. */
  dpop: string | undefined;
  origin: string | undefined;
  contentType: string | undefined;
  contentEncoding: string | undefined;
  /** -1 when absent. */
  contentLength: number;
  chunked: boolean;
  /** Lower case; set only where Connection names it. */
  upgrade: string | undefined;
  /** `X-Forwarded-*` of the caller, in lower case. Used only where the operator trusts the hop in front. */
  forwarded: Map<string, string> | undefined;
  /** Header lines that are forwarded as they came, each ended by CRLF. Holds neither Authorization nor anything below DROP. */
  endToEnd: string;
}

type Rule = "drop" | "take" | "keep" | "list" | "forwarded" | "refuse";

/**
 * drop: hop-by-hop, framing and what we write ourselves, or what could make the upstream read another URL, host or caller than was decided.
 * take: read by us and not forwarded as it came. keep: forwarded. Of these two a second one is refused, since readers differ on which counts.
 * list: may be repeated. refuse: asks for another method.
 */
const RULES = new Map<string, Rule>();
const rule = (kind: Rule, names: string) => {
  for (const name of names.split(" ")) RULES.set(name, kind);
};
rule("drop", "proxy-connection keep-alive proxy-authenticate proxy-authorization te trailer http2-settings forwarded");
rule("drop", "x-original-url x-original-uri x-original-path x-original-method x-original-host x-original-for x-original-proto");
rule("drop", "x-rewrite-url x-rewrite-uri x-override-url x-request-uri x-request-url x-host x-http-host-override x-proxy-url x-url-scheme");
rule(
  "drop",
  "x-real-ip x-client-ip x-cluster-client-ip x-originating-ip x-remote-ip x-remote-addr true-client-ip cf-connecting-ip fastly-client-ip",
);
rule("keep", "content-range cookie if-match if-none-match if-modified-since if-unmodified-since if-range range referer user-agent");
rule("keep", "sec-websocket-key sec-websocket-version last-event-id date from max-forwards");
rule("refuse", "x-http-method x-http-method-override x-method-override");
rule("keep", "x-api-key origin content-type content-encoding dpop");
rule("take", "host authorization x-chio-capability content-length transfer-encoding expect upgrade");
rule("list", "connection");

const CHIO_PREFIX = "x-chio-";
const FORWARDED_PREFIX = "x-forwarded-";
const CONNECTION_OPTIONS: ReadonlySet<string> = new Set(["close", "keep-alive", "upgrade", "te", "http2-settings", "trailers"]);
/** A tab may stand in a value; the rest of the controls may not. */
const BAD_VALUE = /[\0-\x08\x0a-\x1f\x7f]/;
const PLAIN_NAME = /^[a-z0-9-]+$/;

/** `raw`: flat name, value, name, value, as the parser gave them. Throws {@link HttpRefusal}. */
export function readHeaders(raw: readonly string[], limits: { maxHeaderBytes: number; maxHeaderCount: number }): HeaderFacts {
  if (raw.length > limits.maxHeaderCount * 2) {
    throw new HttpRefusal(431, "headers_too_large", `the request has ${raw.length / 2} headers, past ${limits.maxHeaderCount}`);
  }
  const reader = new HeaderReader();
  let bytes = 0;
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!;
    const value = raw[i + 1]!;
    bytes += name.length + value.length + 4;
    reader.add(name, value);
  }
  if (bytes > limits.maxHeaderBytes) {
    throw new HttpRefusal(431, "headers_too_large", `the headers are ${bytes} bytes, past ${limits.maxHeaderBytes}`);
  }
  return reader.finish();
}

/** True for a trailer that would decide about the request had it come as a header. */
export function isForbiddenTrailer(name: string): boolean {
  const lower = name.toLowerCase();
  return ruleOf(PLAIN_NAME.test(lower) ? lower : lower.replace(/[^a-z0-9]/g, "-")) !== undefined;
}

function ruleOf(lower: string): Rule | undefined {
  const known = RULES.get(lower);
  if (known !== undefined || lower.charCodeAt(0) !== 0x78) return known;
  if (lower.startsWith(CHIO_PREFIX)) return "drop";
  return lower.startsWith(FORWARDED_PREFIX) || lower === "x-forwarded" ? "forwarded" : undefined;
}

class HeaderReader {
  /** Of the names that may occur once, lower case. */
  readonly #single = new Map<string, string>();
  #connection = "";
  #forwarded: Map<string, string> | undefined;
  #endToEnd = "";

  add(name: string, value: string): void {
    if (BAD_VALUE.test(value)) throw new HttpRefusal(400, "header_value", `header ${quoteName(name)} holds a control character`);
    const lower = name.toLowerCase();
    const kind = ruleOf(lower);
    switch (kind) {
      case undefined:
        if (!PLAIN_NAME.test(lower)) checkAlias(name, lower);
        this.#endToEnd += `${name}: ${value}\r\n`;
        break;
      case "drop":
        // Dropped ones are read by nobody, so that repeating them changes nothing.
        break;
      case "list":
        this.#connection += `,${value}`;
        break;
      case "forwarded":
        this.#forwarded ??= new Map();
        this.#forwarded.set(lower, this.#forwarded.has(lower) ? `${this.#forwarded.get(lower)}, ${value}` : value);
        break;
      case "refuse":
        throw new HttpRefusal(400, "method_override", `header ${quoteName(name)} asks for another method than the request line`, {
          fix: "send the method itself",
        });
      default:
        if (this.#single.has(lower)) {
          throw new HttpRefusal(400, "duplicate_header", `header ${quoteName(name)} is repeated`, { fix: "send it once" });
        }
        this.#single.set(lower, value);
        if (kind === "keep" && !(lower === "dpop" && isOwnProof(value))) this.#endToEnd += `${name}: ${value}\r\n`;
    }
  }

  finish(): HeaderFacts {
    const single = this.#single;
    const host = single.get("host");
    if (host === undefined) throw new HttpRefusal(400, "host_missing", "there is no Host header");
    checkHost(host);
    const upgrades = this.#connectionNamesUpgrade();
    const contentLength = readContentLength(single.get("content-length"));
    const transferEncoding = single.get("transfer-encoding");
    if (transferEncoding !== undefined && (transferEncoding.toLowerCase() !== "chunked" || contentLength >= 0)) {
      throw new HttpRefusal(400, "transfer_encoding", "Transfer-Encoding must be exactly `chunked`, without Content-Length", {
        fix: "send the body with Content-Length, or chunked and not compressed in transfer",
      });
    }
    const expect = single.get("expect");
    if (expect !== undefined && expect.toLowerCase() !== "100-continue") {
      throw new HttpRefusal(417, "expectation_unknown", "Expect asks for something other than 100-continue");
    }
    const dpop = single.get("dpop");
    return {
      host,
      authorization: single.get("authorization"),
      apiKey: single.get("x-api-key"),
      capability: single.get("x-chio-capability"),
      dpop: dpop !== undefined && isOwnProof(dpop) ? dpop : undefined,
      origin: single.get("origin"),
      contentType: single.get("content-type"),
      contentEncoding: single.get("content-encoding"),
      contentLength,
      chunked: transferEncoding !== undefined,
      upgrade: upgrades ? single.get("upgrade")?.trim().toLowerCase() : undefined,
      forwarded: this.#forwarded,
      endToEnd: this.#endToEnd,
    };
  }

  /** Connection must not be able to take a header out of the request (RFC 9110 would let it), so nothing but the options themselves may stand in it. */
  #connectionNamesUpgrade(): boolean {
    if (this.#connection === "") return false;
    let upgrades = false;
    for (const part of this.#connection.split(",")) {
      const option = part.trim().toLowerCase();
      if (option === "") continue;
      if (!CONNECTION_OPTIONS.has(option)) {
        throw new HttpRefusal(400, "connection_option", `the Connection header names ${JSON.stringify(option.slice(0, 64))}`, {
          fix: "name only close, keep-alive or upgrade",
        });
      }
      upgrades ||= option === "upgrade";
    }
    return upgrades;
  }
}

/** A host name, IPv4 address or bracketed IPv6 address, with an optional port. */
function checkHost(host: string): void {
  const match = /^(?:([A-Za-z0-9._-]{1,255})|\[([0-9A-Fa-f:.]{2,45})\])(?::([0-9]{1,5}))?$/.exec(host);
  const valid = match !== null && (match[2] === undefined || isIPv6(match[2])) && (match[3] === undefined || Number(match[3]) <= 65_535);
  if (!valid) throw new HttpRefusal(400, "host_invalid", "the Host header is not a host name or address with an optional port");
}

/** True for `localhost`, 127.0.0.0/8 and `[::1]`, with or without a port: names that a page of a foreign site cannot make point here. */
export function isLoopbackHost(host: string): boolean {
  const name = host
    .replace(/:[0-9]+$/, "")
    .replace(/\.$/, "")
    .toLowerCase();
  return name === "localhost" || name === "[::1]" || /^127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}$/.test(name);
}

/** -1 when there is none. */
function readContentLength(text: string | undefined): number {
  if (text === undefined) return -1;
  if (/^(?:0|[1-9][0-9]{0,14})$/.test(text)) return Number(text);
  throw new HttpRefusal(400, "content_length_invalid", "Content-Length is not a plain decimal number");
}

/** Readers behind us may take `_`, `.` and the like for `-` (CGI and everything that descends from it). */
function checkAlias(name: string, lower: string): void {
  if (ruleOf(lower.replace(/[^a-z0-9]/g, "-")) === undefined) return;
  throw new HttpRefusal(400, "header_alias", `header ${quoteName(name)} reads like a protected header`, {
    fix: "spell header names with hyphens",
  });
}

/** Our DPoP proofs are JSON and for us; any other (RFC 9449) is between the caller and the app. */
function isOwnProof(value: string): boolean {
  return value.startsWith("{");
}

/** Names come from the caller: short and quoted in what we say about them. */
function quoteName(name: string): string {
  return JSON.stringify(name.slice(0, 64));
}

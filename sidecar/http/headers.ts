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
  expectContinue: boolean;
  /** Lower case; set only where Connection names it. */
  upgrade: string | undefined;
  /** `X-Forwarded-*` of the caller, in lower case. Used only where the operator trusts the hop in front. */
  forwarded: Map<string, string> | undefined;
  /** Header lines that are forwarded as they came, each ended by CRLF. Holds neither Authorization nor anything below DROP. */
  endToEnd: string;
}

type Rule = "drop" | "once" | "refuse" | "own" | "forwarded";

/**
 * drop: hop-by-hop, framing and what we write ourselves, or what could make the upstream read another URL, host or caller than was decided.
 * once: forwarded; a second one is refused, since readers differ on which counts. own: read by us, see `take`. refuse: asks for another method.
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
rule("once", "content-range cookie if-match if-none-match if-modified-since if-unmodified-since if-range range referer user-agent");
rule("once", "sec-websocket-key sec-websocket-version last-event-id date from max-forwards");
rule("refuse", "x-http-method x-http-method-override x-method-override");
rule(
  "own",
  "host authorization x-api-key x-chio-capability dpop origin content-type content-encoding content-length transfer-encoding expect connection upgrade",
);

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
  #host: string | undefined;
  #seen: Set<string> | undefined;
  #authorization: string | undefined;
  #apiKey: string | undefined;
  #capability: string | undefined;
  #dpop: string | undefined;
  #origin: string | undefined;
  #contentType: string | undefined;
  #contentEncoding: string | undefined;
  #contentLength: string | undefined;
  #transferEncoding: string | undefined;
  #expect: string | undefined;
  #connection = "";
  #upgrade: string | undefined;
  #forwarded: Map<string, string> | undefined;
  #endToEnd = "";

  add(name: string, value: string): void {
    if (BAD_VALUE.test(value)) throw new HttpRefusal(400, "header_value", `header ${quoteName(name)} holds a control character`);
    const lower = name.toLowerCase();
    switch (ruleOf(lower)) {
      case undefined:
        if (!PLAIN_NAME.test(lower)) this.#checkAlias(name, lower);
        this.#forward(name, value);
        return;
      case "drop":
        // Dropped ones are read by nobody, so that repeating them changes nothing.
        return;
      case "refuse":
        throw new HttpRefusal(400, "method_override", `header ${quoteName(name)} asks for another method than the request line`, {
          fix: "send the method itself",
        });
      case "once":
        this.#seen ??= new Set();
        if (this.#seen.has(lower)) throw duplicate(name);
        this.#seen.add(lower);
        this.#forward(name, value);
        return;
      case "forwarded":
        this.#forwarded ??= new Map();
        this.#forwarded.set(lower, this.#forwarded.has(lower) ? `${this.#forwarded.get(lower)}, ${value}` : value);
        return;
      case "own":
        this.#take(name, lower, value);
    }
  }

  #forward(name: string, value: string): void {
    this.#endToEnd += `${name}: ${value}\r\n`;
  }

  /** Readers behind us may take `_`, `.` and the like for `-` (CGI and everything that descends from it). */
  #checkAlias(name: string, lower: string): void {
    if (ruleOf(lower.replace(/[^a-z0-9]/g, "-")) === undefined) return;
    throw new HttpRefusal(400, "header_alias", `header ${quoteName(name)} reads like a protected header`, {
      fix: "spell header names with hyphens",
    });
  }

  #take(name: string, lower: string, value: string): void {
    switch (lower) {
      case "host":
        if (this.#host !== undefined) throw duplicate(name);
        this.#host = value;
        return;
      case "authorization":
        if (this.#authorization !== undefined) throw duplicate(name);
        this.#authorization = value;
        return;
      case "x-api-key":
        if (this.#apiKey !== undefined) throw duplicate(name);
        this.#apiKey = value;
        return this.#forward(name, value);
      case "x-chio-capability":
        if (this.#capability !== undefined) throw duplicate(name);
        this.#capability = value;
        return;
      case "dpop":
        if (this.#seen?.has(lower)) throw duplicate(name);
        this.#seen ??= new Set();
        this.#seen.add(lower);
        if (value.startsWith("{")) {
          this.#dpop = value;
          return;
        }
        return this.#forward(name, value);
      case "origin":
        if (this.#origin !== undefined) throw duplicate(name);
        this.#origin = value;
        return this.#forward(name, value);
      case "content-type":
        if (this.#contentType !== undefined) throw duplicate(name);
        this.#contentType = value;
        return this.#forward(name, value);
      case "content-encoding":
        if (this.#contentEncoding !== undefined) throw duplicate(name);
        this.#contentEncoding = value;
        return this.#forward(name, value);
      case "content-length":
        if (this.#contentLength !== undefined) throw duplicate(name);
        this.#contentLength = value;
        return;
      case "transfer-encoding":
        if (this.#transferEncoding !== undefined) throw duplicate(name);
        this.#transferEncoding = value;
        return;
      case "expect":
        if (this.#expect !== undefined) throw duplicate(name);
        this.#expect = value;
        return;
      case "upgrade":
        if (this.#upgrade !== undefined) throw duplicate(name);
        this.#upgrade = value;
        return;
      default:
        this.#connection += `,${value}`;
    }
  }

  finish(): HeaderFacts {
    if (this.#host === undefined) throw new HttpRefusal(400, "host_missing", "there is no Host header");
    checkHost(this.#host);
    const upgrades = this.#connectionNamesUpgrade();
    let contentLength = -1;
    if (this.#contentLength !== undefined) {
      if (!/^(?:0|[1-9][0-9]{0,14})$/.test(this.#contentLength)) {
        throw new HttpRefusal(400, "content_length_invalid", "Content-Length is not a plain decimal number");
      }
      contentLength = Number(this.#contentLength);
    }
    const chunked = this.#transferEncoding !== undefined;
    if (chunked && (this.#transferEncoding!.toLowerCase() !== "chunked" || contentLength >= 0)) {
      throw new HttpRefusal(400, "transfer_encoding", "Transfer-Encoding must be exactly `chunked`, without Content-Length", {
        fix: "send the body with Content-Length, or chunked and not compressed in transfer",
      });
    }
    const expectContinue = this.#expect !== undefined;
    if (expectContinue && this.#expect!.toLowerCase() !== "100-continue") {
      throw new HttpRefusal(417, "expectation_unknown", "Expect asks for something other than 100-continue");
    }
    return {
      host: this.#host,
      authorization: this.#authorization,
      apiKey: this.#apiKey,
      capability: this.#capability,
      dpop: this.#dpop,
      origin: this.#origin,
      contentType: this.#contentType,
      contentEncoding: this.#contentEncoding,
      contentLength,
      chunked,
      expectContinue,
      upgrade: upgrades ? this.#upgrade?.trim().toLowerCase() : undefined,
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

function duplicate(name: string): HttpRefusal {
  return new HttpRefusal(400, "duplicate_header", `header ${quoteName(name)} is repeated`, { fix: "send it once" });
}

/** Names come from the caller: short and quoted in what we say about them. */
function quoteName(name: string): string {
  return JSON.stringify(name.slice(0, 64));
}

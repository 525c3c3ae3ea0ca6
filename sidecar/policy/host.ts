import { wildcardMatch } from "./wildcard.ts";

/**
 * The one spelling of a host that decisions are made on: lower case, IDNA as punycode, no surrounding dots; IPv4 in any encoding (hex, octal, one
 * number) and IPv4 inside IPv6 as four decimals; IPv6 compressed, without brackets. Null for what is not a host.
 */
export function canonicalHost(host: string): string | null {
  const trimmed = host.replaceAll(/^\.+|\.+$/g, "");
  if (trimmed === "" || trimmed.length > 1024 || /[\u0000-\u0020\u007f/\\?#@%<>^|"'`{}]/.test(trimmed)) return null;
  const literal = trimmed.startsWith("[") && trimmed.endsWith("]") ? trimmed.slice(1, -1) : trimmed;
  const isV6 = literal.includes(":");
  let name: string;
  try {
    name = new URL(`http://${isV6 ? `[${literal}]` : literal}/`).hostname;
  } catch {
    return null;
  }
  if (isV6) return embeddedV4(name.slice(1, -1)) ?? name.slice(1, -1);
  const bare = name.replaceAll(/^\.+|\.+$/g, "");
  return bare === "" || bare.includes("..") || bare.length > 253 ? null : bare;
}

/** True for `10.0.0.1` and `::1` in canonical form. */
export function isIpAddress(canonical: string): boolean {
  return canonical.includes(":") || ipv4(canonical) !== null;
}

/** First address and prefix length of what is not the public internet. */
const INTERNAL_V4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];
const INTERNAL_SUFFIXES = [".internal", ".local", ".localhost", ".localdomain", ".svc"];
const INTERNAL_NAMES = new Set(["metadata.azure.com", "kubernetes.default"]);

/**
 * True for a canonical host that is, or that by its name leads to, the machine itself, its network or a metadata service: special IP ranges,
 * names without a dot, `*.internal` and the like. What a name resolves to is not looked up.
 */
export function isInternalHost(canonical: string): boolean {
  const v4 = ipv4(canonical);
  if (v4 !== null) {
    return INTERNAL_V4.some(([first, bits]) => (v4 ^ (ipv4(first) ?? 0)) >>> (32 - bits) === 0);
  }
  if (canonical.includes(":")) {
    const head = Number.parseInt(canonical.split(":", 1)[0] || "0", 16);
    // :: and ::1 and everything else under ::/16; unique local, link local and site local, multicast; NAT64 and 6to4 wrap an IPv4 address.
    return head === 0 || (head & 0xfe00) === 0xfc00 || (head & 0xff80) === 0xfe80 || head >= 0xff00 || head === 0x64 || head === 0x2002;
  }
  return !canonical.includes(".") || INTERNAL_NAMES.has(canonical) || INTERNAL_SUFFIXES.some((suffix) => canonical.endsWith(suffix));
}

export interface HostPattern {
  readonly source: string;
  /** True when the pattern is a host without any wildcard. */
  readonly exact: boolean;
  /** `host` in canonical form. */
  matches(host: string): boolean;
}

/**
 * Compiles a host pattern: `api.example.com`, `*.example.com` (any depth below, not `example.com` itself), `api-*.example.com`, an IP address,
 * or `*`. In an `allow` pattern a `*` inside a label stays inside that label; in a `block` pattern it may cross dots. Returns the reason,
 * as text, when the pattern cannot be used.
 */
export function compileHostPattern(source: string, mode: "allow" | "block"): HostPattern | string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source) || source.includes("/")) return "must be a host, without scheme, path or CIDR range";
  if (source === "*") return { source, exact: false, matches: () => true };
  if (!source.includes("*")) {
    if (/^[^[\]:]+:\d+$/.test(source)) return "must be a host without a port";
    const host = canonicalHost(source);
    if (host === null) return "is not a host name or IP address";
    return { source, exact: true, matches: (candidate) => candidate === host };
  }
  const labels = canonicalPatternLabels(source);
  if (labels === null) return "is not a host pattern";
  const text = labels.join(".");
  if (mode === "block") return { source, exact: false, matches: (candidate) => wildcardMatch(text, candidate) };
  return { source, exact: false, matches: (candidate) => !isIpAddress(candidate) && labelsMatch(labels, candidate.split(".")) };
}

/** Each label in the form that canonical hosts have, wildcards kept; null when one is not a label. */
function canonicalPatternLabels(source: string): string[] | null {
  const labels = source.toLowerCase().replace(/\.$/, "").split(".");
  const canonical: string[] = [];
  for (const label of labels) {
    if (label === "" || (label.includes("*") && !/^[a-z0-9*_-]+$/.test(label))) return null;
    // A label alone would be read as a number where it looks like one, so it is converted with a name behind it.
    const host = label.includes("*") ? label : canonicalHost(`${label}.example`)?.replace(/\.example$/, "");
    if (host === undefined) return null;
    canonical.push(host);
  }
  return canonical;
}

function labelsMatch(pattern: readonly string[], host: readonly string[]): boolean {
  const anyDepth = pattern[0] === "*";
  if (anyDepth ? host.length < pattern.length : host.length !== pattern.length) return false;
  const skipped = host.length - pattern.length;
  return pattern.every((label, index) => wildcardMatch(label, host[index + skipped] ?? ""));
}

/** 32 bits of a dotted address, null for anything else. Canonical hosts have no other IPv4 form. */
function ipv4(text: string): number | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return null;
  let value = 0;
  for (const part of match.slice(1)) {
    if (Number(part) > 255) return null;
    value = value * 256 + Number(part);
  }
  return value | 0;
}

/** The IPv4 address inside `::ffff:a9fe:a9fe`, the compressed form that URL parsers write. */
function embeddedV4(v6: string): string | null {
  const match = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(v6);
  if (match === null) return null;
  const high = Number.parseInt(match[1] ?? "0", 16);
  const low = Number.parseInt(match[2] ?? "0", 16);
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

import { canonicalHost } from "../policy/host.ts";

const DEFAULT_PORTS: Record<string, number> = { http: 80, https: 443, ws: 80, wss: 443 };

/**
 * Host and port that a URL leads to, the host in canonical form. `//host` and a bare host mean 443; a bare host needs a dot or a colon, or is
 * `localhost`. Null for every text that two URL parsers could read as two hosts: spaces, control characters, backslashes, percent signs in
 * the host, two `@`, IPv6 without brackets, other schemes.
 */
export function hostAndPort(url: string): { host: string; port: number } | null {
  if (url.length > 8192 || /[\u0000-\u0020\u007f-\u00a0\\]/.test(url)) return null;
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url);
  const known = scheme === null ? "https" : (scheme[1] ?? "").toLowerCase();
  const defaultPort = Object.hasOwn(DEFAULT_PORTS, known) ? DEFAULT_PORTS[known] : undefined;
  if (defaultPort === undefined) return null;
  const relative = scheme === null && url.startsWith("//");
  const rest = url.slice(scheme === null ? (relative ? 2 : 0) : scheme[0].length);
  const authority = rest.split(/[/?#]/, 1)[0] ?? "";
  const at = authority.indexOf("@");
  if (at !== authority.lastIndexOf("@")) return null;
  const parts = splitPort(authority.slice(at + 1));
  if (parts === null) return null;
  const bare = scheme === null && !relative;
  if (bare && !/[.:]/.test(authority) && parts.host.toLowerCase() !== "localhost") return null;
  const host = canonicalHost(parts.host);
  if (host === null) return null;
  // The tool will hand the text to a parser of its own; where the platform's parser sees another host, nobody knows what happens.
  if (!bare && platformHost(relative ? `https:${url}` : url) !== host) return null;
  return { host, port: parts.port ?? defaultPort };
}

function splitPort(authority: string): { host: string; port?: number } | null {
  const bracketed = /^(\[[^\]]*\])(.*)$/.exec(authority);
  const host = bracketed?.[1] ?? authority.split(":", 1)[0] ?? "";
  const tail = bracketed?.[2] ?? authority.slice(host.length);
  if (host === "") return null;
  if (tail === "") return { host };
  if (!/^:\d{1,5}$/.test(tail)) return null;
  const port = Number(tail.slice(1));
  return port >= 1 && port <= 65_535 ? { host, port } : null;
}

function platformHost(url: string): string | null {
  try {
    return canonicalHost(new URL(url).hostname);
  } catch {
    return null;
  }
}

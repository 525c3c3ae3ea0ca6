import { isIP, isIPv6 } from "node:net";
import { fileURLToPath } from "node:url";
import type { ServiceErrorCode } from "./errors.ts";

/**
 * Why a value was refused. `message` completes the sentence "<setting>: …" and quotes the value only where it cannot be a secret.
 */
export class ValueError extends Error {
  readonly fix: string;
  readonly code: ServiceErrorCode;

  constructor(message: string, fix: string, code: ServiceErrorCode = "config_value_invalid") {
    super(message);
    this.fix = fix;
    this.code = code;
  }
}

/** A value as it may stand in an error message: one line, at most 80 characters. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 77)}...` : text);
}

export function oneOf<const T extends string>(allowed: readonly T[], aliases: Readonly<Record<string, T>> = {}) {
  return (text: string): T => {
    const lower = text.toLowerCase();
    const value = aliases[lower] ?? allowed.find((word) => word === lower);
    if (value === undefined) throw new ValueError(`${quote(text)} is not one of ${allowed.join(", ")}`, `use one of ${allowed.join(", ")}`);
    return value;
  };
}

export function boolean(text: string): boolean {
  if (/^(true|1|yes|on)$/i.test(text)) return true;
  if (/^(false|0|no|off)$/i.test(text)) return false;
  throw new ValueError(`${quote(text)} is neither true nor false`, "use true or false");
}

/** A whole number within bounds. */
export function integer(min: number, max: number) {
  return (text: string): number => bounded(text, /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN, min, max, "a whole number");
}

const DURATION_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds: `1500`, `1500ms`, `25s`, `5m`, `1h`. */
export function milliseconds(min: number, max: number) {
  return (text: string): number => {
    const [, digits, unit] = /^(\d{1,12})(ms|s|m|h)?$/.exec(text) ?? [];
    return bounded(
      text,
      Number(digits ?? Number.NaN) * (DURATION_MS[unit ?? "ms"] ?? 1),
      min,
      max,
      "milliseconds, or a number with ms, s, m or h",
    );
  };
}

/** `off`, or a duration that must name its unit, since a bare number would be read as seconds by one and as milliseconds by another. */
export function interval(min: number, max: number) {
  return (text: string): number | null => {
    if (/^(off|0|false|no|never)$/i.test(text)) return null;
    if (/^\d+$/.test(text)) throw new ValueError(`${quote(text)} has no unit`, `write ${text}s for seconds or ${text}m for minutes`);
    return milliseconds(min, max)(text);
  };
}

const SIZE_BYTES: Record<string, number> = {
  "": 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
};

/** Bytes: `10485760`, `10MiB`, `10 GiB`, `500kb`. */
export function bytes(min: number, max: number) {
  return (text: string): number => {
    const [, digits, unit] = /^(\d{1,16})\s?([kmgt]?i?b)?$/i.exec(text) ?? [];
    const scale = SIZE_BYTES[(unit ?? "").toLowerCase()];
    return bounded(
      text,
      digits === undefined || scale === undefined ? Number.NaN : Number(digits) * scale,
      min,
      max,
      "bytes, or a number with KiB, MiB or GiB",
    );
  };
}

function bounded(text: string, value: number, min: number, max: number, what: string): number {
  if (!Number.isSafeInteger(value)) throw new ValueError(`${quote(text)} is not ${what}`, `use ${what}, from ${min} to ${max}`);
  if (value < min || value > max) throw new ValueError(`${quote(text)} is outside ${min} to ${max}`, `use a value from ${min} to ${max}`);
  return value;
}

/** `127.0.0.1:9090`, `[::1]:9090`, `localhost:9090`. Port 0 takes a free one. */
export function listenAddress(text: string): { host: string; port: number } {
  const fix = "write host:port, like 127.0.0.1:9090, 0.0.0.0:9090 or [::]:9090";
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || digits === undefined) throw new ValueError(`${quote(text)} is not an address of the form host:port`, fix);
  if (bracketed !== undefined && !isIPv6(bracketed)) throw new ValueError(`${quote(bracketed)} is not an IPv6 address`, fix);
  if (plain !== undefined && isIP(plain) === 0 && (!/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(plain) || /^[\d.]+$/.test(plain))) {
    throw new ValueError(`${quote(plain)} is neither an IP address nor a host name`, fix);
  }
  const port = Number(digits);
  if (port > 65_535) throw new ValueError(`port ${digits} is above 65535`, fix);
  return { host, port };
}

/** Paths that have an owner already. */
const TAKEN = ["/", "/chio/live", "/chio/evaluate", "/chio/verify", "/metrics"];

/** Absolute, and readable in one way only: it is compared with the raw target of a request. */
export function healthPath(text: string): string {
  if (!/^(\/[A-Za-z0-9._~-]+)+$|^\/$/.test(text) || text.split("/").some((part) => part === "." || part === "..")) {
    throw new ValueError(
      `${quote(text)} is not a plain absolute path`,
      "use a path like /chio/health: letters, digits and ._~- between slashes",
    );
  }
  if (TAKEN.includes(text) || text.startsWith("/v1/") || text.startsWith("/chio/tools/")) {
    throw new ValueError(`${quote(text)} is taken by another route`, "use /chio/health or any path that your app does not serve");
  }
  return text;
}

/** An http(s) URL without credentials, query or fragment. The value is not quoted in errors: a URL may carry a password. */
export function httpUrl(text: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new ValueError("is not a URL", "write http://host:port or https://host:port");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ValueError(`has the scheme ${quote(url.protocol)}`, "use http:// or https://");
  }
  if (url.username !== "" || url.password !== "") {
    throw new ValueError("carries a user name or password", "take the credentials out of the URL");
  }
  if (url.search !== "" || url.hash !== "" || text.includes("?") || text.includes("#")) {
    throw new ValueError("has a query or a fragment", "leave only scheme, host, port and path");
  }
  return url;
}

/** A file path, plain or as `file://` URL. Any other scheme is refused, naming what is served. */
export function filePath(text: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    if (text.includes("\0")) throw new ValueError("holds a NUL character", "write a plain path");
    return text;
  }
  if (scheme !== "file") {
    throw new ValueError(`the scheme ${scheme}:// is not served`, "use a file path or file:///path", "config_unsupported");
  }
  try {
    return fileURLToPath(text);
  } catch {
    throw new ValueError("is not a local file URL", "write file:///absolute/path");
  }
}

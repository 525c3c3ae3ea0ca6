import { createHash, timingSafeEqual } from "node:crypto";
import { HttpRefusal } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { isLoopbackHost } from "./headers.ts";

/** Who may call the control routes: the holder of the token; without a token in the configuration, callers on loopback. */
export class ControlGate {
  readonly #digest: Buffer | null;

  /** `token`: null when none is configured. A blank one refuses everybody: it was meant to be a secret. */
  constructor(token: string | null) {
    this.#digest = token === null ? null : digest(token);
    this.#blank = token !== null && token.trim() === "";
  }

  readonly #blank: boolean;

  /** Null when the caller may. */
  check(exchange: Exchange): HttpRefusal | null {
    if (this.#digest === null) {
      const { connection, request } = exchange;
      const local = connection.loopback && isLoopbackHost(request.headers.host);
      return local && request.headers.origin === undefined && !isProxied(request.rawHeaders) ? null : forbidden("a loopback caller");
    }
    const header = exchange.request.headers.authorization;
    const space = header?.indexOf(" ") ?? -1;
    if (header === undefined || space < 0 || header.slice(0, space).toLowerCase() !== "bearer")
      return forbidden("a loopback caller or valid bearer token");
    // Digests have one length, so that neither content nor length of the token shows in the time.
    const equal = timingSafeEqual(digest(header.slice(space + 1)), this.#digest);
    return equal && !this.#blank ? null : forbidden("a loopback caller or valid bearer token");
  }
}

/**
 * Null unless a web page is behind the call: one whose host name was made to point at this listener (DNS rebinding), or one of another origin.
 * Applies to the sidecar's own routes that take a body; a listener that is open to the network has public host names of its own.
 */
export function checkBrowser(exchange: Exchange, listensOnLoopback: boolean): HttpRefusal | null {
  const { host, origin } = exchange.request.headers;
  if (listensOnLoopback && !isLoopbackHost(host)) {
    return new HttpRefusal(403, "foreign_origin", "the Host header does not name this listener", {
      fix: "call it as localhost, 127.0.0.1 or [::1]",
    });
  }
  if (origin !== undefined && !isSameOrigin(origin, host)) {
    return new HttpRefusal(403, "foreign_origin", "web pages of other origins may not call the sidecar");
  }
  return null;
}

/** A proxy on this machine is on loopback, too; whoever it speaks for need not be. */
function isProxied(rawHeaders: readonly string[]): boolean {
  for (let i = 0; i < rawHeaders.length; i += 2) if (/^(?:forwarded|via|x-forwarded(?:-.*)?|x-real-ip)$/i.test(rawHeaders[i]!)) return true;
  return false;
}

function isSameOrigin(origin: string, host: string): boolean {
  const match = /^https?:\/\/([^/]+)$/i.exec(origin);
  return match !== null && match[1]!.toLowerCase() === host.toLowerCase();
}

function forbidden(who: string): HttpRefusal {
  return new HttpRefusal(403, "control_forbidden", `sidecar control endpoints require ${who}`);
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text, "latin1").digest();
}

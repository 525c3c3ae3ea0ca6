import type { IncomingMessage } from "node:http";
import type { HttpMethod } from "../policy/types.ts";
import type { Limits } from "../service/types.ts";
import { type PresentedCapability, presentedCapability } from "./capability.ts";
import { HttpRefusal } from "./errors.ts";
import { type HeaderFacts, readHeaders } from "./headers.ts";
import { parseTarget, type QueryPair, type Target } from "./target.ts";

export const HTTP_METHODS: readonly HttpMethod[] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
const METHODS: ReadonlySet<string> = new Set(HTTP_METHODS);
/** Methods that change nothing (RFC 9110): their decision needs no receipt of its own before they are forwarded. */
const SAFE: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** A request, read once and never changed. Whatever decides about it and whatever forwards it reads this and nothing else. */
export interface ParsedRequest {
  readonly method: HttpMethod;
  /** GET, HEAD or OPTIONS. */
  readonly safe: boolean;
  readonly httpVersion: "1.1" | "1.0";
  /** Path as it came, see {@link Target}. */
  readonly path: string;
  readonly rawQuery: string | null;
  readonly pairs: readonly QueryPair[];
  readonly query: Target["query"];
  /** Flat name, value, name, value, in the order of the wire, repetitions included. */
  readonly rawHeaders: readonly string[];
  readonly headers: HeaderFacts;
  /** What the caller presented, and the caller's own credentials without it. */
  readonly presented: PresentedCapability;
  /** True when the headers announce a body, which may still turn out empty. */
  readonly hasBody: boolean;
}

/** Throws {@link HttpRefusal} for everything that two readers could take for two different requests. */
export function parseRequest(req: IncomingMessage, limits: Limits): ParsedRequest {
  const { httpVersion, rawHeaders } = req;
  if (httpVersion !== "1.1" && httpVersion !== "1.0") {
    throw new HttpRefusal(400, "http_version", "the request line names another version than HTTP/1.1 or HTTP/1.0");
  }
  const method = req.method as HttpMethod;
  if (!METHODS.has(method)) {
    throw new HttpRefusal(405, "method_not_supported", `method ${JSON.stringify(String(method).slice(0, 32))} is not supported`, {
      headers: ["Allow", HTTP_METHODS.join(", ")],
    });
  }
  const target = parseTarget(req.url ?? "", limits);
  const headers = readHeaders(rawHeaders, limits);
  if (headers.chunked && httpVersion === "1.0") {
    throw new HttpRefusal(400, "transfer_encoding", "Transfer-Encoding has no meaning in HTTP/1.0");
  }
  return {
    method,
    safe: SAFE.has(method),
    httpVersion,
    path: target.path,
    rawQuery: target.rawQuery,
    pairs: target.pairs,
    query: target.query,
    rawHeaders,
    headers,
    presented: presentedCapability(headers, target.query),
    hasBody: headers.chunked || headers.contentLength > 0,
  };
}

/** Path and query as they are forwarded: byte for byte what came, without the pair that carried the capability. */
export function forwardTarget(request: ParsedRequest): string {
  if (request.rawQuery === null) return request.path;
  if (!request.presented.inQuery) return `${request.path}?${request.rawQuery}`;
  const rest = request.pairs.filter(({ name }) => name !== "chio_capability");
  return rest.length === 0 ? request.path : `${request.path}?${rest.map(({ raw }) => raw).join("&")}`;
}

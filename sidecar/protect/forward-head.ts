import type { Exchange } from "../http/exchange.ts";
import { forwardTarget, type ParsedRequest } from "../http/request.ts";

export interface ForwardHeadOptions {
  /** Host header of the upstream. */
  authority: string;
  /** Before every path; usually empty. */
  basePath: string;
  /** The hop in front of the sidecar is the operator's: what it says about the caller is passed on. */
  trustForwarded: boolean;
}

/** How the body of a forwarded request is framed. */
export type RequestFraming =
  | { kind: "none" }
  | { kind: "length"; bytes: number }
  /** A streamed body, whose connection takes no second request. `bytes`: its declared length, counted while it is sent. */
  | { kind: "stream"; bytes: number | null }
  | { kind: "upgrade" };

/**
 * Request line and headers for the upstream, from the very value that was decided on. Framing, Host and X-Forwarded-* are always ours; nothing of the
 * client's framing is copied.
 */
export function forwardHead(exchange: Exchange, options: ForwardHeadOptions, framing: RequestFraming): string {
  const { request, connection } = exchange;
  return headText(request, connection.peer, options, framing);
}

export function headText(request: ParsedRequest, peer: string, options: ForwardHeadOptions, framing: RequestFraming): string {
  let head = `${request.method} ${options.basePath}${forwardTarget(request)} HTTP/1.1\r\nHost: ${options.authority}\r\n`;
  head += request.headers.endToEnd;
  if (request.presented.authorization !== undefined) head += `Authorization: ${request.presented.authorization}\r\n`;
  head += forwardedLines(request, peer, options.trustForwarded);
  return `${head}${framingLines(request, framing)}\r\n`;
}

function framingLines(request: ParsedRequest, framing: RequestFraming): string {
  switch (framing.kind) {
    case "length":
      return `Content-Length: ${framing.bytes}\r\n`;
    case "stream":
      return `${framing.bytes === null ? "Transfer-Encoding: chunked" : `Content-Length: ${framing.bytes}`}\r\nConnection: close\r\n`;
    case "upgrade":
      return "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    default:
      // Where a body is usual, its absence is said (RFC 9110, 8.6).
      return request.safe || request.method === "DELETE" ? "" : "Content-Length: 0\r\n";
  }
}

function forwardedLines({ headers }: ParsedRequest, peer: string, trust: boolean): string {
  const given = trust ? headers.forwarded : undefined;
  if (given === undefined) return `X-Forwarded-For: ${peer}\r\nX-Forwarded-Host: ${headers.host}\r\nX-Forwarded-Proto: http\r\n`;
  const chain = given.get("x-forwarded-for");
  let lines = `X-Forwarded-For: ${chain === undefined ? peer : `${chain}, ${peer}`}\r\n`;
  lines += `X-Forwarded-Host: ${given.get("x-forwarded-host") ?? headers.host}\r\n`;
  lines += `X-Forwarded-Proto: ${given.get("x-forwarded-proto") ?? "http"}\r\n`;
  for (const [name, label] of [
    ["x-forwarded-port", "X-Forwarded-Port"],
    ["x-forwarded-prefix", "X-Forwarded-Prefix"],
  ] as const) {
    const value = given.get(name);
    if (value !== undefined) lines += `${label}: ${value}\r\n`;
  }
  return lines;
}

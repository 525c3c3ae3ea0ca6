import { type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Target } from "./targets.ts";

export interface RequestTimeout {
  readonly ms: number;
  /** `total`: from the request to the end of the answer. `idle`: without a byte either way. */
  readonly kind: "total" | "idle";
}

/** Fields of one connection, which end at each hop. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "trailer", "upgrade"]);

/** Sends one request on and streams both ways. Never rejects: what fails on the way is a 502 or 504, or ends the connection when the answer has begun. */
export function forward(incoming: IncomingMessage, answer: ServerResponse, target: Target, timeout: RequestTimeout): Promise<void> {
  return new Promise((resolve) => {
    let over = false;
    const finish = () => {
      over = true;
      clearTimeout(timer);
      resolve();
    };
    const outgoing = request({
      host: target.host,
      port: target.port,
      method: incoming.method,
      path: incoming.url,
      headers: forwardedHeaders(incoming),
      // A connection for each request: one that is used again can be closed by the other side in the moment of the next request.
      agent: false,
      setHost: false,
    });
    const fail = (status: number, text: string) => {
      if (over) return;
      outgoing.destroy();
      if (answer.headersSent) answer.destroy();
      else answer.writeHead(status, { "content-type": "text/plain; charset=utf-8", connection: "close" }).end(`${text}\n`);
    };
    const late = () => fail(504, `the request took longer than the platform's ${timeout.ms / 1000} s`);
    const timer = timeout.kind === "total" ? setTimeout(late, timeout.ms) : undefined;
    if (timeout.kind === "idle") outgoing.setTimeout(timeout.ms, late);
    outgoing.on("error", (error) => fail(502, `the replica gave no answer: ${error.message}`));
    outgoing.on("response", (response) => {
      answer.writeHead(response.statusCode ?? 502, response.statusMessage, endToEnd(response.rawHeaders));
      response.pipe(answer);
      response.on("error", () => answer.destroy());
    });
    // The client is gone: so is its request.
    answer.on("close", () => {
      outgoing.destroy();
      finish();
    });
    incoming.on("error", () => outgoing.destroy());
    incoming.pipe(outgoing);
  });
}

/** A connection that changes its protocol (websocket): the request goes on as it is, then bytes both ways. Resolves when it is closed. */
export function forwardUpgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer, target: Target): Promise<void> {
  return new Promise((resolve) => {
    const outgoing = request({
      host: target.host,
      port: target.port,
      method: incoming.method,
      path: incoming.url,
      headers: [...forwardedHeaders(incoming), "Connection", "Upgrade", "Upgrade", incoming.headers.upgrade ?? "websocket"],
      agent: false,
      setHost: false,
    });
    socket.on("error", () => outgoing.destroy());
    socket.on("close", () => {
      outgoing.destroy();
      resolve();
    });
    outgoing.on("error", () => socket.destroy());
    outgoing.on("response", (response) => {
      socket.write(headText(response));
      response.pipe(socket);
    });
    outgoing.on("upgrade", (response, upstream, rest) => {
      socket.write(headText(response));
      socket.write(rest);
      upstream.write(head);
      upstream.on("error", () => socket.destroy());
      upstream.on("close", () => socket.destroy());
      socket.on("close", () => upstream.destroy());
      upstream.pipe(socket);
      socket.pipe(upstream);
    });
    outgoing.end();
  });
}

function headText({ statusCode, statusMessage, rawHeaders }: IncomingMessage): string {
  const fields = pairs(rawHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${statusCode} ${statusMessage}\r\n${fields.join("")}\r\n`;
}

function forwardedHeaders(incoming: IncomingMessage): string[] {
  const client = incoming.socket.remoteAddress ?? "127.0.0.1";
  const framed = incoming.headers["transfer-encoding"] === undefined ? [] : ["Transfer-Encoding", "chunked"];
  const headers = endToEnd(incoming.rawHeaders, ["x-forwarded-for", "x-forwarded-proto"]);
  const before = incoming.headers["x-forwarded-for"];
  return [
    ...headers,
    ...framed,
    "X-Forwarded-For",
    before === undefined ? client : `${String(before)}, ${client}`,
    "X-Forwarded-Proto",
    "http",
  ];
}

/** Raw fields, in their order and spelling, without those of this hop. */
function endToEnd(raw: readonly string[], without: readonly string[] = []): string[] {
  const named = pairs(raw)
    .filter(([name]) => name.toLowerCase() === "connection")
    .flatMap(([, value]) => value.split(",").map((one) => one.trim().toLowerCase()));
  return pairs(raw)
    .filter(([name]) => {
      const field = name.toLowerCase();
      return !HOP_BY_HOP.has(field) && !named.includes(field) && !without.includes(field);
    })
    .flat();
}

function pairs(raw: readonly string[]): [string, string][] {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[index * 2] ?? "", raw[index * 2 + 1] ?? ""]);
}

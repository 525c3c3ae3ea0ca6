import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Metrics } from "../service/metrics.ts";
import type { Limits, Logger } from "../service/types.ts";
import { type ClientConnection, connectionOf } from "./connection.ts";
import { ConnectionWatch } from "./connection-watch.ts";
import type { Deadlines } from "./deadlines.ts";
import { HttpRefusal } from "./errors.ts";
import { Exchange, refusalJson } from "./exchange.ts";
import { parseRequest } from "./request.ts";
import { refuseSocket } from "./socket-answer.ts";

/** Requests that one connection may send ahead of their answers. */
const MAX_PIPELINED = 16;

export interface ServerHandler {
  /** Answers, now or later; never throws. */
  request(exchange: Exchange): void;
  /** A websocket upgrade. Owns the socket from here on; never throws. */
  upgrade(req: IncomingMessage, socket: Socket, head: Buffer, connection: ClientConnection): void;
}

export interface HttpServerOptions {
  limits: Limits;
  handler: ServerHandler;
  metrics: Metrics;
  logger: Logger;
  deadlines: Deadlines;
}

export interface HttpServer {
  listen(address: { host: string; port: number }): Promise<{ host: string; port: number }>;
  /** Requests that have no complete answer yet. */
  readonly inflight: number;
  /** Takes no new connection, closes idle ones, and ends every other with its answer. */
  stopAccepting(): void;
  /** Resolves when no request is at work. */
  idle(): Promise<void>;
  /** Cuts every connection. */
  destroy(): void;
}

/** `node:http` with everything that lets a request be read two ways switched off or refused. The same code runs on Node and on Bun. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { limits, handler, metrics, logger, deadlines } = options;
  const sockets = new Set<Socket>();
  let inflight = 0;
  let stopping = false;
  let whenIdle: (() => void)[] = [];

  const server: Server = createServer({
    // The parser's limit is over request line and headers together; ours are exact and tell which one was passed.
    maxHeaderSize: limits.maxHeaderBytes + limits.maxTargetBytes + 1_024,
    insecureHTTPParser: false,
    headersTimeout: limits.headerTimeoutMs,
    // Bodies have a timeout of their own (body.ts), and answers may stream for as long as they like.
    requestTimeout: 0,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: Math.min(1_000, Math.max(50, limits.headerTimeoutMs / 4)),
    // Any other upgrade (h2c) is left out, as RFC 9110 lets a server do, and the request is served as what it is.
    shouldUpgradeCallback: (req) => req.headers.upgrade?.trim().toLowerCase() === "websocket",
    noDelay: true,
  });
  // The parser would cut off the headers beyond its count and say nothing; 0 shows all, and readHeaders counts them.
  server.maxHeadersCount = 0;
  server.maxRequestsPerSocket = 0;
  server.timeout = 0;
  server.maxConnections = limits.maxConnections;

  const finish = (connection: ClientConnection) => {
    inflight--;
    connection.busy = false;
    connection.answer = null;
    const next = connection.waiting.shift();
    if (next !== undefined && !connection.closing) next();
    if (inflight === 0 && whenIdle.length > 0) {
      const waiting = whenIdle;
      whenIdle = [];
      for (const resolve of waiting) resolve();
    }
  };

  const start = (req: IncomingMessage, res: ServerResponse, connection: ClientConnection, awaitsContinue: boolean) => {
    inflight++;
    connection.busy = true;
    connection.answer = res;
    if (stopping) connection.closing = true;
    metrics.requestStarted();
    const startedAt = performance.now();
    let exchange: Exchange | undefined;
    res.on("close", () => {
      exchange?.closed();
      metrics.requestFinished(exchange?.outcome ?? "refused", res.statusCode, (performance.now() - startedAt) / 1_000);
      finish(connection);
    });
    try {
      const request = parseRequest(req, limits);
      exchange = new Exchange(req, res, request, connection, awaitsContinue);
      // Node's parser loses what was sent behind an upgrade that is left out; nobody may rely on it.
      if (request.headers.upgrade !== undefined) connection.closing = true;
    } catch (error) {
      const refusal = toRefusal(error, logger);
      // No receipt will tell of it.
      logger.debug("request refused", { reason: refusal.code, status: refusal.status, peer: connection.peer });
      refuseUnparsed(res, connection, refusal);
      return;
    }
    try {
      handler.request(exchange);
    } catch (error) {
      // A handler answers its own failures; this one is a bug, and what it left behind is unknown.
      logger.error("a request handler failed", { error });
      exchange.outcome = "error";
      if (res.headersSent) exchange.destroy();
      else exchange.refuse(new HttpRefusal(500, "evaluation_failed", "the request could not be handled"));
    }
  };

  /** One request of a connection at a time, so that the order of the wire is the order of the decisions, and nothing runs behind a refused one. */
  const enqueue = (req: IncomingMessage, res: ServerResponse, awaitsContinue: boolean) => {
    const connection = connectionOf(req.socket);
    connection.requests++;
    if (connection.closing) return;
    if (!connection.busy) {
      start(req, res, connection, awaitsContinue);
    } else if (connection.waiting.length < MAX_PIPELINED) {
      connection.waiting.push(() => {
        if (res.destroyed) {
          const next = connection.waiting.shift();
          next?.();
        } else start(req, res, connection, awaitsContinue);
      });
    } else {
      connection.closing = true;
      req.socket.destroy();
    }
  };

  server.on("request", (req, res) => enqueue(req, res, false));
  server.on("checkContinue", (req, res) => enqueue(req, res, true));
  server.on("checkExpectation", (req, res) => enqueue(req, res, false));
  /** The parser gave the socket away. Behind a request at work it is cut: whatever was written to it would be read as that request's answer. */
  const taken = (socket: Socket): ClientConnection | null => {
    const connection = connectionOf(socket);
    connection.requests++;
    const behindAnother = connection.busy || connection.closing;
    connection.closing = true;
    if (!behindAnother) return connection;
    socket.on("error", () => socket.destroy());
    socket.destroy();
    return null;
  };
  server.on("connect", (_req, socket: Socket) => {
    if (taken(socket) !== null) refuseSocket(socket, new HttpRefusal(405, "method_not_supported", "CONNECT is not supported"));
  });
  server.on("upgrade", (req: IncomingMessage, socket: Socket, head: Buffer) => {
    const connection = taken(socket);
    if (connection !== null) handler.upgrade(req, socket, head, connection);
  });
  server.on("clientError", (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket) => {
    const connection = connectionOf(socket as Socket);
    // The parser lost its place. An answer at work would be cut into or followed by ours, so then there is only the end of the connection.
    const answering = connection.busy && !connection.readingBody;
    if (connection.closing || answering || error.code === "ECONNRESET" || !socket.writable) {
      connection.closing = true;
      socket.destroy();
      return;
    }
    connection.closing = true;
    metrics.requestStarted();
    const refusal = parserRefusal(error);
    metrics.requestFinished("refused", refusal.status, 0);
    refuseSocket(socket as Socket, refusal);
  });
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    const watch = new ConnectionWatch(socket, limits);
    deadlines.add(watch);
    socket.on("close", () => {
      sockets.delete(socket);
      deadlines.delete(watch);
    });
  });

  return {
    async listen({ host, port }) {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host, port }, () => {
          server.off("error", reject);
          resolve();
        });
      });
      server.on("error", (error) => logger.error("the listener failed", { error }));
      const bound = server.address() as AddressInfo;
      return { host: bound.address, port: bound.port };
    },
    get inflight() {
      return inflight;
    },
    stopAccepting() {
      stopping = true;
      server.close();
      server.closeIdleConnections();
      for (const socket of sockets) {
        const connection = connectionOf(socket);
        if (connection.busy) connection.closing = true;
      }
    },
    idle() {
      return inflight === 0 ? Promise.resolve() : new Promise((resolve) => whenIdle.push(resolve));
    },
    destroy() {
      stopping = true;
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** The request was not read, so neither is what follows it: the connection ends with this answer. */
function refuseUnparsed(res: ServerResponse, connection: ClientConnection, refusal: HttpRefusal): void {
  const body = refusalJson(refusal);
  connection.closing = true;
  res.writeHead(refusal.status, [
    ...refusal.headers,
    "Content-Type",
    "application/json",
    "Content-Length",
    String(Buffer.byteLength(body)),
    "Connection",
    "close",
  ]);
  res.end(body);
}

function toRefusal(error: unknown, logger: Logger): HttpRefusal {
  if (error instanceof HttpRefusal) return error;
  logger.error("reading a request failed", { error });
  return new HttpRefusal(400, "malformed_request", "the request could not be read");
}

function parserRefusal(error: NodeJS.ErrnoException & { rawPacket?: Buffer }): HttpRefusal {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      // Without the end of the request line in it, the packet is one long target.
      return error.rawPacket !== undefined && !error.rawPacket.includes("\r\n")
        ? new HttpRefusal(414, "target_too_long", "path and query are too long")
        : new HttpRefusal(431, "headers_too_large", "the headers are more, or larger, than the limit");
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new HttpRefusal(408, "header_timeout", "the headers did not arrive in time");
    case "HPE_INVALID_METHOD":
      return new HttpRefusal(405, "method_not_supported", "the method is not supported");
    default:
      return new HttpRefusal(400, "malformed_request", "the bytes are not an HTTP/1.1 request");
  }
}

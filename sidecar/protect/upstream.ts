import { connect, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Deadlines } from "../http/deadlines.ts";
import { UpstreamError } from "./errors.ts";
import { type AnswerEvents, UpstreamConnection, type UpstreamRequest } from "./upstream-connection.ts";

export interface UpstreamOptions {
  url: URL;
  connectTimeoutMs: number;
  answerTimeoutMs: number;
  /** Of an answer. */
  maxHeadBytes: number;
  maxIdle: number;
  deadlines: Deadlines;
}

/**
 * The connections to the one configured upstream. Redirects are answers like any other, the address never depends on a request, and a request is
 * sent once or not at all. Written on sockets, not on node:http's client: half the processor time a request, and the same bytes on Node and Bun.
 */
export class Upstream {
  /** For the Host header: `127.0.0.1:8080`. */
  readonly authority: string;
  /** What stands before every path: empty, or `/base`. */
  readonly basePath: string;
  readonly #options: UpstreamOptions;
  readonly #open: () => UpstreamConnection;
  readonly #idle: UpstreamConnection[] = [];
  readonly #all = new Set<UpstreamConnection>();

  constructor(options: UpstreamOptions) {
    const { url } = options;
    if ((url.protocol !== "http:" && url.protocol !== "https:") || url.search !== "" || url.hash !== "" || url.username !== "") {
      throw new UpstreamError(
        "upstream_unsupported",
        "connect",
        `the upstream must be http(s)://host[:port][/path], not ${url.protocol}//${url.host}`,
        {
          fix: "leave out query, fragment and credentials",
        },
      );
    }
    this.authority = url.host;
    this.basePath = url.pathname.replace(/\/+$/, "");
    this.#options = options;
    const tls = url.protocol === "https:";
    const host = url.hostname.replace(/^\[|\]$/g, "");
    const port = url.port === "" ? (tls ? 443 : 80) : Number(url.port);
    // An address is no server name (RFC 6066); the certificate is checked against it all the same.
    const serverName = isIP(host) === 0 ? { servername: host } : {};
    const timeouts = { connectMs: options.connectTimeoutMs, answerMs: options.answerTimeoutMs };
    this.#open = () => {
      const socket = tls ? connectTls({ host, port, ALPNProtocols: ["http/1.1"], ...serverName }) : connect({ host, port });
      return new UpstreamConnection(socket, tls ? "secureConnect" : "connect", timeouts, options.maxHeadBytes);
    };
  }

  send(request: UpstreamRequest, events: AnswerEvents): UpstreamConnection {
    const connection = this.#take() ?? this.#add();
    connection.send(request, events);
    return connection;
  }

  /** Ends everything, at work or not. */
  close(): void {
    for (const connection of [...this.#all]) connection.abort();
  }

  /** The one that was used last: it is the least likely to be closing. */
  #take(): UpstreamConnection | null {
    const now = performance.now();
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return null;
      if (!connection.closed && connection.at > now) return connection;
      connection.abort();
    }
  }

  #add(): UpstreamConnection {
    const connection = this.#open();
    const { deadlines, maxIdle } = this.#options;
    this.#all.add(connection);
    deadlines.add(connection);
    connection.onClosed = () => {
      this.#all.delete(connection);
      deadlines.delete(connection);
      const at = this.#idle.indexOf(connection);
      if (at >= 0) this.#idle.splice(at, 1);
    };
    connection.onReusable = () => {
      if (this.#idle.length < maxIdle) this.#idle.push(connection);
      else connection.abort();
    };
    return connection;
  }
}

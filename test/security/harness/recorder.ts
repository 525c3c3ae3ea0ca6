import { createServer, type Server, type Socket } from "node:net";

/** One request as the upstream saw it. Nothing is normalised, merged or dropped. */
export interface RecordedRequest {
  /** Position of its connection among all, from 0. */
  connection: number;
  line: string;
  method: string;
  target: string;
  headers: [name: string, value: string][];
  body: Buffer;
}

/** Writes the answer. `socket` is for answers that are not whole, or none. */
export type Answer = (request: RecordedRequest, socket: Socket) => string | Uint8Array | undefined;

/**
 * A dumb upstream: it takes every byte on a connection for requests, one behind the other, as RFC 9112 frames them, and writes down what it reads. A
 * body that was sent without framing is the next request to it, which is what smuggling looks like.
 */
export class Recorder {
  readonly requests: RecordedRequest[] = [];
  readonly garbage: string[] = [];
  answer: Answer = () => ok("{}");
  /** Sees the bytes before they are a request. */
  onBytes: (bytes: Buffer, socket: Socket) => void = () => {};
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  connections = 0;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<Recorder> {
    const server = createServer({ noDelay: true });
    const recorder = new Recorder(server);
    server.on("connection", (socket) => recorder.#accept(socket));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return recorder;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  get lines(): string[] {
    return this.requests.map(({ line }) => line);
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#sockets.size;
  }

  clear(): void {
    this.requests.length = 0;
    this.garbage.length = 0;
    this.answer = () => ok("{}");
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(socket: Socket): void {
    const connection = this.connections++;
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    let buffer = Buffer.alloc(0);
    let tunnel = false;
    socket.on("data", (bytes: Buffer) => {
      if (tunnel) return;
      this.onBytes(bytes, socket);
      buffer = Buffer.concat([buffer, bytes]);
      for (;;) {
        const read = readRequest(buffer, connection);
        if (read === null) return;
        if (read === "garbage") {
          this.garbage.push(buffer.toString("latin1"));
          socket.destroy();
          return;
        }
        buffer = buffer.subarray(read.bytes);
        this.requests.push(read.request);
        const answer = this.answer(read.request, socket);
        if (answer !== undefined) socket.write(answer);
        if (
          (typeof answer === "string" && answer.startsWith("HTTP/1.1 101")) ||
          read.request.headers.some(([name]) => name.toLowerCase() === "x-tunnel")
        )
          tunnel = true;
      }
    });
  }
}

function readRequest(buffer: Buffer, connection: number): { request: RecordedRequest; bytes: number } | null | "garbage" {
  const end = buffer.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [line, ...rest] = buffer.toString("latin1", 0, end).split("\r\n") as [string, ...string[]];
  const match = /^(\S+) (\S+) HTTP\/1\.[01]$/.exec(line);
  if (match === null) return "garbage";
  const headers = rest.map((text): [string, string] => {
    const colon = text.indexOf(":");
    return [text.slice(0, colon), text.slice(colon + 1).trim()];
  });
  const value = (name: string) => headers.find(([key]) => key.toLowerCase() === name)?.[1];
  const from = end + 4;
  const request = { connection, line, method: match[1]!, target: match[2]!, headers };
  if (value("transfer-encoding") !== undefined) {
    const body = readChunked(buffer, from);
    return body === null ? null : { request: { ...request, body: body.data }, bytes: body.end };
  }
  const length = Number(value("content-length") ?? "0");
  if (buffer.length < from + length) return null;
  return { request: { ...request, body: Buffer.from(buffer.subarray(from, from + length)) }, bytes: from + length };
}

function readChunked(buffer: Buffer, from: number): { data: Buffer; end: number } | null {
  const parts: Buffer[] = [];
  for (let at = from; ; ) {
    const lineEnd = buffer.indexOf("\r\n", at);
    if (lineEnd < 0) return null;
    const size = Number.parseInt(buffer.toString("latin1", at, lineEnd), 16);
    const data = lineEnd + 2;
    if (size === 0) {
      if (buffer.toString("latin1", data, data + 2) === "\r\n") return { data: Buffer.concat(parts), end: data + 2 };
      const end = buffer.indexOf("\r\n\r\n", data);
      return end < 0 ? null : { data: Buffer.concat(parts), end: end + 4 };
    }
    if (buffer.length < data + size + 2) return null;
    parts.push(buffer.subarray(data, data + size));
    at = data + size + 2;
  }
}

/** A whole 200 answer. */
export function ok(body: string, headers = ""): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

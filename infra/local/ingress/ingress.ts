import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { LocalRunError } from "../errors.ts";
import { forward, forwardUpgrade, type RequestTimeout } from "./forward.ts";
import { Targets } from "./targets.ts";

/** What stands in front of the replicas, where a cloud has its load balancer: on 127.0.0.1, in this process. */
export class Ingress {
  readonly targets = new Targets();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #timeout: RequestTimeout;

  private constructor(timeout: RequestTimeout) {
    this.#timeout = timeout;
    // The replica decides what a good request is and how long it may take; nothing is cut here before it has seen it.
    this.#server = createServer({ requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: 60_000 });
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("request", async (incoming, answer) => {
      const taken = this.targets.take();
      if (taken === null) {
        answer.writeHead(503, { "content-type": "text/plain; charset=utf-8", "retry-after": "1" }).end("no replica is ready\n");
        return;
      }
      try {
        await taken.target.onRequest?.begin();
        await forward(incoming, answer, taken.target, this.#timeout);
      } finally {
        taken.target.onRequest?.end();
        taken.done();
      }
    });
    this.#server.on("upgrade", async (incoming, socket, head) => {
      const taken = this.targets.take();
      if (taken === null) {
        socket.end("HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        return;
      }
      try {
        await taken.target.onRequest?.begin();
        await forwardUpgrade(incoming, socket, head, taken.target);
      } finally {
        taken.target.onRequest?.end();
        taken.done();
      }
    });
  }

  /** Throws `LocalRunError` `port_taken`. */
  static async listen(port: number, timeout: RequestTimeout): Promise<Ingress> {
    const ingress = new Ingress(timeout);
    await new Promise<void>((resolve, reject) => {
      ingress.#server.once("error", (cause: NodeJS.ErrnoException) => {
        const taken = cause.code === "EADDRINUSE";
        const text = taken ? `port ${port} on 127.0.0.1 is in use` : `the ingress cannot listen on 127.0.0.1:${port}: ${cause.message}`;
        reject(new LocalRunError("port_taken", text, { fix: "choose another hostPort, or leave it out to get a free one", cause }));
      });
      ingress.#server.listen(port, "127.0.0.1", resolve);
    });
    return ingress;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

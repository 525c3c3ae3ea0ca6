import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { ClientConnection } from "../http/connection.ts";
import { HttpRefusal } from "../http/errors.ts";
import type { ReceiptOptions } from "../http/mediator.ts";
import { type ParsedRequest, parseRequest } from "../http/request.ts";
import { answerSocket, refuseSocket } from "../http/socket-answer.ts";
import type { Call, Decision } from "../kernel/types.ts";
import type { RequestOutcome } from "../service/metrics.ts";
import { denialJson, upstreamJson, upstreamStatus } from "./answers.ts";
import { proxiedCall } from "./calls.ts";
import { protocolError, type UpstreamError } from "./errors.ts";
import { headText } from "./forward-head.ts";
import { CLIENT_CLOSED } from "./forwarding.ts";
import type { ProxyDeps } from "./proxy.ts";
import type { ResponseHead } from "./response-head.ts";
import { Tunnel } from "./tunnel.ts";
import type { UpstreamConnection } from "./upstream-connection.ts";

const EMPTY: Uint8Array = new Uint8Array(0);
const WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Websockets: only on routes that take them. The decision and the final receipt (status 101) are durable before the client sees the 101. */
export class WebSockets {
  readonly #deps: ProxyDeps;
  readonly #tunnels = new Set<Tunnel>();
  readonly #maxTunnels: number;
  #handshakes = 0;

  constructor(deps: ProxyDeps) {
    this.#deps = deps;
    this.#maxTunnels = deps.limits.maxConnections;
  }

  get open(): number {
    return this.#tunnels.size;
  }

  /** Handshakes that have no outcome yet. */
  get handshakes(): number {
    return this.#handshakes;
  }

  /** Takes the socket over; never throws. */
  upgrade(req: IncomingMessage, socket: Socket, head: Buffer, connection: ClientConnection): void {
    const { metrics, logger } = this.#deps;
    metrics.requestStarted();
    this.#handshakes++;
    const startedAt = performance.now();
    socket.on("error", () => socket.destroy());
    this.#handshake(req, socket, head, connection)
      .catch((error: unknown): [RequestOutcome, number] => {
        const refusal =
          error instanceof HttpRefusal ? error : new HttpRefusal(500, "evaluation_failed", "the upgrade could not be handled");
        if (refusal !== error) logger.error("an upgrade could not be handled", { error });
        refuseSocket(socket, refusal);
        return [refusal.status >= 500 ? "error" : "refused", refusal.status];
      })
      .then(([outcome, status]) => {
        this.#handshakes--;
        metrics.requestFinished(outcome, status, (performance.now() - startedAt) / 1_000);
      });
  }

  goAway(): void {
    for (const tunnel of [...this.#tunnels]) tunnel.goAway();
  }

  destroy(): void {
    for (const tunnel of [...this.#tunnels]) tunnel.destroy();
  }

  async #handshake(req: IncomingMessage, socket: Socket, early: Buffer, connection: ClientConnection): Promise<[RequestOutcome, number]> {
    const { mediator, metrics, limits } = this.#deps;
    const request = parseRequest(req, limits);
    const unavailable = mediator.unavailable();
    if (unavailable !== null) throw unavailable;
    const route = mediator.bundle.routes.match(request.method, request.path);
    checkUpgrade(request, route.route?.websocket === true, early);
    if (this.#tunnels.size >= this.#maxTunnels)
      throw new HttpRefusal(503, "overloaded", "too many websockets are open", { headers: ["Retry-After", "1"] });
    const call = proxiedCall(request, route, EMPTY, mediator);
    const decision = mediator.decide(call);
    if (!decision.allow) {
      metrics.guardDenied(decision.guard);
      const { receiptId } = await mediator.record(call, decision, { scope: "final", status: decision.httpStatus });
      answerSocket(socket, decision.httpStatus, denialJson(decision, receiptId), ["X-Chio-Receipt-Id", receiptId]);
      return ["deny", decision.httpStatus];
    }
    const { receiptId: decisionReceiptId } = await mediator.record(call, decision, { scope: "decision", status: 200, opens: true });
    const decided = { call, decision, decisionReceiptId };
    return await this.#connect(request, socket, connection.peer, decided);
  }

  /** Asks the upstream, and passes on what it says: a 101 with a tunnel behind it, or a refusal as it is. */
  async #connect(request: ParsedRequest, socket: Socket, peer: string, decided: Decided): Promise<[RequestOutcome, number]> {
    const { forward } = this.#deps;
    const head = headText(request, peer, forward, { kind: "upgrade" });
    const release = holdSilent(socket);
    const answer = await this.#ask(head, request, socket);
    if (answer === "gone") {
      await this.#final(decided, CLIENT_CLOSED, {
        aborted: { as: "cancel", reason: "the client closed the connection before the answer" },
      });
      return ["error", CLIENT_CLOSED];
    }
    if ("error" in answer) {
      const status = upstreamStatus(answer.error);
      const receiptId = await this.#final(decided, status, { metadata: { chio_upstream_error: answer.error.code } });
      answerSocket(socket, status, upstreamJson(answer.error, receiptId), ["X-Chio-Receipt-Id", receiptId]);
      return ["error", status];
    }
    const { response, connection, body } = answer;
    if (response.status === 101) return await this.#open(decided, socket, response, connection, release);
    const receiptId = await this.#final(decided, response.status);
    writeAnswer(socket, response, receiptId, body);
    return ["allow", response.status];
  }

  async #open(
    decided: Decided,
    socket: Socket,
    response: ResponseHead,
    connection: UpstreamConnection,
    release: () => void,
  ): Promise<[RequestOutcome, number]> {
    const { socket: upstream, rest } = connection.detach();
    upstream.on("error", () => upstream.destroy());
    try {
      const receiptId = await this.#final(decided, 101);
      if (socket.destroyed || upstream.destroyed)
        throw new HttpRefusal(502, "upgrade_refused", "the connection broke during the handshake");
      const tunnel = new Tunnel(socket, upstream, () => this.#tunnels.delete(tunnel));
      this.#tunnels.add(tunnel);
      const head = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${lines(response.headers)}X-Chio-Receipt-Id: ${receiptId}\r\n\r\n`;
      release();
      socket.write(head, "latin1");
      tunnel.start(rest);
      return ["allow", 101];
    } catch (error) {
      upstream.destroy();
      throw error;
    }
  }

  #ask(head: string, request: ParsedRequest, socket: Socket): Promise<Answer> {
    return new Promise((resolve) => {
      const body: Buffer[] = [];
      let bytes = 0;
      let response: ResponseHead | null = null;
      const done = (answer: Answer) => {
        socket.off("close", onClose);
        resolve(answer);
      };
      const onClose = () => {
        connection.abort();
        done("gone");
      };
      const fail = (message: string) => {
        connection.abort();
        done({ error: protocolError(message) });
      };
      socket.on("close", onClose);
      const connection: UpstreamConnection = this.#deps.upstream.send(
        { head, body: null, streams: true, method: request.method, upgrade: true },
        {
          onHead: (answer) => {
            response = answer;
            if (answer.status !== 101) return;
            if (acceptsKey(request, answer)) done({ response: answer, connection, body: Buffer.alloc(0) });
            else fail("the upstream's 101 is not an answer to this websocket handshake");
          },
          onData: (data) => {
            bytes += data.length;
            // A refused handshake has a short answer; a long one is not what was asked for.
            if (bytes <= MAX_REFUSAL_BYTES) body.push(data);
            else fail("the upstream's refusal of the handshake is too long");
          },
          onEnd: () => done({ response: response!, connection, body: Buffer.concat(body) }),
          onError: (error) => {
            this.#deps.metrics.upstreamError(error.kind);
            done({ error });
          },
        },
      );
    });
  }

  async #final(
    { call, decision, decisionReceiptId }: Decided,
    status: number,
    more: Pick<ReceiptOptions, "aborted" | "metadata"> = {},
  ): Promise<string> {
    const { receiptId } = await this.#deps.mediator.record(call, decision, { scope: "final", status, decisionReceiptId, ...more });
    return receiptId;
  }
}

const MAX_REFUSAL_BYTES = 1024 * 1024;

interface Decided {
  call: Call;
  decision: Decision;
  decisionReceiptId: string;
}

type Answer = { response: ResponseHead; connection: UpstreamConnection; body: Buffer } | { error: UpstreamError } | "gone";

function checkUpgrade(request: ParsedRequest, routeTakesIt: boolean, early: Buffer): void {
  const refuse = (message: string, fix?: string) => new HttpRefusal(400, "upgrade_refused", message, fix === undefined ? {} : { fix });
  if (request.headers.upgrade !== "websocket" || request.method !== "GET" || request.httpVersion !== "1.1" || request.hasBody) {
    throw refuse("an upgrade is taken only as a websocket handshake: GET, HTTP/1.1, without a body");
  }
  if (!routeTakesIt) throw refuse("this route takes no websocket", "set x-chio-websocket: true on the operation");
  if (early.length > 0) throw refuse("bytes came before the handshake was answered");
}

/** Until the 101 the client has nothing to say: bytes, or the end of its side, end the connection. Only a socket that is read tells of either. */
function holdSilent(socket: Socket): () => void {
  const cut = () => socket.destroy();
  socket.on("data", cut).on("end", cut);
  return () => socket.off("data", cut).off("end", cut);
}

/** RFC 6455, 4.1: a 101 that proves that the upstream read this handshake, and not any answer that happens to carry this status. */
function acceptsKey({ rawHeaders }: ParsedRequest, { headers, upgrade }: ResponseHead): boolean {
  const key = headerValue(rawHeaders, "sec-websocket-key");
  if (key === undefined || upgrade !== "websocket") return false;
  const expected = createHash("sha1").update(`${key}${WEBSOCKET_GUID}`).digest("base64");
  return headerValue(headers, "sec-websocket-accept") === expected;
}

function headerValue(headers: readonly string[], name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (headers[i]!.toLowerCase() === name) return headers[i + 1];
  return undefined;
}

function writeAnswer(socket: Socket, { status, headers }: ResponseHead, receiptId: string, body: Buffer): void {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) if (headers[i] !== "Content-Length") kept.push(headers[i]!, headers[i + 1]!);
  const head = `HTTP/1.1 ${status} \r\n${lines(kept)}X-Chio-Receipt-Id: ${receiptId}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  socket.write(head, "latin1");
  socket.end(body);
}

function lines(headers: readonly string[]): string {
  let text = "";
  for (let i = 0; i < headers.length; i += 2) text += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return text;
}

import { type BodyMemory, readBody } from "../http/body.ts";
import type { Deadlines } from "../http/deadlines.ts";
import { HttpRefusal } from "../http/errors.ts";
import type { Exchange } from "../http/exchange.ts";
import type { Mediator } from "../http/mediator.ts";
import type { Call, Decision } from "../kernel/types.ts";
import type { RouteMatch } from "../policy/types.ts";
import type { Metrics } from "../service/metrics.ts";
import type { Limits, Logger } from "../service/types.ts";
import { denialJson } from "./answers.ts";
import { checkToolBody, proxiedCall } from "./calls.ts";
import { type ForwardHeadOptions, forwardHead, type RequestFraming } from "./forward-head.ts";
import { CLIENT_CLOSED, Forwarding } from "./forwarding.ts";
import { UploadStream } from "./upload-stream.ts";
import type { Upstream } from "./upstream.ts";

/** Bodies up to this are read before anything is decided; for larger ones a caller that may not call at all is refused first. */
const READ_AHEAD_BYTES = 64 * 1024;
const EMPTY: Uint8Array = new Uint8Array(0);

export interface ProxyDeps {
  mediator: Mediator;
  upstream: Upstream;
  metrics: Metrics;
  logger: Logger;
  limits: Limits;
  memory: BodyMemory;
  deadlines: Deadlines;
  forward: ForwardHeadOptions;
}

/** The path of a proxied request: decide, write ahead where the method has effects, forward, record, relay. */
export class ReverseProxy {
  readonly #deps: ProxyDeps;

  constructor(deps: ProxyDeps) {
    this.#deps = deps;
  }

  /** Answers the exchange; never throws. */
  handle(exchange: Exchange): void {
    try {
      const { request } = exchange;
      const { mediator } = this.#deps;
      const unavailable = mediator.unavailable();
      if (unavailable !== null) throw unavailable;
      const route = mediator.bundle.routes.match(request.method, request.path);
      if (!request.hasBody) {
        this.#decide(exchange, proxiedCall(request, route, EMPTY, mediator), EMPTY);
        return;
      }
      checkToolBody(request, route);
      if (this.#deniedWithoutBody(exchange, route)) return;
      if (route.route?.streamBody === true) {
        this.#stream(exchange, proxiedCall(request, route, null, mediator));
        return;
      }
      this.#buffer(exchange, route);
    } catch (error) {
      this.#refuse(exchange, error);
    }
  }

  /** A large or announced body is not taken from a caller whom nothing in it could help. */
  #deniedWithoutBody(exchange: Exchange, route: RouteMatch): boolean {
    const { request, awaitsContinue } = exchange;
    const small = !request.headers.chunked && request.headers.contentLength <= READ_AHEAD_BYTES;
    if (small && !awaitsContinue) return false;
    const call = proxiedCall(request, route, null, this.#deps.mediator);
    const denial = this.#deps.mediator.decideWithoutBody(call);
    if (denial === null) return false;
    this.#deny(exchange, call, denial);
    return true;
  }

  #buffer(exchange: Exchange, route: RouteMatch): void {
    const { limits, memory, deadlines, mediator } = this.#deps;
    readBody(exchange, { maxBytes: limits.maxBodyBytes, timeoutMs: limits.bodyTimeoutMs }, memory, deadlines)
      .then((body) => this.#decide(exchange, proxiedCall(exchange.request, route, body, mediator), body))
      .catch((error) => this.#refuse(exchange, error));
  }

  #decide(exchange: Exchange, call: Call, body: Uint8Array): void {
    const decision = this.#deps.mediator.decide(call);
    if (!decision.allow) {
      this.#deny(exchange, call, decision);
      return;
    }
    const framing: RequestFraming = body.length > 0 ? { kind: "length", bytes: body.length } : { kind: "none" };
    if (exchange.request.safe) {
      this.#forward(exchange, call, decision, framing, body, undefined);
      return;
    }
    this.#writeAhead(exchange, call, decision, (receiptId) => this.#forward(exchange, call, decision, framing, body, receiptId));
  }

  #stream(exchange: Exchange, call: Call): void {
    const decision = this.#deps.mediator.decide(call);
    if (!decision.allow) {
      this.#deny(exchange, call, decision);
      return;
    }
    this.#writeAhead(exchange, call, decision, (receiptId) => {
      const { upstream, forward, limits, deadlines } = this.#deps;
      const { contentLength } = exchange.request.headers;
      const bytes = contentLength < 0 ? null : contentLength;
      const forwarding = new Forwarding(this.#deps, { exchange, call, decision, decisionReceiptId: receiptId });
      const head = forwardHead(exchange, forward, { kind: "stream", bytes });
      forwarding.begin((events) => {
        const connection = upstream.send({ head, body: null, streams: true, method: exchange.request.method, upgrade: false }, events);
        const upload = new UploadStream(exchange, connection, forwarding, bytes, deadlines, limits.bodyTimeoutMs);
        upload.start();
        return connection;
      });
    });
  }

  /** The signed decision is durable before the upstream hears of a call that may change something. */
  #writeAhead(exchange: Exchange, call: Call, decision: Decision, forward: (decisionReceiptId: string) => void): void {
    const { mediator, logger } = this.#deps;
    mediator
      .record(call, decision, { scope: "decision", status: 200, opens: true })
      .then(
        ({ receiptId }) => {
          if (!exchange.clientGone) {
            forward(receiptId);
            return;
          }
          const aborted = { as: "cancel", reason: "the client closed the connection before the request was forwarded" } as const;
          mediator
            .record(call, decision, { scope: "final", status: CLIENT_CLOSED, decisionReceiptId: receiptId, aborted })
            .catch((error) => logger.error("a cancelled request has no final receipt", { error }));
        },
        (error) => this.#refuse(exchange, error),
      )
      .catch((error) => this.#refuse(exchange, error));
  }

  #forward(
    exchange: Exchange,
    call: Call,
    decision: Decision,
    framing: RequestFraming,
    body: Uint8Array,
    decisionReceiptId: string | undefined,
  ): void {
    const { upstream, forward } = this.#deps;
    const forwarding = new Forwarding(this.#deps, {
      exchange,
      call,
      decision,
      ...(decisionReceiptId === undefined ? {} : { decisionReceiptId }),
    });
    const head = forwardHead(exchange, forward, framing);
    forwarding.begin((events) => upstream.send({ head, body, streams: false, method: exchange.request.method, upgrade: false }, events));
  }

  #deny(exchange: Exchange, call: Call, decision: Decision): void {
    const { mediator, metrics } = this.#deps;
    exchange.outcome = "deny";
    metrics.guardDenied(decision.guard);
    mediator
      .record(call, decision, { scope: "final", status: decision.httpStatus })
      .then(({ receiptId }) => exchange.sendJson(decision.httpStatus, denialJson(decision, receiptId), ["X-Chio-Receipt-Id", receiptId]))
      .catch((error) => this.#refuse(exchange, error));
  }

  #refuse(exchange: Exchange, error: unknown): void {
    if (exchange.res.headersSent) {
      exchange.destroy();
      return;
    }
    if (error instanceof HttpRefusal) {
      exchange.outcome = error.status >= 500 ? "error" : "refused";
      exchange.refuse(error);
      return;
    }
    exchange.outcome = "error";
    this.#deps.logger.error("a request could not be handled", { error });
    exchange.refuse(new HttpRefusal(500, "evaluation_failed", "the request could not be handled; the log has the cause"));
  }
}

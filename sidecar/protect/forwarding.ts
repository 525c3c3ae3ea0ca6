import type { HttpRefusal } from "../http/errors.ts";
import type { Exchange } from "../http/exchange.ts";
import type { Mediator, ReceiptOptions } from "../http/mediator.ts";
import type { Call, Decision } from "../kernel/types.ts";
import type { Metrics } from "../service/metrics.ts";
import type { Logger } from "../service/types.ts";
import type { JsonObject } from "../wire/json.ts";
import { upstreamJson, upstreamStatus, withheldJson } from "./answers.ts";
import type { UpstreamError } from "./errors.ts";
import type { ResponseHead } from "./response-head.ts";
import type { AnswerEvents, UpstreamConnection } from "./upstream-connection.ts";

/** The client closed its side before its answer began. Not a registered status; the one that proxies use in their logs. */
export const CLIENT_CLOSED = 499;
/** What may be held of an answer while its receipt is on the way to the disk. */
const HOLD_BYTES = 64 * 1024;

export interface ForwardingDeps {
  mediator: Mediator;
  metrics: Metrics;
  logger: Logger;
}

/** What was decided about one request, on its way to the upstream. */
export interface DecidedCall {
  exchange: Exchange;
  call: Call;
  decision: Decision;
  /** Set when the decision was written ahead: the final receipt closes it. */
  decisionReceiptId?: string;
}

/**
 * One request between the upstream and the client: the answer's head is held until its final receipt is durable, then everything streams. There is
 * one final receipt, whatever happens: an answer, a failure of the upstream, or a client that went away.
 */
export class Forwarding implements AnswerEvents {
  readonly #deps: ForwardingDeps;
  readonly #decided: DecidedCall;
  #connection: UpstreamConnection | null = null;
  #head: ResponseHead | null = null;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #relaying = false;
  #ended = false;
  /** What is there of the answer must not reach the client as a whole one. */
  #broken = false;
  /** The final receipt is made, or being made. */
  #concluded = false;
  /** What the final receipt says beside the outcome; of a streamed body. */
  metadata: (() => JsonObject) | null = null;
  /** Called when no more of the request body is wanted. */
  onSettled: (() => void) | null = null;

  constructor(deps: ForwardingDeps, decided: DecidedCall) {
    this.#deps = deps;
    this.#decided = decided;
    decided.exchange.onGone(() => this.#clientGone());
  }

  /** `send` begins the exchange with the upstream. */
  begin(send: (events: AnswerEvents) => UpstreamConnection): void {
    this.#connection = send(this);
  }

  onHead(head: ResponseHead): void {
    if (!this.#conclude()) return;
    this.#head = head;
    this.#record({ scope: "final", status: head.status })
      .then(
        (receiptId) => this.#relay(receiptId),
        (refusal: HttpRefusal) => this.#withhold(refusal),
      )
      .catch((error) => this.#bug(error));
  }

  onData(data: Buffer): void {
    if (!this.#relaying) {
      this.#held.push(data);
      this.#heldBytes += data.length;
      if (this.#heldBytes > HOLD_BYTES) this.#connection?.pause();
      return;
    }
    if (!this.#decided.exchange.res.write(data)) this.#connection?.pause();
  }

  onEnd(): void {
    // The connection may serve another call from here on: nothing that becomes of this client concerns it any more.
    this.#connection = null;
    this.#ended = true;
    if (this.#relaying) this.#decided.exchange.res.end();
  }

  onError(error: UpstreamError): void {
    this.#connection = null;
    this.#deps.metrics.upstreamError(error.kind);
    if (this.#head === null) {
      this.#failed(error);
      return;
    }
    this.#broken = true;
    if (this.#relaying) this.#decided.exchange.destroy();
  }

  /** The request itself broke off while its body was streamed: the upstream is not left with half of it. */
  abortRequest(error: UpstreamError): void {
    this.#connection?.abort();
    this.#failed(error);
  }

  #failed(error: UpstreamError): void {
    if (!this.#conclude()) return;
    const { exchange } = this.#decided;
    const status = upstreamStatus(error);
    this.#deps.logger.warn("the upstream gave no usable answer", {
      code: error.code,
      message: error.message,
      request_id: this.#decided.call.requestId,
    });
    this.#record({ scope: "final", status, metadata: { chio_upstream_error: error.code } })
      .then(
        (receiptId) => {
          exchange.outcome = "error";
          exchange.sendJson(status, upstreamJson(error, receiptId), ["X-Chio-Receipt-Id", receiptId]);
        },
        (refusal: HttpRefusal) => this.#withhold(refusal),
      )
      .catch((bug) => this.#bug(bug));
  }

  #clientGone(): void {
    this.#connection?.abort();
    if (!this.#conclude()) return;
    this.#record({
      scope: "final",
      status: CLIENT_CLOSED,
      aborted: { as: "cancel", reason: "the client closed the connection before the answer" },
    }).catch((error: HttpRefusal) => this.#deps.logger.error("the receipt of a cancelled request could not be made durable", { error }));
  }

  async #record(options: ReceiptOptions): Promise<string> {
    const { call, decision, decisionReceiptId } = this.#decided;
    if (decisionReceiptId !== undefined) options.decisionReceiptId = decisionReceiptId;
    if (this.metadata !== null) options.metadata = { ...this.metadata(), ...options.metadata };
    const { receiptId } = await this.#deps.mediator.record(call, decision, options);
    return receiptId;
  }

  #relay(receiptId: string): void {
    const { exchange } = this.#decided;
    exchange.outcome = "allow";
    if (exchange.clientGone || exchange.res.destroyed) {
      this.#connection?.abort();
      return;
    }
    if (this.#broken) {
      exchange.destroy();
      return;
    }
    const head = this.#head!;
    head.headers.push("X-Chio-Receipt-Id", receiptId);
    exchange.writeHead(head.status, head.headers);
    this.#relaying = true;
    const { res } = exchange;
    const held = this.#held;
    this.#held = [];
    if (this.#ended) {
      const whole = held.length > 1 ? Buffer.concat(held) : held[0];
      if (whole === undefined) res.end();
      else res.end(whole);
      return;
    }
    res.on("drain", () => this.#connection?.resume());
    res.flushHeaders();
    let flowing = true;
    for (const data of held) flowing = res.write(data);
    if (flowing && this.#heldBytes > HOLD_BYTES) this.#connection?.resume();
    else if (!flowing) this.#connection?.pause();
  }

  /** The upstream has run; its answer stays here, since nothing proves it. */
  #withhold(refusal: HttpRefusal): void {
    const { exchange } = this.#decided;
    this.#broken = true;
    this.#connection?.abort();
    exchange.outcome = "error";
    exchange.connection.closing = true;
    const { safe } = exchange.request;
    exchange.sendJson(safe ? 503 : 500, withheldJson(refusal, safe), safe ? ["Retry-After", "1"] : []);
  }

  #bug(error: unknown): void {
    this.#deps.logger.error("an answer could not be passed on", { error });
    this.#connection?.abort();
    this.#decided.exchange.destroy();
  }

  /** True for the first outcome: an answer, a failure or a client that went. There is one, and one final receipt for it. */
  #conclude(): boolean {
    if (this.#concluded) return false;
    this.#concluded = true;
    this.onSettled?.();
    return true;
  }
}

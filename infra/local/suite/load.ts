import { Agent, request } from "node:http";
import type { LifecycleCall } from "./subject.ts";

/** How one call ended. */
export interface CallResult {
  /** Null when there was no answer: the connection was refused or cut. */
  readonly status: number | null;
  readonly receiptId: string | null;
  /** Why there was no answer. */
  readonly error: string | null;
}

const TIMEOUT_MS = 120_000;

/** Makes calls with one capability, each on a connection of its own or on kept ones. Never rejects: how a call ended is what is asked. */
export class Caller {
  readonly #url: string;
  readonly #bearer: string;
  readonly #call: LifecycleCall;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

  constructor(url: string, bearer: string, call: LifecycleCall) {
    this.#url = url;
    this.#bearer = bearer;
    this.#call = call;
  }

  /** @param call in place of the caller's own */
  once(call = this.#call): Promise<CallResult> {
    return new Promise((resolve) => {
      const failed = (error: NodeJS.ErrnoException) => resolve({ status: null, receiptId: null, error: error.code ?? error.message });
      const sent = request(new URL(call.path, this.#url), {
        agent: this.#agent,
        method: call.method ?? "GET",
        headers: { ...call.headers, authorization: `Bearer ${this.#bearer}` },
        timeout: TIMEOUT_MS,
      });
      sent.on("timeout", () => sent.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
      sent.on("error", failed);
      sent.on("response", (answer) => {
        answer.on("error", failed);
        answer.on("end", () => {
          const id = answer.headers["x-chio-receipt-id"];
          resolve({ status: answer.statusCode ?? null, receiptId: typeof id === "string" ? id : null, error: null });
        });
        answer.resume();
      });
      sent.end(call.body);
    });
  }

  /** `count` calls at once; `ended` counts those that have ended so far. */
  many(count: number, call = this.#call): { readonly all: Promise<CallResult[]>; readonly ended: () => number } {
    let ended = 0;
    const one = () =>
      this.once(call).finally(() => {
        ended++;
      });
    return { all: Promise.all(Array.from({ length: count }, one)), ended: () => ended };
  }

  /** Calls without a pause from `workers` sides, until `stop` is called; resolves with all results. */
  steady(workers: number): { readonly results: readonly CallResult[]; stop(): Promise<readonly CallResult[]> } {
    const results: CallResult[] = [];
    let running = true;
    const work = async () => {
      while (running) results.push(await this.once());
    };
    const all = Promise.all(Array.from({ length: workers }, work));
    return {
      results,
      async stop() {
        running = false;
        await all;
        return results;
      },
    };
  }

  close(): void {
    this.#agent.destroy();
  }
}

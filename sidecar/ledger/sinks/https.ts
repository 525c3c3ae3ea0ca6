import { createHash } from "node:crypto";
import { Agent, request } from "node:https";
import type { ReceiptSink, SinkRecord } from "../types.ts";
import { recordLine } from "./record-line.ts";

export interface HttpsSinkOptions {
  /** `https:` only. Name of the sink, and so of its delivery cursor, is this URL. */
  url: URL;
  /** Secret: sent as `Authorization: Bearer`. */
  token?: string;
  /** Longest wait for the answer to one group, milliseconds. @default 30000 */
  timeoutMs?: number;
}

/**
 * Receipts and checkpoints as JSON lines to an HTTPS server, a group a POST. Any 2xx answer confirms the group; everything else leaves it to be
 * offered again, so an answer that says "never" holds the sink back rather than losing evidence. `Idempotency-Key` is the hash of the body: a group
 * that is sent again unchanged can be told by it, a receipt in another group by its `id`. Redirects are not followed: they would take receipts
 * and token to a server that nobody configured. Throws TypeError for a URL of another scheme.
 */
export function httpsSink({ url, token, timeoutMs = 30_000 }: HttpsSinkOptions): ReceiptSink {
  if (url.protocol !== "https:") throw new TypeError(`the receipt sink ${url.href} is not an https:// URL`);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const closing = new AbortController();
  return {
    name: url.href,
    async write(group) {
      const status = await post(url, group, {
        agent,
        token,
        timeoutMs,
        signal: AbortSignal.any([closing.signal, AbortSignal.timeout(timeoutMs)]),
      });
      if (status < 200 || status > 299) throw new Error(`answered ${status}${hint(status)}`);
    },
    async flush() {},
    async close() {
      closing.abort(new Error("the sink was closed"));
      agent.destroy();
    },
  };
}

interface Posting {
  agent: Agent;
  token: string | undefined;
  timeoutMs: number;
  signal: AbortSignal;
}

/** Status of the answer. */
function post(url: URL, group: readonly SinkRecord[], { agent, token, timeoutMs, signal }: Posting): Promise<number> {
  const body = Buffer.from(group.map(recordLine).join(""));
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => {
      const late = (signal.reason as Error | undefined)?.name === "TimeoutError";
      reject(new Error(late ? `gave no answer within ${timeoutMs} ms` : `cannot be reached: ${error.code ?? error.message}`));
    };
    const sent = request(url, {
      method: "POST",
      agent,
      signal,
      headers: {
        "content-type": "application/x-ndjson",
        "content-length": body.length,
        "idempotency-key": createHash("sha256").update(body).digest("hex"),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
    });
    sent.on("error", failed);
    sent.on("response", (answer) => {
      // Read to its end, so that the connection can be used again; what it says is the server's own business.
      answer.on("error", failed);
      answer.on("end", () => resolve(answer.statusCode ?? 0));
      answer.resume();
    });
    sent.end(body);
  });
}

function hint(status: number): string {
  if (status === 401 || status === 403) return ": check CHIO_RECEIPT_SINK_TOKEN and what it may write";
  if (status >= 300 && status < 400) return ": redirects are not followed, name the final URL";
  if (status === 413) return ": it refuses groups of this size";
  return "";
}

import type { ClientRequest, IncomingMessage, RequestOptions } from "node:http";

const MAX_ANSWER = 64 * 1024;

/** `status` is null where no answer came; `text` says why then, and is the body otherwise. */
export interface HealthAnswer {
  status: number | null;
  text: string;
}

/** GET on a connection of its own. Never throws; `signal` gives up at once. */
export async function ask(url: URL, timeoutMs: number, signal?: AbortSignal): Promise<HealthAnswer> {
  const { request } = url.protocol === "https:" ? await import("node:https") : await import("node:http");
  return await once(request, url, timeoutMs, signal);
}

type Request = (url: URL, options: RequestOptions, answered: (answer: IncomingMessage) => void) => ClientRequest;

function once(request: Request, url: URL, timeoutMs: number, signal: AbortSignal | undefined): Promise<HealthAnswer> {
  return new Promise((resolve) => {
    const failed = (text: string) => resolve({ status: null, text });
    const headers = { connection: "close", "user-agent": "chio-health" };
    const call = request(url, { agent: false, timeout: timeoutMs, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (piece: string) => {
        if (text.length < MAX_ANSWER) text += piece;
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? null, text: text.slice(0, MAX_ANSWER) }));
      answer.on("error", (error) => failed(`broke off: ${error.message}`));
    });
    const deadline = setTimeout(() => call.destroy(new Error(`gave no answer within ${timeoutMs} ms`)), timeoutMs);
    const giveUp = () => call.destroy(new Error("given up"));
    signal?.addEventListener("abort", giveUp, { once: true });
    call.on("error", (error: NodeJS.ErrnoException) =>
      failed(error.code === "ECONNREFUSED" ? "refused the connection: nothing listens there" : error.message),
    );
    call.on("close", () => {
      clearTimeout(deadline);
      signal?.removeEventListener("abort", giveUp);
    });
    call.end();
  });
}

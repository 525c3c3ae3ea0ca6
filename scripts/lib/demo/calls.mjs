import { Agent, request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** @typedef {{ status: number, body: any, receiptId: string | undefined }} Answer body: parsed JSON, else text */

/**
 * One HTTP call.
 * @param {string} base
 * @param {string} method
 * @param {string} path
 * @param {{ token?: string, json?: unknown, agent?: Agent, onSent?: () => void }} [options]
 * @returns {Promise<Answer>}
 */
export function call(base, method, path, { token, json, agent } = {}) {
  return new Promise((resolve, reject) => {
    const body = json === undefined ? undefined : JSON.stringify(json);
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) }),
    };
    const outgoing = request(new URL(path, base), { method, headers, ...(agent ? { agent } : {}) }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (piece) => {
        text += piece;
      });
      response.on("error", reject);
      response.on("end", () => {
        const receiptId = response.headers["x-chio-receipt-id"];
        resolve({ status: response.statusCode ?? 0, body: parsed(text), receiptId: typeof receiptId === "string" ? receiptId : undefined });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * Workers that post one note after the other until the service is gone.
 * @param {string} base
 * @param {string} token
 * @param {{ workers: number, path: string }} options
 */
export function runLoad(base, token, { workers, path }) {
  const agent = new Agent({ keepAlive: true, maxSockets: workers });
  /** @type {Answer[]} */
  const answered = [];
  let turnedAway = 0;
  let running = 0;
  let stopped = false;
  const worker = async (/** @type {number} */ number) => {
    for (let round = 0; !stopped; round++) {
      running++;
      try {
        answered.push(await call(base, "POST", path, { token, json: { text: `note ${number}.${round}` }, agent }));
      } catch {
        turnedAway++;
        // Three refusals in a row: it is gone.
        if (turnedAway > workers * 3) return;
        await sleep(20);
      } finally {
        running--;
      }
    }
  };
  const all = Promise.all(Array.from({ length: workers }, (_, number) => worker(number)));
  return {
    inFlight: () => running,
    /** Resolves once this many calls were answered. @param {number} count */
    warm: async (count) => {
      while (answered.length < count && turnedAway === 0) await sleep(5);
    },
    end: async () => {
      stopped = true;
      await all;
      agent.destroy();
      return { answered, turnedAway };
    },
  };
}

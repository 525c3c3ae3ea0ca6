import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { ChioError } from "../wire/errors.ts";

/** Where apps publish their OpenAPI document, in the order they are asked. */
export const SPEC_PATHS = ["/openapi.json", "/openapi.yaml", "/swagger.json", "/api-docs"] as const;
const MAX_SPEC_BYTES = 16 * 1024 ** 2;
const REQUEST_TIMEOUT_MS = 2_000;
const PAUSE_MS = 250;

export interface DiscoveryOptions {
  /** For all tries together. */
  waitMs: number;
  signal?: AbortSignal;
}

/**
 * The app's own OpenAPI document: the first path that answers 2xx with a body. Tried again while the app is not up; an app that answers
 * and has no document ends the search. Redirects are not followed: the document decides what is protected, so it comes from the app itself.
 */
export async function discoverSpec(upstream: URL, options: DiscoveryOptions): Promise<{ text: string; origin: string }> {
  const deadline = performance.now() + options.waitMs;
  for (;;) {
    const failures: string[] = [];
    let unavailable = false;
    for (const path of SPEC_PATHS) {
      const url = new URL(`${upstream.href.replace(/\/+$/, "")}${path}`);
      const remaining = deadline - performance.now();
      const answer = await get(url, Math.max(1, Math.min(REQUEST_TIMEOUT_MS, remaining)), options.signal);
      if (answer.text !== undefined && answer.text.trim() !== "") return { text: answer.text, origin: url.href };
      failures.push(`${path} ${answer.why ?? "is empty"}`);
      unavailable ||= answer.retry;
      if (answer.retry) break;
    }
    if (!unavailable || performance.now() + PAUSE_MS >= deadline) {
      throw new ChioError("spec_not_found", `no OpenAPI document at ${upstream.origin}: ${failures.join("; ")}`, {
        fix: "name the document with --spec; an app that starts after the sidecar cannot be asked for it",
      });
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

interface Answer {
  text?: string;
  why?: string;
  /** The app is not up (yet). */
  retry: boolean;
}

function get(url: URL, timeoutMs: number, signal: AbortSignal | undefined): Promise<Answer> {
  return new Promise((resolve) => {
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const call = send(url, {
      agent: false,
      headers: { accept: "application/json, application/yaml, */*", connection: "close" },
      ...(signal && { signal }),
    });
    const timer = setTimeout(() => call.destroy(new Error(`gave no answer within ${Math.round(timeoutMs)} ms`)), timeoutMs);
    call.on("error", (error) =>
      resolve({ why: error.message === "" ? "could not be reached" : error.message, retry: signal?.aborted !== true }),
    );
    call.on("close", () => clearTimeout(timer));
    call.on("response", (response) => {
      const status = response.statusCode ?? 0;
      if (status < 200 || status > 299) {
        response.destroy();
        resolve({ why: `answered ${status}`, retry: status === 502 || status === 503 || status === 504 });
        return;
      }
      const chunks: Buffer[] = [];
      let size = 0;
      response.on("data", (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_SPEC_BYTES) response.destroy(new Error(`is over ${MAX_SPEC_BYTES} bytes`));
        else chunks.push(chunk);
      });
      response.on("error", (error) => resolve({ why: error.message, retry: false }));
      response.on("end", () => resolve({ text: Buffer.concat(chunks).toString("utf8"), retry: false }));
    });
    call.end();
  });
}

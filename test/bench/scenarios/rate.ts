import { type Load, load } from "../lib/wrk.ts";

/** Requests per second of one load; a load with any failed request is an error, not a figure. */
export function rate(options: Load): () => Promise<number> {
  return async () => {
    const result = await load(options);
    if (result.failures > 0) throw new Error(`${options.url}: ${result.failures} requests failed`);
    return result.requestsPerSecond;
  };
}

/** Median latency in microseconds of one load. */
export function medianLatency(options: Load): () => Promise<number> {
  return async () => {
    const result = await load(options);
    if (result.failures > 0) throw new Error(`${options.url}: ${result.failures} requests failed`);
    return result.p50;
  };
}

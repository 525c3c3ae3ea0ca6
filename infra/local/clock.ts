import { setTimeout as sleep } from "node:timers/promises";

/** Time as the rules of a platform see it; tests bring their own. */
export interface Clock {
  /** Milliseconds, from any zero point, never backwards. */
  now(): number;
  /** Resolves after `ms`; rejects with the signal's reason as soon as it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  sleep: async (ms, signal) => {
    if (ms <= 0) return signal?.throwIfAborted();
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  },
};

/** True once `ms` have passed, false when the signal ended the wait before. */
export async function slept(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(ms, signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}

/** The first of the two: the work, or the end of the time. The work goes on. */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<{ done: true; value: T } | { done: false }> {
  const timer = new AbortController();
  try {
    return await Promise.race([
      work.then((value) => ({ done: true as const, value })),
      slept(clock, ms, timer.signal).then(() => ({ done: false as const })),
    ]);
  } finally {
    timer.abort();
  }
}

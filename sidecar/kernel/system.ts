import { randomBytes } from "node:crypto";

/** Where the in-process library gets time, randomness and delays from. The only file of the kernel that touches any of them; tests replace it. */
export interface System {
  /** Unix milliseconds. */
  now(): number;
  randomBytes(length: number): Uint8Array;
  /** Calls back once after `milliseconds`, unless the returned function is called first. Keeps the process alive until then: a drain depends on it. */
  after(milliseconds: number, callback: () => void): () => void;
}

/** Node cannot wait longer than this in one timer. */
const MAX_DELAY = 2 ** 31 - 1;

export const system: System = {
  now: () => Date.now(),
  randomBytes: (length) => randomBytes(length),
  after(milliseconds, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, milliseconds), MAX_DELAY));
    return () => clearTimeout(timer);
  },
};

import { uuidv7 } from "../kernel/uuid.ts";

/** Bytes of randomness, fresh on every call. */
export type Randomness = (size: number) => Uint8Array;

const POOL_BYTES = 4_000;
const ID_BYTES = 10;

/** UUIDv7s at `clock` (unix milliseconds). Randomness is drawn in blocks, and each byte is used once. */
export function createIds(clock: () => number, randomness: Randomness): () => string {
  let pool: Uint8Array = new Uint8Array(0);
  let at = 0;
  return () => {
    if (at + ID_BYTES > pool.length) {
      pool = randomness(POOL_BYTES);
      at = 0;
    }
    at += ID_BYTES;
    return uuidv7(clock(), pool.subarray(at - ID_BYTES, at));
  };
}

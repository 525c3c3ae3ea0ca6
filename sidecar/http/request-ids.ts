import { uuidv7FromHex } from "../kernel/uuid.ts";

/** Bytes of randomness, fresh on every call. */
export type Randomness = (size: number) => Uint8Array;

const POOL_BYTES = 4_000;
/** Of the 10 random bytes of an id. */
const DIGITS = 20;

/** UUIDv7s at `clock` (unix milliseconds). Randomness is drawn in blocks, and each byte is used once. */
export function createIds(clock: () => number, randomness: Randomness): () => string {
  let pool = "";
  let at = 0;
  return () => {
    if (at + DIGITS > pool.length) {
      pool = Buffer.from(randomness(POOL_BYTES)).toString("hex");
      at = 0;
    }
    at += DIGITS;
    return uuidv7FromHex(clock(), pool, at - DIGITS);
  };
}

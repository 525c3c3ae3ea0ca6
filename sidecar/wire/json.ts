/** A JSON value. Integers outside the safe range of a double are `bigint`, so that 64-bit values survive (spec: canonical JSON). */
export type Json = null | boolean | number | bigint | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json;
}

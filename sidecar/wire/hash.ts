import { hash } from "node:crypto";
import type { Sha256Hex } from "./types.ts";

/** SHA-256 as 64 lower-case hex characters. A string is hashed as UTF-8. */
export function sha256Hex(data: string | Uint8Array): Sha256Hex {
  return hash("sha256", data, "hex");
}

/** SHA-256 as 32 bytes. A string is hashed as UTF-8. */
export function sha256(data: string | Uint8Array): Uint8Array {
  return hash("sha256", data, "buffer");
}

/** True for exactly `length` lower-case hex characters. */
export function isLowerHex(text: unknown, length: number): text is string {
  if (typeof text !== "string" || text.length !== length) return false;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) return false;
  }
  return true;
}

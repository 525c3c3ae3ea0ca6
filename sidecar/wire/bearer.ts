import { canonicalize } from "./canonical.ts";
import type { CapabilityToken } from "./types.ts";

/** A token as it goes after `Authorization: Bearer `: base64url of its JSON, without padding. */
export function encodeBearer(token: CapabilityToken): string {
  return Buffer.from(canonicalize(token), "utf8").toString("base64url");
}

/**
 * The JSON text inside a bearer value, or null when the value is not base64url of something that begins like an object: then it is somebody else's
 * bearer token. What comes back is untrusted text for `parseCapability`.
 */
export function decodeBearer(value: string): string | null {
  // `{` is 0x7b, so the first character of its base64url is `e`, and the second one of w to z or 0 to 9.
  if (!/^e[w-z0-9][A-Za-z0-9_-]*={0,2}$/.test(value)) return null;
  const bytes = Buffer.from(value, "base64url");
  // Spare bits and a dangling character would give a second spelling of the same token.
  if (bytes.toString("base64url") !== value.replace(/=+$/, "")) return null;
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? text : null;
}

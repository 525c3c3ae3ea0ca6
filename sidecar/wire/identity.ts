import { canonicalize } from "./canonical.ts";
import { sha256Hex } from "./hash.ts";
import type { Json } from "./json.ts";
import type { CallerIdentity, Sha256Hex } from "./types.ts";

const ANONYMOUS: CallerIdentity = { subject: "anonymous", auth_method: { method: "anonymous" }, verified: false };

/** SHA-256 of JCS(identity). */
export function callerIdentityHash(identity: CallerIdentity): Sha256Hex {
  return sha256Hex(canonicalize(identity));
}

/**
 * Who calls, as far as headers say: `Authorization: Bearer <token>` (exact prefix, no space around the token), then `x-api-key`, else anonymous.
 * Never verified here, and the credential itself is not kept: only its hash.
 */
export function extractCaller(authorization: string | undefined, apiKey: string | undefined): CallerIdentity {
  if (authorization?.startsWith("Bearer ")) {
    const token = authorization.slice("Bearer ".length);
    if (isCredential(token)) {
      const hash = sha256Hex(token);
      return { subject: `bearer:${hash.slice(0, 16)}`, auth_method: { method: "bearer", token_hash: hash }, verified: false };
    }
  }
  if (apiKey !== undefined && isCredential(apiKey)) {
    const hash = sha256Hex(apiKey);
    return {
      subject: `apikey:${hash.slice(0, 16)}`,
      auth_method: { method: "api_key", key_name: "x-api-key", key_hash: hash },
      verified: false,
    };
  }
  return structuredClone(ANONYMOUS);
}

function isCredential(text: string): boolean {
  return text !== "" && text.trim() === text;
}

export interface HttpContent {
  method: string;
  /** Raw path, as it was decided and forwarded. */
  path: string;
  /** Parsed query; a value is a string, or an array where the caller keeps repeated names. */
  query: { [name: string]: Json };
  routePattern: string;
  /** SHA-256 hex of the raw body, null when it is empty. */
  bodyHash: Sha256Hex | null;
}

/** SHA-256 of JCS({body_hash, method, path, query, route_pattern}); an absent body hash is an explicit null. */
export function httpContentHash(content: HttpContent): Sha256Hex {
  return sha256Hex(
    canonicalize({
      body_hash: content.bodyHash,
      method: content.method,
      path: content.path,
      query: content.query,
      route_pattern: content.routePattern,
    }),
  );
}

import { canonicalize } from "../wire/canonical.ts";
import { sha256Hex } from "../wire/hash.ts";
import type { Sha256Hex } from "../wire/types.ts";
import type { CompiledPolicy, RouteTable } from "./types.ts";

/**
 * What receipts carry as `policy_hash`. Policy file and OpenAPI document: SHA-256 over the canonical JSON of `{"policy": <file hash>, "routes": <document
 * hash>}`. Only one of them: the SHA-256 of that one's text, which `sha256sum` gives, too. Neither: the hash of the built-in settings.
 */
export function policyHash(policy: CompiledPolicy, routes: RouteTable | null): Sha256Hex {
  if (routes === null) return policy.sourceHash;
  if (policy.format === "builtin") return routes.sourceHash;
  return sha256Hex(canonicalize({ policy: policy.sourceHash, routes: routes.sourceHash }));
}

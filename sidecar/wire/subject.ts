import { sha256 } from "./hash.ts";
import { Keypair } from "./keys.ts";

/**
 * The key of a subject that is known by name only: its seed is SHA-256(name ‖ 0x00 ‖ job uid). Anybody who knows the name can make it, so it names a
 * holder and proves nothing; a grant that needs proof of possession goes to a real key.
 */
export function subjectKeypair(name: string, jobUid = ""): Keypair {
  return Keypair.fromSeed(sha256(Buffer.concat([Buffer.from(name, "utf8"), Buffer.of(0), Buffer.from(jobUid, "utf8")])));
}

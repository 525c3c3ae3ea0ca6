/**
 * Whether 32 bytes are a public key that binds a signature to its message. OpenSSL and BoringSSL differ here: one takes points of small order,
 * under which some signatures hold for every message. So the answer is ours, and the same in every runtime. RFC 8032, section 5.1.3.
 */

const P = 2n ** 255n - 19n;
/** Curve constant d = -121665/121666. */
const D = 37095705934669439343138083508754565189542113879843219016388785533085940283555n;
/** y coordinates of the eight points of small order, without those that only a non-canonical encoding reaches. */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  P - 1n,
  2707385501144840649318225287225658788936804267575313519463743609750303402022n,
  55188659117513257062467267217118295137698188065244968500265048394206261417927n,
]);

/** True when the key decodes canonically to a curve point that is not of small order. About 0.1 ms: done once per key, not per signature. */
export function isUsablePublicKey(bytes: Uint8Array): boolean {
  if (bytes.length !== 32) return false;
  let y = 0n;
  for (let i = 31; i >= 0; i--) y = (y << 8n) | BigInt(i === 31 ? bytes[i]! & 0x7f : bytes[i]!);
  if (y >= P || SMALL_ORDER_Y.has(y)) return false;
  const y2 = (y * y) % P;
  const u = (y2 - 1n + P) % P;
  const v = (D * y2 + 1n) % P;
  // x² = u/v has a root iff u·v is a square; x = 0 only happens at y = ±1, refused above.
  return power((u * v) % P, (P - 1n) / 2n) === 1n;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let factor = base;
  for (let e = exponent; e > 0n; e >>= 1n) {
    if (e & 1n) result = (result * factor) % P;
    factor = (factor * factor) % P;
  }
  return result;
}

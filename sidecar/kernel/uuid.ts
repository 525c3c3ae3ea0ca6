/**
 * A UUIDv7 (RFC 9562) from a time in unix milliseconds and 10 random bytes: ids that sort by time, for requests, sessions and receipt nonces.
 */
export function uuidv7(now: number, random: Uint8Array): string {
  if (random.length < 10) throw new RangeError("a UUIDv7 takes 10 random bytes");
  return uuidv7FromHex(now, Buffer.from(random.subarray(0, 10)).toString("hex"), 0);
}

/** High digits of the variant's byte, by the random digit that stands in its place. */
const VARIANT: Readonly<Record<string, string>> = Object.fromEntries([..."0123456789abcdef"].map((digit, i) => [digit, "89ab"[i & 3]!]));

let latest = { now: Number.NaN, text: "" };

/** The same from 20 random hex digits that begin at `at`: without a buffer for each id, a fifth of the time. */
export function uuidv7FromHex(now: number, random: string, at: number): string {
  if (latest.now !== now) latest = { now, text: timeText(now) };
  const variant = VARIANT[random[at + 4]!]!;
  return `${latest.text}-7${random.slice(at + 1, at + 4)}-${variant}${random.slice(at + 5, at + 8)}-${random.slice(at + 8, at + 20)}`;
}

function timeText(now: number): string {
  const digits = Math.max(0, Math.floor(now)).toString(16).padStart(12, "0").slice(-12);
  return `${digits.slice(0, 8)}-${digits.slice(8)}`;
}

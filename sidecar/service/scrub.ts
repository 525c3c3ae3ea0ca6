/** Of a control token; a seed is longer. */
const SHORTEST = 4;
/** Stands where a secret stood. */
export const REDACTED = "[redacted]";

/**
 * Replaces secrets in text that leaves the process. Two kinds: the configured secrets, in every encoding that they could
 * plausibly turn up in, and whatever looks like a credential of a caller (capability tokens, bearer values), which nobody can
 * list ahead of time.
 */
export interface Scrubber {
  /**
   * Hides `secret` from now on, as it is and JSON-escaped, percent-encoded, base64, base64url and hex. Ignored when it is shorter than any secret
   * that is accepted: hiding a letter or two would garble the very line that says so.
   */
  add(secret: string): void;
  scrub(text: string): string;
}

/** What every credential of a caller looks like. A capability without its 128 hex of signature opens nothing. */
const CREDENTIALS: readonly [pattern: RegExp, replacement: string][] = [
  [/[0-9a-fA-F]{128}/g, REDACTED],
  // base64 and base64url of `{"`, the first two characters of a token's JSON and of a JWT's header.
  [/eyJ[A-Za-z0-9+/_=-]{32,}/g, REDACTED],
  // Percent-encoded `{"…`: a token in a query string.
  [/%7[bB]%22[^\s"&<>]{16,}/g, REDACTED],
  [/(chio_capability=)[^\s"&#<>]+/gi, `$1${REDACTED}`],
  [/(\bBearer\s+)[^\s"'\\,;]+/gi, `$1${REDACTED}`],
];

export function createScrubber(): Scrubber {
  const needles = new Set<string>();
  let ordered: string[] = [];
  return {
    add(secret) {
      if (secret.length < SHORTEST) return;
      for (const form of encodings(secret)) needles.add(form);
      // Longest first, so that a secret that contains another leaves no rest of itself behind.
      ordered = [...needles].sort((a, b) => b.length - a.length);
    },
    scrub(text) {
      let out = text;
      for (const needle of ordered) if (out.includes(needle)) out = out.replaceAll(needle, REDACTED);
      for (const [pattern, replacement] of CREDENTIALS) out = out.replace(pattern, replacement);
      return out;
    },
  };
}

/** The secret in every spelling: the text, the bytes behind it, those JSON-escaped, and all that percent-encoded. */
function encodings(secret: string): Set<string> {
  const plain = [secret, ...bytesOf(secret).flatMap(byteForms)];
  const escaped = plain.flatMap((text) => [text, jsonEscape(text), jsonEscape(jsonEscape(text))]);
  return new Set(escaped.flatMap((text) => [text, encodeURIComponent(text.toWellFormed()), lowerEscapes(text)]));
}

/** What the text may stand for: itself, and 32 bytes of a seed in hex or base64. */
function bytesOf(secret: string): Buffer[] {
  const found = [Buffer.from(secret, "utf8")];
  const hex = secret.replace(/^0x/i, "");
  if (/^[0-9a-f]{64}$/i.test(hex)) found.push(Buffer.from(hex, "hex"));
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(secret)) found.push(Buffer.from(secret, "base64"));
  return found;
}

function byteForms(bytes: Buffer): string[] {
  const hex = bytes.toString("hex");
  const base64 = bytes.toString("base64");
  return [hex, hex.toUpperCase(), base64, base64.replace(/=+$/, ""), bytes.toString("base64url"), bytes.join(","), bytes.join(", ")];
}

function jsonEscape(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function lowerEscapes(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
}

/** A scrubber that hides `secrets` from the start. */
export function withSecretsHidden(secrets: Iterable<string>): Scrubber {
  const scrubber = createScrubber();
  for (const secret of secrets) scrubber.add(secret);
  return scrubber;
}

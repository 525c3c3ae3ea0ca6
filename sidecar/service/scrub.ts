/** Stands where a secret stood. */
export const REDACTED = "[redacted]";

/**
 * Replaces secrets in text that leaves the process. Two kinds: the configured secrets, in every encoding that they could
 * plausibly turn up in, and whatever looks like a credential of a caller (capability tokens, bearer values), which nobody can
 * list ahead of time.
 */
export interface Scrubber {
  /** Hides `secret` from now on, as it is and JSON-escaped, percent-encoded, base64, base64url and hex. Empty: ignored. */
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
      if (secret === "") return;
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

function encodings(secret: string): string[] {
  const forms = [...textForms(secret)];
  const hex = secret.replace(/^0x/i, "");
  if (/^[0-9a-f]{64}$/i.test(hex)) {
    // A seed: the same 32 bytes in any spelling are the secret.
    const bytes = Buffer.from(hex, "hex");
    forms.push(hex.toLowerCase(), hex.toUpperCase(), ...byteForms(bytes), JSON.stringify([...bytes]).slice(1, -1));
  }
  const decoded = /^[A-Za-z0-9+/_-]{42,44}={0,2}$/.test(secret) ? Buffer.from(secret, "base64") : null;
  if (decoded?.length === 32) {
    const seed = decoded.toString("hex");
    forms.push(seed, seed.toUpperCase(), ...byteForms(decoded));
  }
  forms.push(...byteForms(Buffer.from(secret, "utf8")));
  return forms.filter((form) => form !== "");
}

function textForms(secret: string): string[] {
  const escaped = JSON.stringify(secret).slice(1, -1);
  return [secret, escaped, JSON.stringify(escaped).slice(1, -1), encodeURIComponent(secret)];
}

function byteForms(bytes: Buffer): string[] {
  const padded = bytes.toString("base64");
  return [padded, padded.replace(/=+$/, ""), bytes.toString("base64url"), bytes.toString("hex")];
}

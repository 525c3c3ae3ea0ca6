import { WireError } from "../../../sidecar/wire/errors.ts";

/**
 * Positions at which some changed byte of `text` is still accepted by `accepts`. For a signed object it must be empty. Each byte is tried with two
 * replacements that are likely to stay well-formed: a neighbouring character and a digit.
 */
export function acceptedChanges(text: string, accepts: (changed: Uint8Array) => boolean): string[] {
  const bytes = Buffer.from(text);
  const accepted: string[] = [];
  for (let at = 0; at < bytes.length; at++) {
    for (const replacement of [bytes[at]! ^ 1, 0x30]) {
      if (replacement === bytes[at]) continue;
      const changed = Buffer.from(bytes);
      changed[at] = replacement;
      try {
        if (accepts(changed)) accepted.push(`${at}: ${changed.subarray(Math.max(0, at - 20), at + 20).toString("latin1")}`);
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
      }
    }
  }
  return accepted;
}

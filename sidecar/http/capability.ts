import { HttpRefusal } from "./errors.ts";
import type { HeaderFacts } from "./headers.ts";

/** What carries capabilities, and what is left of the caller's credentials once the carrier was taken out. */
export interface PresentedCapability {
  /** Text of the token as presented: JSON, already decoded from its carrier. Not checked in any way. */
  token: string | undefined;
  /** The query carried it: that pair is not forwarded. */
  inQuery: boolean;
  /** The caller's own Authorization, to be forwarded and hashed into its identity; undefined where it carried the capability. */
  authorization: string | undefined;
}

const NOTHING: PresentedCapability = Object.freeze({ token: undefined, inQuery: false, authorization: undefined });

/**
 * A capability comes as `X-Chio-Capability` (JSON), as query parameter `chio_capability` (JSON), or as `Authorization: Bearer` with the base64url
 * of its JSON. The same token may come twice; two different ones are refused, since nobody could say which was meant.
 */
export function presentedCapability(headers: HeaderFacts, query: Readonly<Record<string, string>>): PresentedCapability {
  const { authorization } = headers;
  const inQuery = query.chio_capability !== undefined;
  if (authorization === undefined && headers.capability === undefined && !inQuery) return NOTHING;
  const bearer = authorization === undefined ? undefined : bearerCapability(authorization);
  const token = oneCapability([
    headers.capability === undefined ? undefined : headerText(headers.capability),
    query.chio_capability,
    bearer,
  ]);
  return { token, inQuery, authorization: bearer === undefined ? authorization : undefined };
}

/** The capability that was presented, whichever way and however often. Throws {@link HttpRefusal} for two different ones. */
export function oneCapability(candidates: readonly (string | undefined)[]): string | undefined {
  let token: string | undefined;
  for (const candidate of candidates) {
    if (candidate === undefined) continue;
    if (token !== undefined && token !== candidate) {
      throw new HttpRefusal(400, "capability_conflict", "two different capabilities came with one request", {
        fix: "send one capability, in one place",
      });
    }
    token = candidate;
  }
  return token;
}

/** Header values come one character a byte; a token with characters beyond ASCII came as UTF-8. */
function headerText(value: string): string {
  return /[\x80-\xff]/.test(value) ? decodeUtf8(Buffer.from(value, "latin1")) : value;
}

/**
 * The token that a bearer carries, or undefined where the bearer is something else. Judged by what the bytes look like and not by whether they are
 * a good token: a broken capability is denied, it never reaches the app as if it were the app's own credential.
 */
function bearerCapability(authorization: string): string | undefined {
  const match = /^bearer +([A-Za-z0-9_+/-]+)={0,2}$/i.exec(authorization);
  // Cheap look at the first byte: base64 of `{` or of white space before it.
  if (match === null || !/^[eCDI]/.test(match[1]!)) return undefined;
  const bytes = Buffer.from(match[1]!, "base64url");
  const text = bytes.toString("latin1");
  if (!/^[\t\n\r ]*\{/.test(text) || !text.includes('"signature"') || !text.includes('"scope"')) return undefined;
  return decodeUtf8(bytes);
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new HttpRefusal(400, "capability_undecodable", "the capability is not UTF-8", { fix: "send the token as its issuer printed it" });
  }
}

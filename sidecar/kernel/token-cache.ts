import type { VerifiedToken } from "./verify-token.ts";

/**
 * Tokens whose text was parsed and whose signatures were verified before, keyed by the exact text that was presented. What a cached entry says is
 * only what can never change: time, revocation, trust, binding, constraints and budgets are judged anew on every call.
 *
 * The text itself is the key, not its hash: equal keys are equal tokens without any argument about collisions, and a look-up costs a fraction of
 * a SHA-256 (see test/bench/decide.ts).
 */
export interface TokenCache {
  /** The entry of this text, or undefined. An entry that has expired at `now` (unix seconds) is dropped, and not returned. */
  get(text: string, now: number): VerifiedToken | undefined;
  put(text: string, verified: VerifiedToken): void;
  /** Drops every token that has this id or descends from it. */
  invalidate(capabilityId: string): void;
  clear(): void;
  readonly size: number;
}

export interface TokenCacheOptions {
  /** Tokens. Default 4096. */
  maxEntries?: number;
  /** UTF-16 units of all texts together. Default 16 Mi. */
  maxTotalLength?: number;
}

const DEFAULT_MAX_ENTRIES = 4_096;
const DEFAULT_MAX_TOTAL_LENGTH = 16 * 1024 * 1024;

/** A bounded cache; the least recently used token goes first. */
export function createTokenCache(options: TokenCacheOptions = {}): TokenCache {
  return new LruTokenCache(options.maxEntries ?? DEFAULT_MAX_ENTRIES, options.maxTotalLength ?? DEFAULT_MAX_TOTAL_LENGTH);
}

class LruTokenCache implements TokenCache {
  readonly #entries = new Map<string, VerifiedToken>();
  readonly #maxEntries: number;
  readonly #maxTotalLength: number;
  #totalLength = 0;

  constructor(maxEntries: number, maxTotalLength: number) {
    this.#maxEntries = maxEntries;
    this.#maxTotalLength = maxTotalLength;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(text: string, now: number): VerifiedToken | undefined {
    const entry = this.#entries.get(text);
    if (entry === undefined) return undefined;
    // Also for a clock that is no number.
    if (!(now < entry.token.expires_at)) {
      this.#drop(text);
      return undefined;
    }
    // Only a cache that is filling up needs to know what was used last.
    if (this.#entries.size * 2 > this.#maxEntries || this.#totalLength * 2 > this.#maxTotalLength) {
      this.#entries.delete(text);
      this.#entries.set(text, entry);
    }
    return entry;
  }

  put(text: string, verified: VerifiedToken): void {
    if (text.length > this.#maxTotalLength || this.#maxEntries < 1) return;
    this.#drop(text);
    // A copy: the text may be a slice of a whole header block, which would be kept alive with it.
    this.#entries.set(Buffer.from(text, "utf8").toString("utf8"), verified);
    this.#totalLength += text.length;
    while (this.#entries.size > this.#maxEntries || this.#totalLength > this.#maxTotalLength) {
      this.#drop(this.#entries.keys().next().value!);
    }
  }

  invalidate(capabilityId: string): void {
    for (const [text, entry] of this.#entries) if (entry.lineage.includes(capabilityId)) this.#drop(text);
  }

  clear(): void {
    this.#entries.clear();
    this.#totalLength = 0;
  }

  #drop(text: string): void {
    if (this.#entries.delete(text)) this.#totalLength -= text.length;
  }
}

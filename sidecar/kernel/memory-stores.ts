import { DPOP_MAX_AGE_SECONDS, DPOP_MAX_SKEW_SECONDS } from "../wire/dpop.ts";
import { BUDGET_GRACE_SECONDS } from "./budget.ts";
import { KernelError } from "./errors.ts";
import type { BudgetCharge, BudgetStore, ReplayStore, RevocationStore } from "./types.ts";

interface Counter {
  invocations: number;
  units: bigint;
  /** Unix seconds; the counter of a token that expired a day ago is dropped. */
  expiresAt: number;
}

/** Counters looked at whenever a new one is made: all are seen in turn, and no call pays for many. */
const SWEEP_STEPS = 4;

/**
 * Budget counters in memory, one for each (capability, grant). A counter is dropped a day after its token expired, and never to make room, since
 * that would hand the budget out again: a full store refuses new grants with caps. So does a store that has dropped counters, to a token that would have
 * been among them: its clock was more than a day ahead, and what the token has spent is not known any more.
 */
export class MemoryBudgetStore implements BudgetStore {
  /** By grant index and capability id: the number cannot run into the id. */
  readonly #counters = new Map<string, Counter>();
  readonly #maxEntries: number;
  /** Counters of tokens that expired at or before this may be gone. Unix seconds. */
  #prunedUntil: number;
  #sweeping: IterableIterator<[string, Counter]> | null = null;

  /** `prunedUntil`: the same mark of the store that `initial` comes from. */
  constructor(options: { maxEntries?: number; initial?: Iterable<BudgetCharge>; prunedUntil?: number } = {}) {
    this.#maxEntries = options.maxEntries ?? 1_000_000;
    this.#prunedUntil = options.prunedUntil ?? 0;
    for (const charge of options.initial ?? []) this.#add(keyOf(charge), charge);
  }

  /** Counters kept. */
  get size(): number {
    return this.#counters.size;
  }

  tryCharge(charge: BudgetCharge, caps: { maxInvocations?: number; maxTotalUnits?: bigint }): boolean {
    const key = keyOf(charge);
    const counter = this.#counters.get(key);
    const invocations = (counter?.invocations ?? 0) + charge.invocations;
    const units = (counter?.units ?? 0n) + charge.units;
    if (caps.maxInvocations !== undefined && !(invocations <= caps.maxInvocations)) return false;
    if (caps.maxTotalUnits !== undefined && units > caps.maxTotalUnits) return false;
    if (counter === undefined) {
      if (charge.expiresAt !== undefined && charge.expiresAt <= this.#prunedUntil) return false;
      if (charge.at !== undefined) this.#sweep(charge.at);
      if (this.#counters.size >= this.#maxEntries) return false;
    }
    this.#add(key, charge);
    return true;
  }

  reverse(charge: BudgetCharge): void {
    const counter = this.#counters.get(keyOf(charge));
    if (counter === undefined) return;
    counter.invocations = Math.max(0, counter.invocations - charge.invocations);
    counter.units = counter.units > charge.units ? counter.units - charge.units : 0n;
  }

  /** What was charged so far. */
  spent(capabilityId: string, grantIndex: number): { invocations: number; units: bigint } {
    const { invocations, units } = this.#counters.get(`${grantIndex}:${capabilityId}`) ?? { invocations: 0, units: 0n };
    return { invocations, units };
  }

  #add(key: string, charge: BudgetCharge): void {
    const expiresAt = charge.expiresAt ?? Number.POSITIVE_INFINITY;
    const counter = this.#counters.get(key);
    if (counter === undefined) {
      this.#counters.set(key, { invocations: charge.invocations, units: charge.units, expiresAt });
      return;
    }
    counter.invocations += charge.invocations;
    counter.units += charge.units;
    if (expiresAt > counter.expiresAt) counter.expiresAt = expiresAt;
  }

  #sweep(now: number): void {
    for (let step = 0; step < SWEEP_STEPS; step++) {
      this.#sweeping ??= this.#counters.entries();
      const next = this.#sweeping.next();
      if (next.done === true) {
        this.#sweeping = null;
        return;
      }
      const [key, counter] = next.value;
      if (counter.expiresAt + BUDGET_GRACE_SECONDS > now) continue;
      this.#counters.delete(key);
      this.#prunedUntil = Math.max(this.#prunedUntil, counter.expiresAt);
    }
  }
}

function keyOf(charge: BudgetCharge): string {
  return `${charge.grantIndex}:${charge.capabilityId}`;
}

/**
 * DPoP nonces in memory until they expire. A nonce is never dropped early, since it could then be used again: a full store refuses new ones. So does
 * a store that has dropped nonces, to a proof as old as they were: the clock was set back, and the proof may be one of them.
 */
export class MemoryReplayStore implements ReplayStore {
  /** Expiry by key, in order of insertion. The key length-prefixes its first part, so that no two pairs share one. */
  readonly #keys = new Map<string, number>();
  readonly #maxEntries: number;
  /** The time is at least this (unix seconds): only proofs that are fresh are remembered. */
  #atLeast = 0;
  /** Keys that expired at or before this may be gone. Unix seconds. */
  #prunedUntil: number;

  /** `prunedUntil`: the same mark of the store that `initial` comes from. */
  constructor(
    options: {
      maxEntries?: number;
      initial?: Iterable<{ nonce: string; capabilityId: string; expiresAt: number }>;
      prunedUntil?: number;
    } = {},
  ) {
    this.#maxEntries = options.maxEntries ?? 1_000_000;
    this.#prunedUntil = options.prunedUntil ?? 0;
    for (const entry of options.initial ?? []) this.remember(entry.nonce, entry.capabilityId, entry.expiresAt);
  }

  get size(): number {
    return this.#keys.size;
  }

  remember(nonce: string, capabilityId: string, expiresAt: number): boolean {
    const key = `${nonce.length}:${nonce}${capabilityId}`;
    // Known is known, expired or not: whether a proof is still fresh is judged before.
    if (this.#keys.has(key)) return false;
    this.#atLeast = Math.max(this.#atLeast, expiresAt - DPOP_MAX_AGE_SECONDS - DPOP_MAX_SKEW_SECONDS);
    // Oldest first, and only as far as they are expired: no call pays for all the others.
    for (const [oldest, expiry] of this.#keys) {
      if (expiry > this.#atLeast) break;
      this.#keys.delete(oldest);
      this.#prunedUntil = Math.max(this.#prunedUntil, expiry);
    }
    if (expiresAt <= this.#prunedUntil) return false;
    if (this.#keys.size >= this.#maxEntries) return false;
    this.#keys.set(key, expiresAt);
    return true;
  }
}

/** Revoked ids in memory. Ids are never dropped to make room; `revoke` throws when the store is full. */
export class MemoryRevocationStore implements RevocationStore {
  /** Unix seconds after which the id no longer matters, because every token with it has expired. */
  readonly #revoked = new Map<string, number>();
  readonly #maxEntries: number;

  constructor(options: { maxEntries?: number; initial?: Iterable<string> } = {}) {
    this.#maxEntries = options.maxEntries ?? 1_000_000;
    for (const id of options.initial ?? []) this.revoke(id);
  }

  get size(): number {
    return this.#revoked.size;
  }

  isRevoked(capabilityId: string): boolean {
    return this.#revoked.has(capabilityId);
  }

  /** `until`: unix seconds at which the last token of this lineage has expired; absent: for ever. */
  revoke(capabilityId: string, until = Number.POSITIVE_INFINITY): void {
    const known = this.#revoked.get(capabilityId);
    if (known === undefined && this.#revoked.size >= this.#maxEntries) {
      throw new KernelError("kernel_option_invalid", `the revocation store is full: ${this.#maxEntries} ids`, {
        fix: "raise maxEntries, or sweep ids whose tokens have expired",
      });
    }
    this.#revoked.set(capabilityId, Math.max(known ?? 0, until));
  }

  /** Drops ids that no longer matter at `now` (unix seconds). */
  sweep(now: number): void {
    for (const [id, until] of this.#revoked) if (until <= now) this.#revoked.delete(id);
  }
}

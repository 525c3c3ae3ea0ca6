import { DPOP_MAX_AGE_SECONDS, DPOP_MAX_SKEW_SECONDS } from "../wire/dpop.ts";
import { KernelError } from "./errors.ts";
import type { BudgetCharge, BudgetStore, ReplayStore, RevocationStore } from "./types.ts";

interface Counter {
  invocations: number;
  units: bigint;
}

/**
 * Budget counters in memory, one for each (capability, grant). Counters are never dropped to make room, since that would hand the budget out
 * again: a full store refuses new grants with caps. `forget` takes counters of tokens that have expired.
 */
export class MemoryBudgetStore implements BudgetStore {
  readonly #counters = new Map<string, Map<number, Counter>>();
  readonly #maxEntries: number;
  #size = 0;

  constructor(options: { maxEntries?: number; initial?: Iterable<BudgetCharge> } = {}) {
    this.#maxEntries = options.maxEntries ?? 1_000_000;
    for (const charge of options.initial ?? []) this.#add(charge);
  }

  get size(): number {
    return this.#size;
  }

  tryCharge(charge: BudgetCharge, caps: { maxInvocations?: number; maxTotalUnits?: bigint }): boolean {
    const counter = this.#counters.get(charge.capabilityId)?.get(charge.grantIndex);
    const invocations = (counter?.invocations ?? 0) + charge.invocations;
    const units = (counter?.units ?? 0n) + charge.units;
    if (caps.maxInvocations !== undefined && !(invocations <= caps.maxInvocations)) return false;
    if (caps.maxTotalUnits !== undefined && units > caps.maxTotalUnits) return false;
    if (counter === undefined) return this.#size < this.#maxEntries && this.#add(charge);
    counter.invocations = invocations;
    counter.units = units;
    return true;
  }

  reverse(charge: BudgetCharge): void {
    const counter = this.#counters.get(charge.capabilityId)?.get(charge.grantIndex);
    if (counter === undefined) return;
    counter.invocations = Math.max(0, counter.invocations - charge.invocations);
    counter.units = counter.units > charge.units ? counter.units - charge.units : 0n;
  }

  /** What was charged so far; for metrics and tests. */
  spent(capabilityId: string, grantIndex: number): Readonly<Counter> {
    return this.#counters.get(capabilityId)?.get(grantIndex) ?? { invocations: 0, units: 0n };
  }

  /** Drops the counters of a capability that can no longer be used. */
  forget(capabilityId: string): void {
    this.#size -= this.#counters.get(capabilityId)?.size ?? 0;
    this.#counters.delete(capabilityId);
  }

  #add(charge: BudgetCharge): true {
    let grants = this.#counters.get(charge.capabilityId);
    if (grants === undefined) {
      grants = new Map();
      this.#counters.set(charge.capabilityId, grants);
    }
    const counter = grants.get(charge.grantIndex);
    if (counter === undefined) {
      grants.set(charge.grantIndex, { invocations: charge.invocations, units: charge.units });
      this.#size++;
    } else {
      counter.invocations += charge.invocations;
      counter.units += charge.units;
    }
    return true;
  }
}

/**
 * DPoP nonces in memory until they expire. A nonce is never dropped early, since it could then be used again: a full store refuses new ones.
 */
export class MemoryReplayStore implements ReplayStore {
  /** Expiry by key, in order of insertion. The key length-prefixes its first part, so that no two pairs share one. */
  readonly #keys = new Map<string, number>();
  readonly #maxEntries: number;
  /** The time is at least this (unix seconds): only proofs that are fresh are remembered. */
  #atLeast = 0;

  constructor(options: { maxEntries?: number; initial?: Iterable<{ nonce: string; capabilityId: string; expiresAt: number }> } = {}) {
    this.#maxEntries = options.maxEntries ?? 1_000_000;
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
    }
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

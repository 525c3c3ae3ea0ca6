import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { BudgetCharge, StateChange } from "../kernel/types.ts";

const BUDGETS_MARK = "budgets_pruned_until";
const REPLAY_MARK = "replay_pruned_until";

/** Budget counters, replay keys and revocations: what must be durable together with the receipt that caused it. */
export class StateTables {
  readonly #readBudget: StatementSync;
  readonly #writeBudget: StatementSync;
  readonly #rememberKey: StatementSync;
  readonly #revoke: StatementSync;
  readonly #allBudgets: StatementSync;
  readonly #liveKeys: StatementSync;
  readonly #purgeKeys: StatementSync;
  readonly #purgeBudgets: StatementSync;
  readonly #mark: StatementSync;
  readonly #setMark: StatementSync;
  readonly #revokedAfter: StatementSync;

  constructor(db: DatabaseSync) {
    this.#readBudget = db.prepare("SELECT invocations, units, expires_at FROM budgets WHERE capability_id = ? AND grant_index = ?");
    this.#writeBudget = db.prepare(
      `INSERT INTO budgets VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET invocations = excluded.invocations,
       units = excluded.units, currency = coalesce(excluded.currency, currency), expires_at = excluded.expires_at`,
    );
    this.#rememberKey = db.prepare(
      "INSERT INTO replay_keys VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET expires_at = max(expires_at, excluded.expires_at)",
    );
    this.#revoke = db.prepare("INSERT INTO revocations (capability_id, revoked_at, reason) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
    this.#allBudgets = db.prepare("SELECT * FROM budgets");
    this.#liveKeys = db.prepare("SELECT * FROM replay_keys WHERE expires_at > ?");
    this.#purgeKeys = db.prepare(
      "DELETE FROM replay_keys WHERE (nonce, capability_id) IN (SELECT nonce, capability_id FROM replay_keys WHERE expires_at <= ? LIMIT ?)",
    );
    this.#purgeBudgets = db.prepare(
      `DELETE FROM budgets WHERE (capability_id, grant_index) IN
       (SELECT capability_id, grant_index FROM budgets WHERE expires_at <= ? LIMIT ?)`,
    );
    this.#mark = db.prepare("SELECT value FROM meta WHERE key = ?");
    this.#setMark = db.prepare("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value");
    this.#revokedAfter = db.prepare("SELECT position, capability_id FROM revocations WHERE position > ? ORDER BY position");
  }

  /** Inside the caller's transaction. */
  apply(change: StateChange): void {
    switch (change.type) {
      case "budget":
        this.#charge(change.charge);
        return;
      case "replay":
        this.#rememberKey.run(change.nonce, change.capabilityId, change.expiresAt);
        return;
      case "revoke":
        this.#revoke.run(change.capabilityId, change.at, change.reason ?? null);
        return;
    }
  }

  budgets(): BudgetCharge[] {
    return this.#allBudgets.all().map((row) => ({
      capabilityId: row.capability_id as string,
      grantIndex: row.grant_index as number,
      invocations: row.invocations as number,
      units: BigInt(row.units as string),
      ...(row.currency === null ? {} : { currency: row.currency as string }),
      ...(row.expires_at === null ? {} : { expiresAt: row.expires_at as number }),
    }));
  }

  /** Keys that are still to be remembered at `now`, Unix seconds. */
  replayKeys(now: number): { nonce: string; capabilityId: string; expiresAt: number }[] {
    return this.#liveKeys.all(now).map((row) => ({
      nonce: row.nonce as string,
      capabilityId: row.capability_id as string,
      expiresAt: row.expires_at as number,
    }));
  }

  /** Deletes at most `limit` keys that have expired at `now`; returns how many. Inside the caller's transaction: `replayPrunedUntil` goes with it. */
  purgeReplayKeys(now: number, limit: number): number {
    return this.#purge(this.#purgeKeys, REPLAY_MARK, now, limit);
  }

  /** Keys that expired at or before this may be gone. Unix seconds; 0: none is. */
  replayPrunedUntil(): number {
    return this.#marked(REPLAY_MARK);
  }

  /**
   * Deletes at most `limit` counters of tokens that had expired at `until`, Unix seconds; returns how many. Inside the caller's transaction, because
   * `budgetsPrunedUntil` goes with it. A counter without an expiry is never deleted.
   */
  purgeBudgets(until: number, limit: number): number {
    return this.#purge(this.#purgeBudgets, BUDGETS_MARK, until, limit);
  }

  /** Counters of tokens that expired at or before this may be gone. Unix seconds; 0: none is. */
  budgetsPrunedUntil(): number {
    return this.#marked(BUDGETS_MARK);
  }

  #marked(mark: string): number {
    return Number(this.#mark.get(mark)?.value ?? 0);
  }

  #purge(statement: StatementSync, mark: string, until: number, limit: number): number {
    const purged = Number(statement.run(until, limit).changes);
    if (purged > 0 && until > this.#marked(mark)) this.#setMark.run(mark, String(until));
    return purged;
  }

  /** Revocations that came after `position`, in order, and the last one's position. */
  revokedAfter(position: number): { capabilityIds: string[]; position: number } {
    const rows = this.#revokedAfter.all(position);
    return { capabilityIds: rows.map((row) => row.capability_id as string), position: Number(rows.at(-1)?.position ?? position) };
  }

  /** Totals are decimal text: 64-bit sums do not fit into SQLite's signed integers. */
  #charge(charge: BudgetCharge): void {
    const row = this.#readBudget.get(charge.capabilityId, charge.grantIndex);
    const invocations = Number(row?.invocations ?? 0) + charge.invocations;
    const units = BigInt((row?.units as string | undefined) ?? "0") + charge.units;
    const expiresAt = row === undefined ? (charge.expiresAt ?? null) : later(row.expires_at as number | null, charge.expiresAt ?? null);
    this.#writeBudget.run(charge.capabilityId, charge.grantIndex, invocations, units.toString(), charge.currency ?? null, expiresAt);
  }
}

/** Null is never. */
function later(one: number | null, other: number | null): number | null {
  return one === null || other === null ? null : Math.max(one, other);
}

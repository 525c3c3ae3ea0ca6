import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { BudgetCharge, StateChange } from "../kernel/types.ts";

/** Budget counters, replay keys and revocations: what must be durable together with the receipt that caused it. */
export class StateTables {
  readonly #readBudget: StatementSync;
  readonly #writeBudget: StatementSync;
  readonly #rememberKey: StatementSync;
  readonly #revoke: StatementSync;
  readonly #allBudgets: StatementSync;
  readonly #liveKeys: StatementSync;
  readonly #purgeKeys: StatementSync;
  readonly #revokedAfter: StatementSync;

  constructor(db: DatabaseSync) {
    this.#readBudget = db.prepare("SELECT invocations, units FROM budgets WHERE capability_id = ? AND grant_index = ?");
    this.#writeBudget = db.prepare(
      `INSERT INTO budgets VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET invocations = excluded.invocations, units = excluded.units, currency = coalesce(excluded.currency, currency)`,
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

  /** Deletes at most `limit` keys that have expired at `now`; returns how many. */
  purgeReplayKeys(now: number, limit: number): number {
    return Number(this.#purgeKeys.run(now, limit).changes);
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
    this.#writeBudget.run(charge.capabilityId, charge.grantIndex, invocations, units.toString(), charge.currency ?? null);
  }
}

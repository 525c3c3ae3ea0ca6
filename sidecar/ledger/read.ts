import { setImmediate as nextTurn } from "node:timers/promises";
import type { LedgerError } from "./errors.ts";
import { type Condition, type ReadReceipt, StoreReader, stretches, verifyRow } from "./reader.ts";
import type { ReceiptIndex } from "./types.ts";

/** What `chio receipt list` can ask for. All given conditions must hold. */
export interface ReceiptFilter {
  capabilityId?: string;
  toolServer?: string;
  toolName?: string;
  outcome?: ReceiptIndex["outcome"];
  /** Unix seconds, both included. */
  since?: number;
  until?: number;
  /** Minor units, both included. Receipts without a cost do not match. */
  minCost?: bigint;
  maxCost?: bigint;
  /** Only this tenant's receipts. Without it, and without `allTenants`, only receipts that name no tenant are read. */
  tenantId?: string;
  allTenants?: boolean;
  /** Only receipts after this one; with `newestFirst` only those before it. */
  cursor?: number;
  limit?: number;
  newestFirst?: boolean;
  /** Called for a tampered row, which is then left out. Without it the first one ends the reading with its error. */
  onTampered?: (error: LedgerError) => void;
}

/**
 * Reads receipts out of a store while a sidecar may be writing to it. Each row is verified before it is given out: id, signature, stored hash and
 * columns. Throws LedgerError: no store at `path`, `receipt_tampered`, a damaged file.
 */
export async function* readReceipts(path: string, filter: ReceiptFilter = {}): AsyncGenerator<ReadReceipt> {
  const reader = new StoreReader(path);
  try {
    yield* readFrom(reader, filter);
  } finally {
    reader.close();
  }
}

/** As {@link readReceipts}, from a reader that stays open. */
export async function* readFrom(reader: StoreReader, filter: ReceiptFilter): AsyncGenerator<ReadReceipt> {
  const range = reader.range();
  if (range === null) return;
  const newestFirst = filter.newestFirst === true;
  const first = newestFirst ? range.first : Math.max(range.first, (filter.cursor ?? 0) + 1);
  const last = newestFirst ? Math.min(range.last, (filter.cursor ?? range.last + 1) - 1) : range.last;
  if (first > last) return;
  let left = filter.limit ?? Number.POSITIVE_INFINITY;
  const condition = conditionOf(filter);
  for (const [from, to] of stretches(first, last, newestFirst)) {
    // Reading is synchronous: whoever else lives in this process gets a turn before each stretch.
    await nextTurn();
    for (const row of reader.rows(from, to, condition, newestFirst ? "DESC" : "ASC", to - from + 1)) {
      if (left <= 0) return;
      let receipt: ReadReceipt;
      try {
        receipt = verifyRow(row);
      } catch (error) {
        if (filter.onTampered === undefined) throw error;
        filter.onTampered(error as LedgerError);
        continue;
      }
      left--;
      yield receipt;
    }
    if (left <= 0) return;
  }
}

/** True when the filter leaves out receipts only because they belong to a tenant that was not asked for. */
export function hidesTenants(reader: StoreReader, filter: ReceiptFilter): boolean {
  const range = reader.range();
  if (range === null || filter.tenantId !== undefined || filter.allTenants === true) return false;
  const { sql, values, indexed } = conditionOf({ ...filter, allTenants: true });
  const hidden: Condition = { sql: `${sql} AND tenant_id IS NOT NULL`, values, indexed };
  // The newest stretches are enough for a hint.
  let looked = 0;
  for (const [from, to] of stretches(range.first, range.last, true)) {
    if (reader.rows(from, to, hidden, "DESC", 1).length > 0) return true;
    if (++looked === 16) return false;
  }
  return false;
}

function conditionOf(filter: ReceiptFilter): Condition {
  const parts: [sql: string, value: string | number | bigint | undefined][] = [
    ["capability_id = ?", filter.capabilityId],
    ["timestamp >= ?", filter.since],
    ["timestamp <= ?", filter.until],
    ["tool_server = ?", filter.toolServer],
    ["tool_name = ?", filter.toolName],
    ["outcome = ?", filter.outcome],
    ["cost_units >= ?", filter.minCost],
    ["cost_units <= ?", filter.maxCost],
    ["tenant_id = ?", filter.tenantId],
  ];
  const given = parts.filter((part): part is [string, string | number | bigint] => part[1] !== undefined);
  const tenantless = filter.tenantId === undefined && filter.allTenants !== true ? " AND tenant_id IS NULL" : "";
  return {
    sql: given.map(([sql]) => ` AND ${sql}`).join("") + tenantless,
    values: given.map(([, value]) => value),
    indexed: filter.capabilityId !== undefined || filter.since !== undefined || filter.until !== undefined,
  };
}

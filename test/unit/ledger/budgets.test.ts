import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MemoryBudgetStore } from "../../../sidecar/kernel/memory-stores.ts";
import type { BudgetCharge } from "../../../sidecar/kernel/types.ts";
import { createSchema } from "../../../sidecar/ledger/schema.ts";
import { StateTables } from "../../../sidecar/ledger/state.ts";
import { openTestLedger, scratch, TestKernel, until } from "./fixture.ts";

const kernel = new TestKernel();
const START = Date.UTC(2026, 4, 1);
const T = START / 1000;
const DAY = 86_400;

const charge = (capabilityId: string, expiresAt?: number, rest: Partial<BudgetCharge> = {}): BudgetCharge => ({
  capabilityId,
  grantIndex: 0,
  invocations: 1,
  units: 10n,
  at: T,
  ...(expiresAt === undefined ? {} : { expiresAt }),
  ...rest,
});
const spending = (...charges: BudgetCharge[]) => kernel.http({ state: charges.map((one) => ({ type: "budget", charge: one })) });

function counters(path: string): { ids: () => string[]; close: () => void } {
  const db = new DatabaseSync(path, { readOnly: true });
  const rows = db.prepare("SELECT capability_id FROM budgets ORDER BY capability_id");
  return { ids: () => rows.all().map((row) => row.capability_id as string), close: () => db.close() };
}

describe("budget counters in the store", () => {
  it("are dropped a day after the last token under their id expired, not before", async () => {
    using dir = scratch();
    let now = START;
    const ledger = await openTestLedger(dir.store, { now: () => now, maintenanceIntervalMs: 20 });
    const inStore = counters(dir.store);
    await ledger.append(spending(charge("short", T + 60), charge("renewed", T + 60), charge("long", T + 40 * DAY), charge("for ever")));
    await ledger.append(spending(charge("renewed", T + 20 * DAY), charge("renewed", T + 1)));
    now = START + (60 + DAY - 1) * 1000;
    // A key that may go shows that the maintenance has run.
    const swept = async (nonce: string) => {
      await ledger.append(kernel.http({ state: [{ type: "replay", nonce, capabilityId: "c", expiresAt: now / 1000 }] }));
      const db = new DatabaseSync(dir.store, { readOnly: true });
      await until("the maintenance has run", () => db.prepare("SELECT count(*) AS n FROM replay_keys").get()?.n === 0);
      db.close();
    };
    await swept("n1");
    expect(inStore.ids()).toEqual(["for ever", "long", "renewed", "short"]);
    now += 1000;
    await until("the counter is gone", () => !inStore.ids().includes("short"));
    expect(inStore.ids()).toEqual(["for ever", "long", "renewed"]);
    now = START + 21 * DAY * 1000;
    await until("the next is gone", () => !inStore.ids().includes("renewed"));
    await swept("n2");
    expect(inStore.ids()).toEqual(["for ever", "long"]);
    inStore.close();
    await ledger.close();
  });

  it("are there after a restart with the time until which they count", async () => {
    using dir = scratch();
    const first = await openTestLedger(dir.store, { now: () => START });
    expect(first.budgetsPrunedUntil()).toBe(0);
    await first.append(spending(charge("a", T + 60), charge("a", T + 90), charge("b")));
    await first.close();
    const second = await openTestLedger(dir.store, { now: () => START });
    expect(second.initialBudgets()).toEqual([
      { capabilityId: "a", grantIndex: 0, invocations: 2, units: 20n, expiresAt: T + 90 },
      { capabilityId: "b", grantIndex: 0, invocations: 1, units: 10n },
    ]);
    await second.close();
  });

  it("are not handed out again by a clock that ran ahead", async () => {
    using dir = scratch();
    let now = START;
    const wrong = await openTestLedger(dir.store, { now: () => now, maintenanceIntervalMs: 20 });
    const inStore = counters(dir.store);
    await wrong.append(spending(charge("live", T + 3600)));
    now = START + 30 * DAY * 1000;
    await until("the counter is gone", () => inStore.ids().length === 0);
    inStore.close();
    now = START;
    await wrong.close();

    const right = await openTestLedger(dir.store, { now: () => now });
    expect(right.budgetsPrunedUntil()).toBe(T + 29 * DAY);
    const budgets = new MemoryBudgetStore({ initial: right.initialBudgets(), prunedUntil: right.budgetsPrunedUntil() });
    await right.close();
    // What it had spent is not known any more, so it may spend nothing.
    expect(budgets.tryCharge(charge("live", T + 3600), { maxInvocations: 5 })).toBe(false);
    expect(budgets.tryCharge(charge("later", T + 30 * DAY), { maxInvocations: 5 })).toBe(true);
  });

  it("and replay keys of a busy day go in one maintenance, not a thousand at a time", async () => {
    using dir = scratch();
    let now = START;
    const ledger = await openTestLedger(dir.store, { now: () => now, maintenanceIntervalMs: 300 });
    const all = Array.from({ length: 3_500 }, (_, i) => i);
    await ledger.append(spending(...all.map((i) => charge(`c${i}`, T + 60))));
    const keys = all.map((i) => ({ type: "replay" as const, nonce: `n${i}`, capabilityId: "c", expiresAt: T + 60 }));
    await ledger.append(kernel.http({ state: keys }));
    const db = new DatabaseSync(dir.store, { readOnly: true });
    const left = () => db.prepare("SELECT (SELECT count(*) FROM budgets) + (SELECT count(*) FROM replay_keys) AS n").get()?.n as number;
    expect(left()).toBe(7_000);
    now += 2 * DAY * 1000;
    await until("some are gone", () => left() < 7_000);
    // What is left is none of the next maintenance's.
    now = START;
    await until("all are gone", () => left() === 0);
    db.close();
    await ledger.close();
  });

  it("never lose what a token that can still be used has spent", () => {
    const step = fc.record({ token: fc.nat(3), days: fc.integer({ min: -3, max: 3 }), forward: fc.nat(2), prune: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const db = new DatabaseSync(":memory:");
        createSchema(db, {});
        const state = new StateTables(db);
        const model = new Map<string, { invocations: number; expiresAt: number }>();
        let now = T;
        for (const { token, days, forward, prune } of steps) {
          now += forward * 0.7 * DAY;
          const id = `c${token}`;
          const expiresAt = Math.floor(now) + days * DAY;
          const known = model.get(id);
          if (prune) {
            state.purgeBudgets(Math.floor(now) - DAY, 2);
            for (const [name, one] of model) if (one.expiresAt <= Math.floor(now) - DAY) model.delete(name);
          } else if (expiresAt > now) {
            state.apply({ type: "budget", charge: charge(id, expiresAt) });
            // A counter that may go and is still there goes on counting: that is on the safe side.
            const spent = state.budgets().find((one) => one.capabilityId === id)!;
            model.set(id, { invocations: Math.max(spent.invocations, (known?.invocations ?? 0) + 1), expiresAt: spent.expiresAt! });
          }
          for (const [name, one] of model)
            expect(state.budgets().find(({ capabilityId }) => capabilityId === name)?.invocations).toBe(one.invocations);
        }
        db.close();
      }),
      { numRuns: 200 },
    );
  });
});

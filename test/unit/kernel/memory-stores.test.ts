import { describe, expect, it } from "vitest";
import { MemoryBudgetStore, MemoryReplayStore, MemoryRevocationStore } from "../../../sidecar/kernel/memory-stores.ts";
import { NOW } from "./support.ts";

const DAY = 86_400;
const charge = (capabilityId: string, rest: object = {}) => ({ capabilityId, grantIndex: 0, invocations: 1, units: 1n, at: NOW, ...rest });

describe("MemoryBudgetStore", () => {
  it("counts each grant of each capability by itself", () => {
    const store = new MemoryBudgetStore();
    expect(store.tryCharge(charge("a"), { maxInvocations: 1 })).toBe(true);
    expect(store.tryCharge(charge("a"), { maxInvocations: 1 })).toBe(false);
    expect(store.tryCharge(charge("a", { grantIndex: 1 }), { maxInvocations: 1 })).toBe(true);
    expect(store.tryCharge(charge("b"), { maxInvocations: 1 })).toBe(true);
    // Index 1 of `2:x` is not index 12 of `:x`.
    expect(store.tryCharge(charge("2:x", { grantIndex: 1 }), { maxInvocations: 1 })).toBe(true);
    expect(store.tryCharge(charge(":x", { grantIndex: 12 }), { maxInvocations: 1 })).toBe(true);
  });

  it("charges nothing when any cap refuses", () => {
    const store = new MemoryBudgetStore();
    expect(store.tryCharge(charge("a", { units: 11n }), { maxInvocations: 5, maxTotalUnits: 10n })).toBe(false);
    expect(store.spent("a", 0)).toEqual({ invocations: 0, units: 0n });
    expect(store.tryCharge(charge("a", { units: 10n }), { maxInvocations: 5, maxTotalUnits: 10n })).toBe(true);
  });

  it("gives back what is reversed, never more", () => {
    const store = new MemoryBudgetStore();
    store.tryCharge(charge("a"), {});
    store.reverse(charge("a", { invocations: 9, units: 9n }));
    store.reverse(charge("unknown"));
    expect(store.spent("a", 0)).toEqual({ invocations: 0, units: 0n });
  });

  it("begins with what was spent before", () => {
    const store = new MemoryBudgetStore({ initial: [charge("a", { invocations: 2 }), charge("a")] });
    expect(store.spent("a", 0)).toEqual({ invocations: 3, units: 2n });
  });

  it("refuses new grants when it is full, and still serves known ones", () => {
    const store = new MemoryBudgetStore({ maxEntries: 1 });
    expect(store.tryCharge(charge("a"), {})).toBe(true);
    expect(store.tryCharge(charge("b"), {})).toBe(false);
    expect(store.tryCharge(charge("a"), {})).toBe(true);
  });

  it("drops counters a day after their token expired, not before", () => {
    const store = new MemoryBudgetStore({ maxEntries: 2 });
    store.tryCharge(charge("a", { expiresAt: NOW + 10 }), {});
    store.tryCharge(charge("b", { expiresAt: NOW + 10 }), {});
    expect(store.tryCharge(charge("c", { at: NOW + 10 + DAY - 1 }), {})).toBe(false);
    expect(store.spent("a", 0).invocations).toBe(1);
    expect(store.tryCharge(charge("c", { at: NOW + 10 + DAY, expiresAt: NOW + 20 + DAY }), {})).toBe(true);
    expect(store.size).toBeLessThanOrEqual(2);
  });

  it("keeps a counter as long as the longest-lived token under its id", () => {
    const store = new MemoryBudgetStore();
    store.tryCharge(charge("a", { expiresAt: NOW + 10 }), {});
    store.tryCharge(charge("a", { expiresAt: NOW + 10 * DAY }), {});
    for (let i = 0; i < 20; i++) store.tryCharge(charge(`x${i}`, { at: NOW + 5 * DAY, expiresAt: NOW + 6 * DAY }), {});
    expect(store.spent("a", 0).invocations).toBe(2);
  });

  it("refuses a token whose counter may be among the dropped ones: the clock was ahead", () => {
    const store = new MemoryBudgetStore();
    store.tryCharge(charge("a", { expiresAt: NOW + 10 }), { maxInvocations: 1 });
    for (let i = 0; i < 8; i++) store.tryCharge(charge(`x${i}`, { at: NOW + 20 * DAY, expiresAt: NOW + 30 * DAY }), {});
    expect(store.spent("a", 0).invocations).toBe(0);
    expect(store.tryCharge(charge("a", { expiresAt: NOW + 10 }), { maxInvocations: 1 })).toBe(false);
    expect(store.tryCharge(charge("a", { expiresAt: NOW + 11 }), { maxInvocations: 1 })).toBe(true);
    const restored = new MemoryBudgetStore({ prunedUntil: NOW + 10, initial: [charge("kept", { expiresAt: NOW + 5 })] });
    expect(restored.tryCharge(charge("a", { expiresAt: NOW + 10 }), {})).toBe(false);
    expect(restored.tryCharge(charge("kept", { expiresAt: NOW + 5 }), { maxInvocations: 2 })).toBe(true);
  });

  it("stays small under a stream of short-lived tokens", () => {
    const store = new MemoryBudgetStore();
    for (let i = 0; i < 10_000; i++)
      store.tryCharge(charge(`t${i}`, { at: NOW + i * 100, expiresAt: NOW + i * 100 + 60 }), { maxInvocations: 1 });
    expect(store.size).toBeLessThan(3_000);
  });
});

describe("MemoryReplayStore", () => {
  it("takes a nonce once for each capability", () => {
    const store = new MemoryReplayStore();
    expect(store.remember("n", "a", NOW + 300)).toBe(true);
    expect(store.remember("n", "a", NOW + 300)).toBe(false);
    expect(store.remember("n", "b", NOW + 300)).toBe(true);
    // Not two readings of one joined key.
    expect(store.remember("n1", "2", NOW + 300)).toBe(true);
    expect(store.remember("n", "12", NOW + 300)).toBe(true);
  });

  it("knows the nonces of before a restart", () => {
    const store = new MemoryReplayStore({ initial: [{ nonce: "n", capabilityId: "a", expiresAt: NOW + 300 }] });
    expect(store.remember("n", "a", NOW + 300)).toBe(false);
  });

  it("drops nonces when they have surely expired", () => {
    const store = new MemoryReplayStore();
    store.remember("old", "a", NOW + 300);
    store.remember("new", "a", NOW + 300 + 329);
    expect(store.size).toBe(2);
    store.remember("newer", "a", NOW + 300 + 330);
    expect(store.size).toBe(2);
  });

  it("refuses a nonce that may be among the dropped ones: the clock was ahead", () => {
    const store = new MemoryReplayStore();
    store.remember("n", "a", NOW + 300);
    store.remember("ahead", "a", NOW + 3_600);
    store.remember("ahead too", "a", NOW + 3_601);
    expect(store.remember("n", "a", NOW + 300)).toBe(false);
    expect(store.remember("m", "a", NOW + 301)).toBe(true);
  });

  it("refuses when it is full rather than forget a live nonce", () => {
    const store = new MemoryReplayStore({ maxEntries: 2 });
    expect(store.remember("1", "a", NOW + 300)).toBe(true);
    expect(store.remember("2", "a", NOW + 300)).toBe(true);
    expect(store.remember("3", "a", NOW + 300)).toBe(false);
    expect(store.remember("1", "a", NOW + 300)).toBe(false);
  });
});

describe("MemoryRevocationStore", () => {
  it("revokes for good, or until the last token has expired", () => {
    const store = new MemoryRevocationStore({ initial: ["a"] });
    store.revoke("b", NOW + 10);
    store.sweep(NOW + 9);
    expect([store.isRevoked("a"), store.isRevoked("b"), store.isRevoked("c")]).toEqual([true, true, false]);
    store.sweep(NOW + 10);
    expect([store.isRevoked("a"), store.isRevoked("b")]).toEqual([true, false]);
  });

  it("is never shortened by a second revocation", () => {
    const store = new MemoryRevocationStore({ initial: ["a"] });
    store.revoke("a", NOW);
    store.sweep(NOW + DAY);
    expect(store.isRevoked("a")).toBe(true);
  });

  it("says so when it is full, instead of dropping one", () => {
    const store = new MemoryRevocationStore({ maxEntries: 1, initial: ["a"] });
    expect(() => store.revoke("b")).toThrow(/full/);
    store.revoke("a");
    expect(store.size).toBe(1);
  });
});

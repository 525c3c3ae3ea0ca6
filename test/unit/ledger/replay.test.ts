import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { MemoryReplayStore } from "../../../sidecar/kernel/memory-stores.ts";
import { openTestLedger, scratch, TestKernel, until } from "./fixture.ts";

const kernel = new TestKernel();

it("lets no replay key be used again that it has dropped, also after a restart with the clock set back", async () => {
  using dir = scratch();
  const seconds = 1_764_000_000;
  const at = (second: number, maintenanceIntervalMs?: number) =>
    openTestLedger(dir.store, { now: () => second * 1000, ...(maintenanceIntervalMs === undefined ? {} : { maintenanceIntervalMs }) });
  const first = await at(seconds);
  await first.append(kernel.http({ state: [{ type: "replay", nonce: "n1", capabilityId: "c1", expiresAt: seconds + 60 }] }));
  expect(first.replayPrunedUntil()).toBe(seconds);
  await first.close();

  const late = await at(seconds + 100, 10);
  const rows = () => {
    const db = new DatabaseSync(dir.store, { readOnly: true });
    try {
      return db.prepare("SELECT count(*) AS n FROM replay_keys").get()!.n;
    } finally {
      db.close();
    }
  };
  await until("the key is dropped", () => rows() === 0);
  await late.close();

  const back = await at(seconds + 10);
  expect(back.initialReplayKeys()).toEqual([]);
  const replay = new MemoryReplayStore({ initial: back.initialReplayKeys(), prunedUntil: back.replayPrunedUntil() });
  expect(replay.remember("n1", "c1", seconds + 60)).toBe(false);
  expect(replay.remember("n2", "c1", seconds + 101)).toBe(true);
  await back.close();
});

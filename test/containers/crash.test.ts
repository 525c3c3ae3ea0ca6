import { describe, expect, it } from "vitest";
import { runLoad } from "../../scripts/lib/demo/calls.mjs";
import { cleanUpAfterEach, createVolume } from "./support/engine.ts";
import { IMAGES } from "./support/images.ts";
import { logLines } from "./support/log.ts";
import { receiptsOf, verifiedLog } from "./support/receipts.ts";
import { appCalls, everyRoute, newSeed, startApp, startSidecar } from "./support/sidecar.ts";

cleanUpAfterEach();

describe.each(IMAGES)("image $name: SIGKILL under load", (image) => {
  it("leaves a receipt for every answer; the next start on the volume completes open decisions, and the chain verifies", async () => {
    const { seed, keypair } = newSeed();
    const volume = await createVolume();
    const token = everyRoute(keypair);
    const answered = [];
    let atApp = 0;
    // Twice: the second crash is on a log that has been through one.
    for (let round = 0; round < 2; round++) {
      const sidecar = await startSidecar(image, { volume, seed });
      const app = await startApp(sidecar);
      const load = runLoad(sidecar.url, token, { workers: 32, path: "/notes?wait_ms=15" });
      await load.warm(400);
      await sidecar.signal("SIGKILL");
      expect(await sidecar.ended()).toBe(137);
      answered.push(...(await load.end()).answered);
      atApp += (await appCalls(app))["POST /notes"] ?? 0;
    }

    const sidecar = await startSidecar(image, { volume, seed });
    const listening = logLines(await sidecar.log()).find(({ message }) => message === "listening");
    expect(listening?.receipts).toBeGreaterThan(answered.length);
    await sidecar.signal("SIGTERM");
    expect(await sidecar.ended()).toBe(0);

    expect(answered.filter(({ status }) => status !== 201)).toEqual([]);
    const receipts = await receiptsOf(image, volume);
    const lost = answered.filter(({ receiptId }) => receiptId === undefined || !receipts.has(receiptId));
    expect(lost).toEqual([]);

    const all = [...receipts.values()];
    const incomplete = all.filter(({ verdict }) => verdict.verdict === "incomplete");
    const completed = all.filter(({ response_status, verdict }) => verdict.verdict === "allow" && response_status === 201);
    const decisions = all.filter(({ metadata }) => JSON.stringify(metadata ?? {}).includes('"decision"'));
    expect(incomplete.length).toBeGreaterThan(0);
    // Written ahead: whatever the app has done, a decision about it was on disk before.
    expect(decisions.length).toBeGreaterThanOrEqual(atApp);
    expect(decisions.length).toBe(completed.length + incomplete.length);
    const report = await verifiedLog(image, volume, keypair.publicKeyHex);
    expect(report).toMatchObject({ open_decisions: { count: 0 }, uncheckpointed: null });
    console.log(
      `${image.tag}: ${answered.length} answers, ${atApp} calls at the app, ${incomplete.length} decisions completed as incomplete, ${report.receipts} receipts`,
    );
  });
});

import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { call, runLoad } from "../../scripts/lib/demo/calls.mjs";
import { cleanUpAfterEach, createVolume } from "./support/engine.ts";
import { IMAGES } from "./support/images.ts";
import { logLines } from "./support/log.ts";
import { receiptsOf, verifiedLog } from "./support/receipts.ts";
import { appCalls, everyRoute, newSeed, type RunningSidecar, startApp, startSidecar } from "./support/sidecar.ts";

cleanUpAfterEach();

const IN_FLIGHT = 20;

/** Starts calls that the app takes `waitMs` over, and returns once all of them are at the app. */
async function slowCalls(sidecar: RunningSidecar, app: Awaited<ReturnType<typeof startApp>>, token: string, waitMs: number) {
  const calls = Array.from({ length: IN_FLIGHT }, (_, index) =>
    call(sidecar.url, "POST", `/notes?wait_ms=${waitMs}`, { token, json: { text: `note ${index}` } }).catch((error: Error) => error),
  );
  for (const deadline = Date.now() + 30_000; (await appCalls(app))["POST /notes"] !== IN_FLIGHT; ) {
    if (Date.now() > deadline) throw new Error(`the app saw ${JSON.stringify(await appCalls(app))}, not ${IN_FLIGHT} calls`);
  }
  return calls;
}

/** Returns when the sidecar has said that it drains. */
async function draining(sidecar: RunningSidecar): Promise<void> {
  for (const deadline = Date.now() + 15_000; !(await sidecar.log()).includes("SIGTERM: draining"); await sleep(50)) {
    if (Date.now() > deadline) throw new Error(`the sidecar does not drain:\n${await sidecar.log()}`);
  }
}

/** True when a new connection is taken and answered. */
function answersNewConnections(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write("GET /notes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    let text = "";
    socket.on("data", (piece) => {
      text += String(piece);
    });
    socket.on("error", () => resolve(false));
    socket.on("close", () => resolve(text !== "" && !text.startsWith("HTTP/1.1 503")));
  });
}

describe.each(IMAGES)("image $name: SIGTERM", (image) => {
  it("lets every call in flight have its answer and its receipt, refuses new ones, and exits 0 within the budget", async () => {
    const { seed, keypair } = newSeed();
    const volume = await createVolume();
    const sidecar = await startSidecar(image, { volume, seed, env: { CHIO_SHUTDOWN_DRAIN_MS: "15000" } });
    const app = await startApp(sidecar);
    const calls = await slowCalls(sidecar, app, everyRoute(keypair), 3_000);

    const began = Date.now();
    await sidecar.signal("SIGTERM");
    await draining(sidecar);
    expect(await answersNewConnections(sidecar.url)).toBe(false);
    const answers = await Promise.all(calls);
    expect(await sidecar.ended()).toBe(0);
    expect(Date.now() - began).toBeLessThan(15_000);

    expect(answers.map((answer) => (answer instanceof Error ? answer.message : answer.status))).toEqual(Array(IN_FLIGHT).fill(201));
    const receipts = await receiptsOf(image, volume);
    for (const answer of answers as { receiptId: string }[]) {
      expect(receipts.get(answer.receiptId)).toMatchObject({ response_status: 201, verdict: { verdict: "allow" } });
    }
    const report = await verifiedLog(image, volume, keypair.publicKeyHex);
    expect(report).toMatchObject({ uncheckpointed: null, open_decisions: { count: 0 } });
    expect(logLines(await sidecar.log()).at(-1)).toMatchObject({ message: "drained", severity: "INFO" });
  });

  it("under a steady load loses nothing: as many calls at the app as answers, and a receipt for each", async () => {
    const { seed, keypair } = newSeed();
    const volume = await createVolume();
    const sidecar = await startSidecar(image, { volume, seed });
    const app = await startApp(sidecar);
    const load = runLoad(sidecar.url, everyRoute(keypair), { workers: 32, path: "/notes?wait_ms=20" });
    await load.warm(500);
    await sidecar.signal("SIGTERM");
    expect(await sidecar.ended()).toBe(0);
    const { answered } = await load.end();
    const done = answered.filter(({ status }) => status !== 503);
    expect(done.filter(({ status }) => status !== 201)).toEqual([]);
    expect((await appCalls(app))["POST /notes"]).toBe(done.length);
    const receipts = await receiptsOf(image, volume);
    expect(done.filter(({ receiptId }) => receiptId === undefined || !receipts.has(receiptId))).toEqual([]);
    await verifiedLog(image, volume, keypair.publicKeyHex);
  });

  it("past the budget exits 1 and says how many calls were cut off; their decisions are in the log", async () => {
    const { seed, keypair } = newSeed();
    const volume = await createVolume();
    const sidecar = await startSidecar(image, { volume, seed, env: { CHIO_SHUTDOWN_DRAIN_MS: "1500" } });
    const app = await startApp(sidecar);
    const calls = await slowCalls(sidecar, app, everyRoute(keypair), 30_000);

    const began = Date.now();
    await sidecar.signal("SIGTERM");
    expect(await sidecar.ended()).toBe(1);
    expect(Date.now() - began).toBeLessThan(15_000);
    const last = logLines(await sidecar.log()).at(-1);
    expect(last).toMatchObject({ severity: "ERROR", message: expect.stringContaining(`${IN_FLIGHT} requests`) });
    const answers = await Promise.all(calls);
    expect(answers.filter((answer) => !(answer instanceof Error) && answer.status === 201)).toEqual([]);
    expect([...(await receiptsOf(image, volume)).values()].filter(({ method }) => method === "POST").length).toBeGreaterThanOrEqual(
      IN_FLIGHT,
    );
    await verifiedLog(image, volume, keypair.publicKeyHex);
  });

  it("ends at once on a second signal", async () => {
    const { seed, keypair } = newSeed();
    const sidecar = await startSidecar(image, { volume: await createVolume(), seed, env: { CHIO_SHUTDOWN_DRAIN_MS: "20000" } });
    const app = await startApp(sidecar);
    const calls = await slowCalls(sidecar, app, everyRoute(keypair), 30_000);
    await sidecar.signal("SIGTERM");
    await draining(sidecar);
    const began = Date.now();
    await sidecar.signal("SIGTERM");
    expect(await sidecar.ended()).toBe(1);
    expect(Date.now() - began).toBeLessThan(10_000);
    await Promise.all(calls);
  });
});

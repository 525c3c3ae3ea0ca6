import { afterEach, describe, expect, it } from "vitest";
import type { Platform } from "../../../infra/topology/index.ts";
import { engine } from "../support/engine.ts";
import { everyRoute } from "../support/sidecar.ts";
import { get, indexOf, inOrder, KEYPAIR, notesTopology, remains, SEED, start, useWorkspace } from "./support.ts";

const PLATFORMS = ["ecs", "cloud-run", "aca"] as const satisfies Platform[];
const token = everyRoute(KEYPAIR);
process.env.CHIO_TEST_SEED = SEED;
useWorkspace();

afterEach(async () => {
  expect(await remains()).toEqual([]);
});

describe.each(PLATFORMS)("on %s", (platform) => {
  it("it starts in the platform's order, answers, is as hard as modelled, drains, and leaves nothing", async () => {
    const topology = await start(notesTopology(), { platform });
    await using running = topology;
    const started = running.timeline.events;
    const traffic = indexOf(started, { kind: "traffic-on" });
    expect(traffic).toBeGreaterThan(0);

    const answer = await get(running.ingressUrl, "/notes", token);
    expect(answer).toMatchObject({ status: 200, receiptId: expect.any(String) });
    expect((await get(running.ingressUrl, "/notes")).status).toBe(403);

    const docker = await engine();
    const [app, sidecar] = await Promise.all(
      ["app", "chio-sidecar"].map(async (name) => await docker.getContainer(running.container(name).id).inspect()),
    );
    for (const one of [app!, sidecar!]) {
      expect(one.HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ["ALL"], SecurityOpt: ["no-new-privileges"] });
    }
    expect(app!.HostConfig.NetworkMode).toBe(sidecar!.HostConfig.NetworkMode);
    expect(JSON.stringify(sidecar)).toContain(SEED);
    expect(JSON.stringify(app)).not.toContain(SEED);
    expect(JSON.stringify(started)).not.toContain(SEED);
    const look = await running.container("app").exec(["node", "-e", LOOK]);
    expect(JSON.parse(look.output)).toEqual({ uid: 1000, root: "EROFS", capabilities: "0000000000000000" });

    await running.stop({ keep: true });
    const { events } = running.timeline;
    inOrder(events, { kind: "traffic-on" }, { kind: "traffic-off" }, { kind: "signal", signal: "SIGTERM" });
    inOrder(
      events,
      { kind: "signal", container: "chio-sidecar" },
      { kind: "drained", receipts: 2 },
      { kind: "exited", container: "chio-sidecar", exitCode: 0 },
    );
    const receipts = await running.container("chio-sidecar").run(["receipt", "list", "--receipt-db", "/var/lib/chio/receipts.sqlite"]);
    expect(receipts.output.split("\n").filter(Boolean)).toHaveLength(2);
    expect(receipts.output).toContain(answer.receiptId);
  });
});

const LOOK = `
const { readFileSync, writeFileSync } = require("node:fs");
let root = "writable";
try { writeFileSync("/probe", ""); } catch (error) { root = error.code; }
const capabilities = /CapEff:\\s*(\\w+)/.exec(readFileSync("/proc/self/status", "utf8"))[1];
process.stdout.write(JSON.stringify({ uid: process.getuid(), root, capabilities }));`;

describe("the start order", () => {
  it("on ecs starts the app when the sidecar is healthy, and stops it first", async () => {
    await using running = await start(notesTopology(), { platform: "ecs" });
    await running.stop({ keep: true });
    inOrder(
      running.timeline.events,
      { kind: "started", container: "chio-sidecar" },
      { kind: "probe-passed", container: "chio-sidecar", probe: "health-check" },
      { kind: "healthy", container: "chio-sidecar" },
      { kind: "started", container: "app" },
      { kind: "traffic-on" },
      { kind: "signal", container: "app" },
      { kind: "exited", container: "app" },
      { kind: "signal", container: "chio-sidecar" },
      { kind: "exited", container: "chio-sidecar", exitCode: 0 },
    );
  });

  it("on cloud-run starts the app when the sidecar's startup probe has passed, and ends both at once", async () => {
    await using running = await start(notesTopology(), { platform: "cloud-run" });
    await running.stop({ keep: true });
    const { events } = running.timeline;
    inOrder(
      events,
      { kind: "probe-passed", container: "chio-sidecar", probe: "startup" },
      { kind: "started", container: "app" },
      { kind: "probe-passed", container: "app", probe: "startup" },
      { kind: "traffic-on" },
    );
    const signals = events.filter((one) => one.kind === "signal");
    expect(signals.map((one) => one.container).sort()).toEqual(["app", "chio-sidecar"]);
    expect(Math.abs(signals[0]!.at - signals[1]!.at)).toBeLessThan(100);
  });

  it("on aca runs the start gate first, then everything at once, and lets requests in when all are ready", async () => {
    await using running = await start(notesTopology(), { platform: "aca" });
    const { events } = running.timeline;
    inOrder(
      events,
      { kind: "exited", container: "chio-gate", exitCode: 0 },
      { kind: "started" },
      { kind: "started" },
      { kind: "traffic-on" },
    );
    inOrder(events, { kind: "ready", container: "chio-sidecar" }, { kind: "ready", container: "app" }, { kind: "ready", container: null });
  });
});

describe("a replica of its own, on this machine", () => {
  it("takes the signing key from a variable and the configuration from a directory", async () => {
    await using running = await start(notesTopology(), { platform: "local", secrets: {} });
    expect((await get(running.ingressUrl, "/notes", token)).status).toBe(200);
  });
});

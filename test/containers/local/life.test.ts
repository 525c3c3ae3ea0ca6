import { execFile } from "node:child_process";
import { hostname } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";
import { connect } from "../../../infra/local/engine/docker.ts";
import { cleanUp, LocalRunError } from "../../../infra/local/index.ts";
import type { PlatformTopology, Topology } from "../../../infra/topology/index.ts";
import { engine, labels } from "../support/engine.ts";
import { APP_IMAGE } from "../support/images.ts";
import { everyRoute } from "../support/sidecar.ts";
import { defaults, get, indexOf, inOrder, inWorkspace, KEYPAIR, notesTopology, remains, start, useWorkspace } from "./support.ts";

const token = everyRoute(KEYPAIR);
const SIDECAR = "chio-sidecar";
useWorkspace();

afterEach(async () => {
  expect(await remains()).toEqual([]);
});

describe("a rollout", () => {
  it("serves every request, and every receipt of the old replica is in its store", async () => {
    await using running = await start(notesTopology(), { platform: "aca", replicas: 2 });
    const answers: { status: number; receiptId: string | undefined }[] = [];
    let going = true;
    const load = Promise.all(
      [1, 2, 3].map(async () => {
        while (going)
          answers.push(
            await get(running.ingressUrl, "/notes", token).catch((error: Error) => ({ status: 0, body: error, receiptId: undefined })),
          );
      }),
    );
    await running.rollout(notesTopology());
    going = false;
    await load;
    expect(running.replicas).toEqual(["r3", "r4"]);
    expect(answers.length).toBeGreaterThan(20);
    expect(answers.filter((one) => one.status !== 200)).toEqual([]);
    await running.stop({ keep: true });
    const stored = await Promise.all(
      ["r1", "r2", "r3", "r4"].map((replica) =>
        running.container(SIDECAR, replica).run(["receipt", "list", "--receipt-db", "/var/lib/chio/receipts.sqlite", "--limit", "100000"]),
      ),
    );
    const receipts = stored.map((one) => one.output).join("");
    expect(answers.filter((one) => !receipts.includes(one.receiptId!))).toEqual([]);
    const { events } = running.timeline;
    inOrder(events, { kind: "traffic-on", replica: "r3" }, { kind: "traffic-off", replica: "r1" }, { kind: "signal", replica: "r1" });
  });

  it("to a version that cannot start fails with the reason, and leaves the old one serving", async () => {
    await using running = await start(notesTopology(), { platform: "ecs" });
    const failed = running.rollout(notesTopology(), { env: { [SIDECAR]: { CHIO_POLICY_SOURCE: "/etc/chio/gone.yaml" } } });
    await expect(failed).rejects.toMatchObject({
      code: "rollout_failed",
      message: expect.stringMatching(/essential container chio-sidecar ended with 1[\s\S]*last lines of chio-sidecar:[\s\S]*gone\.yaml/),
    });
    expect(running.replicas).toEqual(["r1"]);
    expect((await get(running.ingressUrl, "/notes", token)).status).toBe(200);
    expect(indexOf(running.timeline.events, { replica: "r2", kind: "started", container: "app" })).toBe(-1);
  });
});

describe("a container that ends", () => {
  it.each([SIDECAR, "app"])("on aca is started again, alone, with its volumes: %s", async (name) => {
    await using running = await start(notesTopology(), { platform: "aca" });
    const before = (await get(running.ingressUrl, "/notes", token)).receiptId!;
    await running.kill(name, "SIGKILL");
    await expect
      .poll(() => indexOf(running.timeline.events, { kind: "restarted", container: name }), { timeout: 10_000 })
      .toBeGreaterThan(0);
    await expect.poll(async () => (await get(running.ingressUrl, "/notes", token)).status, { timeout: 20_000 }).toBe(200);
    const { events } = running.timeline;
    const at = indexOf(events, { kind: "exited", container: name, exitCode: 137 });
    inOrder(events.slice(at), { kind: "traffic-off" }, { kind: "restarted", container: name }, { kind: "traffic-on" });
    expect(events.filter((one) => one.kind === "restarted").map((one) => one.container)).toEqual([name]);
    const receipts = await running.container(SIDECAR).run(["receipt", "list", "--receipt-db", "/var/lib/chio/receipts.sqlite"]);
    expect(receipts.output).toContain(before);
  });

  it("on ecs ends the task, and another takes its place", async () => {
    await using running = await start(notesTopology(), { platform: "ecs" });
    await running.kill("app", "SIGKILL");
    await expect.poll(() => running.replicas, { timeout: 20_000 }).toEqual(["r2"]);
    await expect.poll(async () => (await get(running.ingressUrl, "/notes", token)).status, { timeout: 20_000 }).toBe(200);
    inOrder(
      running.timeline.events,
      { kind: "failed", replica: "r1" },
      { kind: "signal", replica: "r1", container: SIDECAR },
      { kind: "traffic-on", replica: "r2" },
    );
  });

  it("that fails its liveness probe on cloud-run is killed and started again", async () => {
    await using running = await start(withQuickLiveness(notesTopology()), { platform: "cloud-run" });
    const docker = await engine();
    // A process that stands still answers no probe.
    await docker.getContainer(running.container("app").id).kill({ signal: "SIGSTOP" });
    await expect
      .poll(() => indexOf(running.timeline.events, { kind: "restarted", container: "app" }), { timeout: 60_000, interval: 500 })
      .toBeGreaterThan(0);
    const { events } = running.timeline;
    const failures = events.filter((one) => one.kind === "probe-failed" && one.container === "app");
    expect(failures).toHaveLength(3);
    inOrder(
      events,
      { kind: "unhealthy", container: "app" },
      { kind: "signal", container: "app", signal: "SIGKILL" },
      { kind: "exited", container: "app" },
    );
    expect(events.filter((one) => one.kind === "exited").map((one) => one.container)).toEqual(["app"]);
  });
});

/** Probed each second, where the default is ten. */
function withQuickLiveness(topology: Topology): PlatformTopology {
  const graph = topology.graphs["cloud-run"];
  const containers = graph.containers.map((one) => {
    const { liveness } = one.probes;
    return { ...one, probes: { ...one.probes, liveness: liveness === null ? null : { ...liveness, periodSeconds: 1 } } };
  });
  return { ...graph, containers };
}

describe("cpuIdle", () => {
  it("leaves an instance next to no CPU between requests, and gives it back for each", async () => {
    await using running = await start(notesTopology({ cloudRun: { cpuIdle: true } }), {
      platform: "cloud-run",
      acceptances: [{ code: "CHIO-CPU-IDLE", reason: "what this test is about" }],
    });
    const docker = await engine();
    const quota = async () => (await docker.getContainer(running.container("app").id).inspect()).HostConfig.CpuQuota;
    await expect.poll(quota, { timeout: 5_000 }).toBe(1_000);
    const slow = fetch(`${running.ingressUrl}/notes?wait_ms=1500`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: '{"text":"slow"}',
    });
    await expect.poll(quota, { timeout: 1_000, interval: 50 }).toBeGreaterThan(50_000);
    expect((await slow).status).toBe(201);
    await expect.poll(quota, { timeout: 5_000 }).toBe(1_000);
  });
});

describe("a start that fails", () => {
  it.each(["ecs", "cloud-run", "aca"] as const)("on %s says why, with the last lines, and leaves nothing", async (platform) => {
    const env = { [SIDECAR]: { CHIO_POLICY_SOURCE: "/etc/chio/gone.yaml" } };
    const error = await start(notesTopology(), { platform, env }).catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(LocalRunError);
    expect(error).toMatchObject({
      code: "never_ready",
      message: expect.stringMatching(/chio-sidecar ended with 1[\s\S]*gone\.yaml: does not exist/),
    });
    const { timeline } = error as LocalRunError;
    expect(timeline?.events.some((one) => one.kind === "log" && one.detail?.includes("gone.yaml: does not exist"))).toBe(true);
    expect(timeline?.events.some((one) => one.kind === "traffic-on")).toBe(false);
  });

  it("for want of an image names it", async () => {
    await expect(start(notesTopology(), { platform: "ecs", images: { [SIDECAR]: "chio-kit.invalid/none:1" } })).rejects.toMatchObject({
      code: "image_missing",
      message: expect.stringContaining("chio-kit.invalid/none:1"),
    });
  });

  it("with a foreign image for the sidecar says that it cannot probe", async () => {
    await expect(start(notesTopology(), { platform: "ecs", images: { [SIDECAR]: APP_IMAGE } })).rejects.toMatchObject({
      code: "helper_failed",
    });
  });
});

describe("nothing is left", () => {
  it("of a container that stands still", async () => {
    const running = await start(notesTopology(), { platform: "aca" });
    await (await engine()).getContainer(running.container("app").id).pause();
    await running.remove();
  });

  it("by a start that is aborted", async () => {
    const aborted = new AbortController();
    const starting = start(notesTopology(), {
      platform: "ecs",
      signal: aborted.signal,
      onEvent: ({ kind }) => kind === "started" && aborted.abort(),
    });
    await expect(starting).rejects.toMatchObject({ code: "stopped" });
  });

  it("by an abort of what runs", async () => {
    const aborted = new AbortController();
    await using _running = await start(notesTopology(), { platform: "ecs", signal: aborted.signal });
    aborted.abort();
    await expect.poll(remains, { timeout: 20_000 }).toEqual([]);
  });

  it.each(["SIGKILL", "SIGINT"] as const)("by a process that ends by %s", async (signal) => {
    const program = fileURLToPath(new URL("./program.ts", import.meta.url));
    const options = defaults(notesTopology(), "cloud-run");
    const child = promisify(execFile)(process.execPath, [program, JSON.stringify({ options, image: inWorkspace("image") }), signal], {
      encoding: "utf8",
    });
    const failure = (await child.catch((error: unknown) => error)) as { signal: string; stdout: string; stderr: string };
    expect(failure.stderr).toBe("");
    expect(failure.stdout).toContain("traffic-on");
    expect(failure.signal).toBe(signal);
    await expect.poll(remains, { timeout: 30_000, interval: 250 }).toEqual([]);
  });

  it("by a process whose remains nobody removed: cleanUp does", async () => {
    const { docker } = await connect();
    const labelled = { ...defaults(notesTopology(), "ecs").labels, "dev.chio-kit.run": "lost" };
    await docker.createVolume({ Name: "chio-lost-dead", Labels: { ...labelled, "dev.chio-kit.owner": `${hostname()}/999999999` } });
    await docker.createVolume({ Name: "chio-lost-alive", Labels: { ...labelled, "dev.chio-kit.owner": `${hostname()}/${process.pid}` } });
    expect(await cleanUp({ labels: labels() })).toEqual(["chio-lost-dead"]);
    expect(await remains()).toEqual(["chio-lost-alive"]);
    await docker.getVolume("chio-lost-alive").remove();
  });
});

import { describe, expect, it } from "vitest";
import type { Container, PlatformTopology } from "../../../infra/topology/index.ts";
import { FakeHost } from "./fake-host.ts";

const SIDECAR = "chio-sidecar";
const GATE = "chio-gate";

/** The graph with one container changed. */
const withContainer = (name: string, change: Partial<Container>) => (graph: PlatformTopology) =>
  ({ ...graph, containers: graph.containers.map((one) => (one.name === name ? { ...one, ...change } : one)) }) as PlatformTopology;

describe("a task on ECS", () => {
  it("waits for the sidecar's first healthy interval, then for the target", async () => {
    const host = new FakeHost("ecs");
    await host.start();
    await host.clock.advance(12_000);
    expect(host.seen).toEqual([`0 start ${SIDECAR}`, `10 healthy ${SIDECAR}`, "10 start app", "10 ready"]);
  });

  it("is given up when the sidecar is not healthy within its startTimeout, and never starts the app", async () => {
    const host = new FakeHost("ecs");
    host.fake(SIDECAR).healthy = false;
    await host.start();
    await host.clock.advance(65_000);
    // Start period 15 s, then three failures: at 20, 30 and 40 s. The timeout of 60 s comes before the grace is over.
    expect(host.seen.slice(0, 3)).toEqual([
      `0 start ${SIDECAR}`,
      `40 unhealthy ${SIDECAR}`,
      `60 given up: container app waits for ${SIDECAR} to be healthy, which was not so 60 s after its start`,
    ]);
    expect(host.seen.join()).not.toContain("start app");
  });

  it("looks at the dependency's health at the start only", async () => {
    const host = new FakeHost("ecs", withContainer(SIDECAR, { essential: false }));
    await host.start();
    await host.clock.advance(11_000);
    host.fake(SIDECAR).healthy = false;
    await host.clock.advance(200_000);
    expect(host.seen.filter((one) => one.includes("app"))).toEqual(["10 start app"]);
  });

  it("ends by an unhealthy essential container, but not within the service's grace", async () => {
    const host = new FakeHost("ecs");
    await host.start();
    await host.clock.advance(12_000);
    host.fake(SIDECAR).healthy = false;
    await host.clock.advance(100_000);
    const gaveUp = host.seen.filter((one) => one.includes(`essential container ${SIDECAR} is unhealthy`));
    // Failures at 20, 30 and 40 s; the grace is 60 s, or longer where the health command allows a slower start.
    expect(host.seen).toContain(`40 unhealthy ${SIDECAR}`);
    expect(gaveUp).toEqual([expect.stringMatching(/^60 given up/)]);
  });

  it("starts a container again that has run for its attempt period, and ends by one that has not", async () => {
    const host = new FakeHost("ecs");
    await host.start();
    await host.clock.advance(75_000);
    host.fake("app").end(1);
    await host.clock.advance(100);
    expect(host.seen.at(-1)).toBe("75 restart app");
    host.fake("app").end(1);
    await host.clock.advance(100);
    expect(host.seen.at(-1)).toMatch(/given up: essential container app ended with 1/);
  });

  it("takes a target out after three failed checks, and back after two good ones", async () => {
    const check = withContainer(SIDECAR, { healthCheck: null });
    const host = new FakeHost("ecs", (graph) => ({ ...check(graph), startOrder: [] }) as PlatformTopology);
    await host.start();
    await host.clock.advance(1_000);
    host.fake(SIDECAR).healthy = false;
    await host.clock.advance(31_000);
    host.fake(SIDECAR).healthy = true;
    await host.clock.advance(20_000);
    expect(host.seen.filter((one) => one.includes("ready"))).toEqual(["0 ready", "30 not ready", "50 ready"]);
  });

  it("deregisters first, then stops the app, then the sidecar, each with its own time", async () => {
    const host = new FakeHost("ecs");
    await host.start();
    await host.clock.advance(20_000);
    host.busy = Promise.withResolvers();
    host.fake("app").endsAfterMs = null;
    host.fake(SIDECAR).endsAfterMs = 5_000;
    await host.stop();
    expect(host.seen.slice(4)).toEqual([
      "20 closed",
      // 60 s of deregistration with a request in flight, 30 s of the app, 5 s of the sidecar's 30.
      "80 SIGTERM app",
      "110 SIGKILL app",
      "110 end app 137",
      `110 SIGTERM ${SIDECAR}`,
      `115 end ${SIDECAR} 0`,
    ]);
  });

  it("deregisters at once when nothing is in flight, and does not wait for a task that has failed", async () => {
    for (const reason of ["stop", "failed"] as const) {
      const host = new FakeHost("ecs");
      await host.start();
      await host.clock.advance(20_000);
      if (reason === "failed") host.busy = Promise.withResolvers();
      await host.stop(reason);
      expect(host.seen).toContain("20 SIGTERM app");
    }
  });
});

describe("an instance on Cloud Run", () => {
  it("starts the app after the sidecar's startup probe, and is given up when that never passes", async () => {
    const up = new FakeHost("cloud-run");
    await up.start();
    await up.clock.advance(10_000);
    expect(up.seen).toEqual([`0 start ${SIDECAR}`, `1 healthy ${SIDECAR}`, "1 start app", "3 healthy app", "3 ready"]);

    const down = new FakeHost("cloud-run");
    down.fake(SIDECAR).healthy = false;
    await down.start();
    await down.clock.advance(120_000);
    expect(down.seen).toEqual([
      `0 start ${SIDECAR}`,
      `30 unhealthy ${SIDECAR}`,
      `30 SIGKILL ${SIDECAR}`,
      `30 end ${SIDECAR} 137`,
      `30 given up: ${SIDECAR} failed its startup probe 30 times before it had started up`,
    ]);
  });

  it("kills and restarts the container that fails its liveness probe, and no other", async () => {
    const host = new FakeHost("cloud-run");
    await host.start();
    await host.clock.advance(4_000);
    host.fake("app").healthy = false;
    await host.clock.advance(30_000);
    host.fake("app").healthy = true;
    await host.clock.advance(10_000);
    expect(host.seen.slice(5)).toEqual(["33 unhealthy app", "33 SIGKILL app", "33 end app 137", "33 restart app", "35 healthy app"]);
  });

  it("gets SIGTERM everywhere at once and SIGKILL after 10 s", async () => {
    const host = new FakeHost("cloud-run");
    await host.start();
    await host.clock.advance(5_000);
    host.fake(SIDECAR).endsAfterMs = null;
    await host.stop();
    expect(host.seen.slice(5)).toEqual([
      "5 closed",
      `5 SIGTERM ${SIDECAR}`,
      "5 SIGTERM app",
      "5 end app 0",
      `15 SIGKILL ${SIDECAR}`,
      `15 end ${SIDECAR} 137`,
    ]);
  });

  it("that was replaced is ended when its requests are done", async () => {
    const host = new FakeHost("cloud-run");
    await host.start();
    await host.clock.advance(5_000);
    host.busy = Promise.withResolvers();
    const done = host.clock.sleep(100_000).then(() => host.busy.resolve());
    await host.stop("rollout");
    await done;
    expect(host.seen.slice(5, 7)).toEqual(["5 closed", `105 SIGTERM ${SIDECAR}`]);
  });
});

describe("a replica on Container Apps", () => {
  it("runs init containers to their end, one by one, then starts everything at once", async () => {
    const host = new FakeHost("aca", undefined, { init: [{ name: "prepare", image: "prepare:1" }] });
    void host.lifecycle.start();
    for (const name of ["prepare", GATE]) {
      await host.clock.advance(5_000);
      host.fake(name).end(0);
    }
    await host.clock.advance(5_000);
    expect(host.seen).toEqual([
      "0 start prepare",
      "5 end prepare 0",
      `5 start ${GATE}`,
      `10 end ${GATE} 0`,
      `10 start ${SIDECAR}`,
      "10 start app",
      `11 healthy ${SIDECAR}`,
      "12 healthy app",
      "12 ready",
    ]);
  });

  it("is out of traffic while one container is not ready, and back by itself", async () => {
    const host = new FakeHost("aca");
    void host.lifecycle.start();
    await host.clock.advance(0);
    host.fake(GATE).end(0);
    await host.clock.advance(4_000);
    // Readiness fails three times in 15 s, before liveness has failed three times in 30.
    host.fake(SIDECAR).healthy = false;
    await host.clock.advance(16_500);
    host.fake(SIDECAR).healthy = true;
    await host.clock.advance(6_000);
    expect(host.seen.filter((one) => /ready|restart/.test(one))).toEqual(["2 ready", "16 not ready", "21 ready"]);
  });

  it("is given up by an init container that fails twice", async () => {
    const failing = new FakeHost("aca");
    const started = failing.lifecycle.start();
    await failing.clock.advance(0);
    failing.fake(GATE).end(1);
    await failing.clock.advance(0);
    failing.fake(GATE).end(1);
    await started;
    expect(failing.seen.slice(-2)).toEqual([`0 end ${GATE} 1`, `0 given up: init container ${GATE} ended with 1, the second time`]);
    expect(failing.seen.join()).not.toContain("start app");
  });

  const inService = async (): Promise<FakeHost> => {
    const host = new FakeHost("aca");
    void host.lifecycle.start();
    await host.clock.advance(0);
    host.fake(GATE).end(0);
    await host.clock.advance(5_000);
    host.busy = Promise.withResolvers();
    return host;
  };

  it("gets SIGTERM in the moment that it leaves the traffic, with requests in flight", async () => {
    const host = await inService();
    await host.stop("stop");
    expect(host.seen.slice(-5).sort()).toEqual(
      [`5 SIGTERM ${SIDECAR}`, "5 SIGTERM app", "5 closed", `5 end ${SIDECAR} 0`, "5 end app 0"].sort(),
    );
  });

  it("of a revision that was replaced has the time of its requests before SIGTERM", async () => {
    const host = await inService();
    await host.stop("rollout");
    const requestTimeout = 240;
    expect(host.seen.slice(-5)).toContain("5 closed");
    expect(host.seen.slice(-4).sort()).toEqual(
      [`SIGTERM ${SIDECAR}`, "SIGTERM app", `end ${SIDECAR} 0`, "end app 0"].map((what) => `${5 + requestTimeout} ${what}`).sort(),
    );
  });
});

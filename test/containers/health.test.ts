import { describe, expect, it } from "vitest";
import { replicaHealthCommand } from "../../infra/topology/replica-health.ts";
import { call } from "../../scripts/lib/demo/calls.mjs";
import { inspectImage } from "../../scripts/lib/images.mjs";
import { cleanUpAfterEach, createVolume, engine, runToEnd } from "./support/engine.ts";
import { IMAGES } from "./support/images.ts";
import { logLines } from "./support/log.ts";
import { newSeed, startSidecar } from "./support/sidecar.ts";

cleanUpAfterEach();

describe.each(IMAGES)("image $name: help and health", (image) => {
  it("prints its help and exits 0 without arguments", async () => {
    const { code, output } = await runToEnd(image.tag);
    expect(output).toMatch(/^Usage: chio /);
    expect(output).toContain("api");
    expect(code).toBe(0);
  });

  it("exits 2 on an unknown command, through tini", async () => {
    expect(await runToEnd(image.tag, { command: ["aip", "protect"] })).toMatchObject({ code: 2, output: expect.stringContaining("api") });
  });

  // Again where other programs have the processor at that moment.
  it("is healthy within a second of its start, on a read-only root without capabilities", { retry: 3 }, async () => {
    const sidecar = await startSidecar(image, { volume: await createVolume(), ...newSeed() });
    const { State, HostConfig } = await (await engine()).getContainer(sidecar.id).inspect();
    expect(HostConfig).toMatchObject({ ReadonlyRootfs: true, CapDrop: ["ALL"], SecurityOpt: ["no-new-privileges"] });
    expect(sidecar.firstAnswerAt - Date.parse(State.StartedAt)).toBeLessThan(1_000);
    const listening = logLines(await sidecar.log()).find(({ message }) => message === "listening");
    expect(listening?.start_ms).toBeLessThan(1_000);
    expect(await call(sidecar.url, "GET", "/chio/health")).toMatchObject({
      status: 200,
      body: { status: "healthy", ok: true, receipt_sink: "reachable" },
    });
    expect(await call(sidecar.url, "GET", "/chio/live")).toMatchObject({ status: 200 });
  });

  it("passes its health commands inside, as its uid", async () => {
    const sidecar = await startSidecar(image, { volume: await createVolume(), ...newSeed() });
    const own = await sidecar.container.exec(["/usr/local/bin/chio", "health"]);
    expect(own, own.output).toMatchObject({ exitCode: 0 });
    expect(JSON.parse(own.output)).toMatchObject({ ok: true });
    // As the constructs for ECS write it.
    const ecs = await sidecar.container.exec(replicaHealthCommand("/usr/local/bin/chio"));
    expect(ecs, ecs.output).toMatchObject({ exitCode: 0, output: expect.stringContaining('"excluded":["sinks"]') });
    const { Config, State } = await (await engine()).getContainer(sidecar.id).inspect();
    expect(Config.User).toBe(`${image.uid}:${image.uid}`);
    const declared: string[] | undefined = (await inspectImage(image.tag)).Config.Healthcheck?.Test;
    if (image.name === "distroless") {
      const curl = await sidecar.container.exec((declared ?? []).slice(1));
      expect(curl, curl.output).toMatchObject({ exitCode: 0, output: expect.stringContaining('"ok":true') });
      expect(State.Health?.Status).toMatch(/starting|healthy/);
      await sidecar.becomes("healthy", 20_000);
    }
  });

  it("fails its health commands when the sidecar is not ready", async () => {
    const sidecar = await startSidecar(image, { volume: await createVolume(), ...newSeed(), env: { CHIO_SHUTDOWN_DRAIN_MS: "8000" } });
    const wrongPort = await sidecar.container.exec(["/usr/local/bin/chio", "health", "--listen", "127.0.0.1:9999"]);
    expect(wrongPort).toMatchObject({ exitCode: 1, output: expect.stringContaining("9999") });
    if (image.name === "distroless") {
      const curl = await sidecar.container.exec(["/usr/bin/curl", "-fsS", "http://localhost:9090/chio/no-such-thing"]);
      expect(curl.exitCode).toBe(22);
    }
  });
});

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Timeline } from "../../../infra/local/index.ts";
import { APP_IMAGE } from "../support/images.ts";
import { dropImage, killSidecar, leftBy, project, type Run, up } from "./up-run.ts";

const READY = /takes requests at (http:\/\/127\.0\.0\.1:\d+)/;
/** The curl lines, pasted into a shell. */
function pasted(run: Run): string[] {
  const lines = run
    .stdout()
    .split("\n")
    .filter((line) => line.startsWith("curl "));
  return lines.map((line) => execFileSync("sh", ["-c", line], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
}
const digest = `registry.example.com/app@sha256:${"0".repeat(64)}`;
/** An app that is a line of JavaScript in the image with Node. */
const script = (code: string) => `  image: "${digest}"\n  command: [node, -e, ${JSON.stringify(code)}]`;

describe.each(["ecs", "cloud-run", "aca"] as const)("chio-kit up --platform %s", (platform) => {
  it("builds, starts, prints what works when pasted, and loses nothing on Ctrl-C", async () => {
    const name = `up-${platform}`;
    dropImage(`chio-kit-local/${name}-app:latest`);
    const directory = project(name);
    const picture = join(directory, "run.json");
    const run = up(directory, ["--platform", platform, "--timeline", picture]);
    await run.until(/Ctrl-C stops it/);
    const [allowed = "", refused = ""] = pasted(run);
    expect(allowed).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*water the plants/);
    expect(refused).toMatch(/^HTTP\/1\.1 403 [\s\S]*missing_capability_token/);
    await run.until(/chio-sidecar │ receipt [0-9a-f]{12}… deny GET \/notes 403/);
    run.child.kill("SIGINT");
    expect(await run.ended).toBe(0);
    expect(run.stdout()).toMatch(
      /building .* for app[\s\S]*app +│ .*listening[\s\S]*stopping: [\s\S]*SIGTERM[\s\S]*drained, 2 receipts[\s\S]*nothing was lost/,
    );
    expect(run.stderr()).not.toContain("error");
    const { events } = JSON.parse(readFileSync(picture, "utf8")) as Timeline;
    const order = ["started", "traffic-on", "traffic-off", "signal", "drained", "exited"] as const;
    const at = order.map((kind) => events.findIndex((event) => event.kind === kind));
    expect(at.every((index) => index >= 0)).toBe(true);
    expect(events.find((event) => event.kind === "traffic-on")?.at).toBeGreaterThan(
      events.find((event) => event.kind === "started")?.at ?? Number.NaN,
    );
    expect(leftBy(run.child)).toEqual([]);
  });
});

describe("chio-kit up", () => {
  it("ends at once on a second Ctrl-C, in the middle of a request", async () => {
    dropImage("chio-kit-local/up-twice-app:latest");
    const run = up(project("up-twice"), ["--platform", "aca"]);
    const [, url = ""] = await run.until(READY);
    const [, bearer = ""] = await run.until(/Authorization: Bearer (\S+)'/);
    const slow = fetch(`${url}/notes?wait_ms=20000`, {
      method: "POST",
      headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
      body: '{"text":"slow"}',
    }).then(
      (response) => response.status,
      () => "cut",
    );
    await run.until(/app +│|listening/);
    await new Promise((resolve) => setTimeout(resolve, 500));
    run.child.kill("SIGINT");
    await run.until(/stopping: /);
    const asked = Date.now();
    run.child.kill("SIGINT");
    expect(await run.ended).toBe(130);
    expect(Date.now() - asked).toBeLessThan(8000);
    expect(await slow).not.toBe(201);
    expect(run.stdout()).toContain("ended at once, without a drain");
    expect(run.stdout()).not.toContain("nothing was lost");
    expect(leftBy(run.child)).toEqual([]);
  });

  it("gives the start up on Ctrl-C, and leaves nothing", async () => {
    const run = up(project("up-early", script("setTimeout(() => {}, 1e9)")), ["--platform", "cloud-run", "--image", `app=${APP_IMAGE}`]);
    await run.until(/r1\/chio-sidecar started/);
    run.child.kill("SIGINT");
    expect(await run.ended).toBe(130);
    expect(run.stdout()).toContain("given up before it was ready");
    expect(leftBy(run.child)).toEqual([]);
  });

  it("says that the port is taken", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    onTestFinished(() => void server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const run = up(project("up-port", script("1")), ["--platform", "ecs", "--port", String(port), "--image", `app=${APP_IMAGE}`]);
    expect(await run.ended).toBe(1);
    expect(run.stderr()).toMatch(new RegExp(`error: .*${port}.*\\(port_taken\\)\\nfix: `));
    expect(leftBy(run.child)).toEqual([]);
  });

  it("says which image is not there, and the flag that names another", async () => {
    const run = up(project("up-image", script("1")), ["--platform", "ecs", "--image", "app=chio-kit-test.invalid/absent:none"]);
    expect(await run.ended).toBe(1);
    expect(run.stderr()).toMatch(
      /error: image chio-kit-test\.invalid\/absent:none of container app .*[\s\S]*\(image_missing\)\nfix: .*--image app=REFERENCE/,
    );
    expect(leftBy(run.child)).toEqual([]);
  });

  it("shows the last lines of an app that never gets healthy, and writes the timeline all the same", async () => {
    const directory = project(
      "up-sick",
      script("console.error('database unreachable: db.internal:5432'); setTimeout(() => process.exit(3), 200)"),
    );
    const picture = join(directory, "run.svg");
    const run = up(directory, ["--platform", "cloud-run", "--image", `app=${APP_IMAGE}`, "--timeline", picture]);
    expect(await run.ended).toBe(1);
    expect(run.stderr()).toMatch(
      /error: the replica did not get ready: .*[\s\S]*last lines of app:\n +database unreachable: db\.internal:5432[\s\S]*\(never_ready\)\nfix: /,
    );
    expect(existsSync(picture)).toBe(true);
    expect(readFileSync(picture, "utf8")).toContain("never took traffic");
    expect(leftBy(run.child)).toEqual([]);
  });

  it("does not call it a success when the sidecar is killed under the drain", async () => {
    dropImage("chio-kit-local/up-killed-app:latest");
    const directory = project("up-killed");
    const run = up(directory, ["--platform", "ecs"]);
    const [, url = ""] = await run.until(READY);
    const [, bearer = ""] = await run.until(/Authorization: Bearer (\S+)'/);
    void fetch(`${url}/notes?wait_ms=30000`, {
      method: "POST",
      headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
      body: '{"text":"slow"}',
    }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 500));
    run.child.kill("SIGINT");
    await run.until(/stopping: /);
    killSidecar(run.child);
    expect(await run.ended).toBe(1);
    expect(run.stderr()).toMatch(/r1\/chio-sidecar ended with 137[\s\S]*\(run_lost\)/);
    expect(leftBy(run.child)).toEqual([]);
  });
});

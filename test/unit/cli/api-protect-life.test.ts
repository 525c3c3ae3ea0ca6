import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import { until } from "../ledger/fixture.ts";
import { runCli } from "./run-cli.ts";
import { CONTROL_TOKEN, SEED, type SidecarProcess, Workbench } from "./sidecar-process.ts";

/** The app: answers /hello at once, /slow when it is told to. */
async function app(bench: Workbench) {
  const held: (() => void)[] = [];
  const url = await bench.upstream((request, response) => {
    const answer = () => void response.end(`hello from ${request.url}`);
    if (request.url === "/slow") held.push(answer);
    else answer();
  });
  return {
    url,
    /** Resolves when so many calls of /slow are at work here. */
    working: (count: number) => until(`${count} calls are at work`, () => held.length === count),
    release() {
      for (const answer of held.splice(0)) answer();
    },
  };
}

/** Receipts on stdout. */
function receipts(sidecar: SidecarProcess): { verdict: string; receipt: { response_status: number; route_pattern: string } }[] {
  const lines = sidecar.stdout.split("\n").filter((line) => line.includes('"event":"receipt"'));
  return lines.map((line) => JSON.parse(line) as ReturnType<typeof receipts>[number]);
}

// Side by side: most of each test is waiting for a process.
describe.concurrent("chio api protect", { timeout: 60_000 }, () => {
  it("serves, and drains at SIGTERM: requests at work get answer and receipt, new ones are refused, exit 0", async () => {
    using bench = new Workbench();
    const upstream = await app(bench);
    const sidecar = bench.start(bench.flags({ "--upstream": upstream.url, "--receipt-sink": "stdout" }));
    const url = await sidecar.listening();
    const health = await fetch(`${url}/chio/health`);
    expect([health.status, ((await health.json()) as { ok: boolean }).ok]).toEqual([200, true]);
    expect((await runCli(["health", "--listen", url.replace("http://127.0.0.1", "0.0.0.0")])).code).toBe(0);
    expect(await (await fetch(`${url}/hello`)).text()).toBe("hello from /hello");

    const slow = fetch(`${url}/slow`);
    await upstream.working(1);
    sidecar.kill("SIGHUP");
    await sidecar.said("SIGHUP ignored");
    sidecar.kill("SIGTERM");
    await sidecar.said("SIGTERM: draining");
    await expect(fetch(`${url}/hello`)).rejects.toThrow();
    upstream.release();
    const answer = await slow;
    expect([answer.status, await answer.text()]).toEqual([200, "hello from /slow"]);
    expect(answer.headers.get("x-chio-receipt-id")).toMatch(/^[0-9a-f]{64}$/);

    expect(await sidecar.exited).toBe(0);
    expect(receipts(sidecar).map(({ verdict, receipt }) => [verdict, receipt.route_pattern, receipt.response_status])).toEqual([
      ["allow", "/hello", 200],
      ["allow", "/slow", 200],
    ]);
    expect(sidecar.stdout).toContain('"event":"checkpoint"');
    expect(sidecar.log().map(({ message }) => message)).toEqual([
      "listening",
      expect.stringMatching(/^SIGHUP ignored/),
      "SIGTERM: draining",
      "drained",
    ]);
    expect(sidecar.log()[2]?.undone).toBe("1 request");
  });

  it("ends with 1 past the drain's time, and says how much was left", async () => {
    using bench = new Workbench();
    const upstream = await app(bench);
    const sidecar = bench.start(bench.flags({ "--upstream": upstream.url, "--receipt-sink": "stdout" }), {
      CHIO_SHUTDOWN_DRAIN_MS: "1500",
    });
    const url = await sidecar.listening();
    const cut = [fetch(`${url}/slow`), fetch(`${url}/slow`)].map((one) => one.then((answer) => answer.text()).catch(() => "cut"));
    await upstream.working(2);
    sidecar.kill("SIGINT");
    expect(await sidecar.exited).toBe(1);
    expect((await sidecar.said("drain incomplete")).message).toMatch(/^drain incomplete: requests: 2 requests/);
    for (const text of await Promise.all(cut)) expect(text).not.toContain("hello from");
    // Cut off, but not forgotten: each has a receipt that says so.
    expect(receipts(sidecar).map(({ verdict, receipt }) => [verdict, receipt.route_pattern])).toEqual([
      [expect.stringMatching(/cancelled|incomplete/), "/slow"],
      [expect.stringMatching(/cancelled|incomplete/), "/slow"],
    ]);
  });

  it("ends at once at a second signal", async () => {
    using bench = new Workbench();
    const upstream = await app(bench);
    const sidecar = bench.start(bench.flags({ "--upstream": upstream.url }));
    const url = await sidecar.listening();
    void fetch(`${url}/slow`).catch(() => {});
    await upstream.working(1);
    sidecar.kill("SIGTERM");
    await sidecar.said("SIGTERM: draining");
    sidecar.kill("SIGTERM");
    expect(await sidecar.exited).toBe(1);
    expect((await sidecar.said("SIGTERM again")).undone).toBe("1 request");
  });

  it("asks the app for its OpenAPI document where none is named", async () => {
    using bench = new Workbench();
    const asked: string[] = [];
    const url = await bench.upstream((request, response) => {
      asked.push(request.url ?? "");
      if (request.url !== "/openapi.yaml") response.statusCode = 404;
      response.end(request.url === "/openapi.yaml" ? readFileSync(bench.path("openapi.yaml")) : "no");
    });
    const sidecar = bench.start(bench.flags({ "--upstream": url, "--spec": null }));
    expect((await sidecar.said("listening")).routes).toBe(2);
    expect(asked).toEqual(["/openapi.json", "/openapi.yaml"]);
  });

  it("replaces a changed policy, keeps the old one when the new one is bad, and says so", async () => {
    using bench = new Workbench();
    const policy = (allow: string) => `hushspec: "0.1.0"\nname: ${allow}\nrules: {egress: {allow: [${allow}]}}\n`;
    const path = bench.write("policy.yaml", policy("a.example"));
    const sidecar = bench.start(bench.flags({ "--upstream": (await app(bench)).url, "--policy": path, "--policy-refresh": "1s" }));
    const url = await sidecar.listening();
    const health = async () =>
      (await (await fetch(`${url}/chio/health`)).json()) as { policy_hash: string; authority_generation: number; ok: boolean };
    const first = await health();
    bench.write("policy.yaml", "hushspec: [broken");
    await sidecar.said("policy not replaced, the old one stays in force");
    expect(await health()).toMatchObject({
      policy_hash: first.policy_hash,
      authority_generation: 1,
      ok: true,
      warnings: [expect.stringMatching(/^policy: not replaced.*policy\.yaml/)],
    });
    expect(await (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${CONTROL_TOKEN}` } })).text()).toMatch(
      /^chio_policy_reload_failures_total [1-9]/m,
    );
    bench.write("policy.yaml", policy("b.example"));
    expect((await sidecar.said("policy replaced")).policy).toBe("b.example");
    const second = await health();
    expect(second.policy_hash).not.toBe(first.policy_hash);
    expect(second.authority_generation).toBe(2);
    expect(second).not.toHaveProperty("warnings");
  });

  it("lets no secret out: not into logs, answers, metrics, receipts or the store's folder", async () => {
    using bench = new Workbench();
    const sidecar = bench.start(bench.flags({ "--upstream": (await app(bench)).url, "--receipt-sink": "stdout", "--log-level": "trace" }));
    const url = await sidecar.listening();
    const said: string[] = [];
    const ask = async (path: string, init: RequestInit = {}) => said.push(await (await fetch(`${url}${path}`, init)).text());
    const bearer = { authorization: `Bearer ${CONTROL_TOKEN}` };
    await ask("/metrics", { headers: bearer });
    await ask("/metrics", { headers: { authorization: "Bearer wrong" } });
    await ask("/hello", { headers: bearer });
    await ask(`/hello?seed=${SEED}`, { headers: { "x-chio-capability": `{"signature":"${SEED}"` } });
    await ask("/chio/evaluate", { method: "POST", body: `{"request_id": "${CONTROL_TOKEN}` });
    await ask("/v1/capabilities/mint", {
      method: "POST",
      headers: bearer,
      body: JSON.stringify({ subject: "agent", scopes: ["tools:x"] }),
    });
    sidecar.kill("SIGTERM");
    expect(await sidecar.exited).toBe(0);
    const seeds = [SEED, Buffer.from(SEED, "hex").toString("base64"), Keypair.fromSeedHex(SEED).publicKeyHex];
    expect(sidecar.stdout).toContain(seeds[2]);
    for (const text of [sidecar.stderr, sidecar.stdout, ...said]) {
      for (const secret of [seeds[0]!, seeds[1]!, CONTROL_TOKEN]) expect(text).not.toContain(secret);
    }
    for (const name of readdirSync(bench.dir)) {
      expect(readFileSync(bench.path(name)).includes(Buffer.from(SEED, "hex")), name).toBe(false);
      expect(readFileSync(bench.path(name)).includes(CONTROL_TOKEN), name).toBe(false);
    }
  });

  it.each([
    ["an exception", "throw "],
    ["a rejection", "Promise.reject"],
  ])("ends with 1 at %s that nobody handled, without its secrets", async (_what, code) => {
    using bench = new Workbench();
    const failure = `new Error("broken ${SEED}")`;
    // Once the program listens for what nobody handles.
    const ready = 'process.listenerCount("uncaughtException") > 0';
    const path = bench.write(
      "break.mjs",
      `const timer = setInterval(() => { if (${ready}) { clearInterval(timer); ${code}(${failure}); } }, 50);`,
    );
    const sidecar = bench.start(bench.flags(), { NODE_OPTIONS: `--import ${path}`, BUN_OPTIONS: `--preload ${path}` });
    expect(await sidecar.exited).toBe(1);
    const last = sidecar.log().at(-1);
    expect(last).toMatchObject({
      severity: "ERROR",
      message: expect.stringMatching(/^unhandled error, ending/),
      error: { message: "broken [redacted]" },
    });
    expect(sidecar.stderr + sidecar.stdout).not.toContain(SEED);
  });

  it("goes on when the reader of stdout goes away, and readiness says so", async () => {
    using bench = new Workbench();
    const sidecar = bench.start(bench.flags({ "--upstream": (await app(bench)).url, "--receipt-sink": "stdout" }));
    const url = await sidecar.listening();
    sidecar.closeStdout();
    for (let i = 0; i < 3; i++) expect((await fetch(`${url}/hello`)).status).toBe(200);
    let health = await fetch(`${url}/chio/health`);
    await until("readiness says so", async () => {
      health = await fetch(`${url}/chio/health`);
      return health.status !== 200;
    });
    expect(health.status).toBe(503);
    expect((await health.json()) as object).toMatchObject({ ok: false, reasons: [expect.stringMatching(/^sinks: stdout /)] });
    expect((await fetch(`${url}/chio/live`)).status).toBe(200);
  });
});

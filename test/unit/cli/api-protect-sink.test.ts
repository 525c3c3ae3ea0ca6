import { createServer } from "node:https";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { selfSigned } from "../../../infra/local/suite/certificate.ts";
import { until } from "../ledger/fixture.ts";
import { runCli } from "./run-cli.ts";
import { type SidecarProcess, Workbench } from "./sidecar-process.ts";

const TOKEN = "sink-token-of-this-test";
const identity = selfSigned();
/** The receipt engine: takes what it is given, refuses while it is down. */
const engine = { status: 204, ids: [] as string[], checkpoints: 0, unauthorized: 0 };
const server = createServer(identity, (request, response) => {
  let body = "";
  request.setEncoding("utf8").on("data", (text: string) => {
    body += text;
  });
  request.on("end", () => {
    if (request.headers.authorization !== `Bearer ${TOKEN}`) engine.unauthorized++;
    if (engine.status === 204) {
      for (const line of body.trimEnd().split("\n")) {
        const record = JSON.parse(line) as { event: string; receipt?: { id: string } };
        if (record.event === "receipt") engine.ids.push(record.receipt!.id);
        else engine.checkpoints++;
      }
    }
    response.writeHead(engine.status).end();
  });
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
beforeEach(() => void Object.assign(engine, { status: 204, ids: [], checkpoints: 0, unauthorized: 0 }));
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function start(bench: Workbench, flags: Record<string, string>): Promise<{ sidecar: SidecarProcess; url: string }> {
  const { port } = server.address() as { port: number };
  const upstream = await bench.upstream((_request, response) => response.end("hello"));
  const sidecar = bench.start(
    bench.flags({ "--upstream": upstream, "--receipt-sink": `https://localhost:${port}/v1/receipts`, ...flags }),
    { NODE_EXTRA_CA_CERTS: bench.write("ca.pem", identity.cert), CHIO_RECEIPT_SINK_TOKEN: TOKEN },
  );
  return { sidecar, url: await sidecar.listening() };
}

const health = async (url: string, query = "") => {
  const answer = await fetch(`${url}/chio/health${query}`);
  return { ...((await answer.json()) as { receipt_acknowledge: string; reasons?: string[]; warnings?: string[] }), status: answer.status };
};
/** What ECS asks: an outage of the sink must not have the task replaced. */
const replaceable = async (url: string) =>
  (await health(url, "?exclude=sinks")).status !== 200 ||
  (await runCli(["health", "--exclude", "sinks", "--url", `${url}/chio/health`])).code !== 0;
const call = async (url: string) => {
  const answer = await fetch(`${url}/hello`);
  return { status: answer.status, id: answer.headers.get("x-chio-receipt-id"), retryAfter: answer.headers.get("retry-after") };
};

describe("chio api protect with an https sink", { timeout: 60_000 }, () => {
  it("hands over every receipt and checkpoint; an outage turns readiness off, loses nothing, and ends by itself", async () => {
    using bench = new Workbench();
    const { sidecar, url } = await start(bench, {});
    const ids = [(await call(url)).id];
    await until("the first receipt is there", () => engine.ids.length === 1);
    expect(await health(url)).toMatchObject({ status: 200, receipt_acknowledge: "ledger" });

    engine.status = 503;
    ids.push((await call(url)).id);
    await until("readiness is off", async () => (await health(url)).status === 503);
    expect((await health(url)).reasons?.join()).toMatch(/https:\/\/localhost:\d+\/v1\/receipts answered 503/);
    expect(await health(url, "?exclude=sinks")).toMatchObject({
      status: 200,
      ok: true,
      receipt_sink: "unreachable",
      excluded: ["sinks"],
      warnings: [expect.stringMatching(/^sinks: https:/)],
    });
    expect(await replaceable(url)).toBe(false);
    // The answer waits for the local store alone.
    const served = await call(url);
    expect(served.status).toBe(200);
    ids.push(served.id);

    engine.status = 204;
    await until("readiness is back", async () => (await health(url)).status === 200, 20_000);
    sidecar.kill("SIGTERM");
    expect(await sidecar.exited).toBe(0);
    expect(engine.ids).toEqual(ids);
    expect(engine.checkpoints).toBeGreaterThan(0);
    expect(engine.unauthorized).toBe(0);
    expect(sidecar.stderr + sidecar.stdout).not.toContain(TOKEN);
  });

  it("with receipts.acknowledge: sink, answers nothing that the sink has not confirmed", async () => {
    using bench = new Workbench();
    const { sidecar, url } = await start(bench, { "--receipt-acknowledge": "sink" });
    expect(await health(url)).toMatchObject({ status: 200, receipt_acknowledge: "sink" });
    const first = await call(url);
    expect(first.status).toBe(200);
    expect(engine.ids).toEqual([first.id]);

    engine.status = 503;
    // Known as soon as one group was refused: until then calls wait for it, from then on they are refused.
    const waiting = call(url);
    await until("readiness is off", async () => (await health(url)).status === 503);
    expect(await call(url)).toMatchObject({ status: 503, retryAfter: "1" });
    expect((await health(url)).reasons).toEqual([expect.stringMatching(/^sinks: https:.* answered 503/)]);
    expect(await replaceable(url)).toBe(false);
    engine.status = 204;
    expect([200, 503]).toContain((await waiting).status);
    await until("readiness is back", async () => (await health(url)).status === 200, 20_000);
    const last = await call(url);
    expect(last.status).toBe(200);
    expect(engine.ids).toContain(last.id);
    sidecar.kill("SIGTERM");
    expect(await sidecar.exited).toBe(0);
  });

  it("past the drain's time says how many receipts the sink has not taken and where they are, and hands them over at the next start", async () => {
    using bench = new Workbench();
    const { sidecar, url } = await start(bench, { "--shutdown-drain-ms": "1500" });
    engine.status = 503;
    const { id } = await call(url);
    sidecar.kill("SIGTERM");
    expect(await sidecar.exited).toBe(1);
    expect((await sidecar.said("drain incomplete")).message).toMatch(
      /receipts: 1 receipt that a sink has not taken, kept in .*receipts\.sqlite until the next start(?: \(out of time\))?$/,
    );

    engine.status = 204;
    const again = await start(bench, {});
    await until("the receipt has arrived", () => engine.ids.includes(id!), 20_000);
    again.sidecar.kill("SIGTERM");
    expect(await again.sidecar.exited).toBe(0);
  });
});

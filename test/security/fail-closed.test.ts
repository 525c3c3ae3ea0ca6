import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, test } from "vitest";
import { eventually } from "./harness/eventually.ts";
import { ok } from "./harness/recorder.ts";
import { connectTo } from "./harness/socket.ts";
import { get, request, world } from "./harness/world.ts";

describe("40 no receipt, no call", () => {
  const w = world();
  test("while the store cannot be written nothing is decided or forwarded, readiness says why, and it comes back by itself", async () => {
    const before = w.up.requests.length;
    const db = new DatabaseSync(w.sidecar.store);
    db.exec("BEGIN IMMEDIATE");
    try {
      // The first call waits for the store as long as the store waits for its lock, and is refused with everything behind it.
      const { answers } = await w.send(request("POST", "/open", [], "x"), { answers: 1 });
      expect(answers[0]?.status).toBe(503);
      expect(answers[0]?.header("retry-after")).toBe("1");
      for (const bytes of [get("/open"), get("/admin"), request("POST", "/open", [], "x")]) {
        const { answers: refused } = await w.send(bytes, { answers: 1 });
        expect(refused[0]?.json()).toMatchObject({ error: "unavailable", reason: "ledger_unavailable" });
        expect(refused[0]?.status).toBe(503);
      }
      const body = JSON.stringify({ capability_id: "c-1" });
      const released = (await w.send(request("POST", "/v1/capabilities/release", [], body), { answers: 1 })).answers[0]!;
      expect(released.status).toBe(500);
      expect(released.json()).toMatchObject({ error: "chio_capability_release_failed", reason: "capability_release_failed" });
      const health = (await w.send(get("/chio/health"), { answers: 1 })).answers[0]!;
      expect(health.status).toBe(503);
      expect(health.json()).toMatchObject({ status: "unhealthy", ok: false, receipt_sink: "unreachable" });
      expect(String(health.json().reasons)).toMatch(/receipts/);
      // The store is no sink: who leaves the sinks out hears of it all the same.
      expect((await w.send(get("/chio/health?exclude=sinks"), { answers: 1 })).answers[0]?.status).toBe(503);
      expect((await w.send(get("/chio/live"), { answers: 1 })).answers[0]?.status).toBe(200);
      expect(w.up.requests.length).toBe(before);
    } finally {
      db.exec("ROLLBACK");
      db.close();
    }
    await eventually(async () => expect((await w.send(get("/open"), { answers: 1 })).answers[0]?.status).toBe(200));
    expect((await w.send(get("/chio/health"), { answers: 1 })).answers[0]?.status).toBe(200);
  }, 40_000);
});

describe("41 the upstream ran, and its receipt cannot be stored", () => {
  const w = world();
  test("its answer is withheld", async () => {
    let db: DatabaseSync | undefined;
    w.up.answer = () => {
      // The store is lost between the decision and the outcome.
      db = new DatabaseSync(w.sidecar.store);
      db.exec("BEGIN IMMEDIATE");
      return ok('{"secret":"answer"}');
    };
    const safe = await w.send(get("/open"), { answers: 1 });
    expect(safe.answers[0]?.status).toBe(503);
    expect(safe.answers[0]?.json()).toMatchObject({ reason: "receipt_not_durable" });
    expect(safe.text).not.toContain("secret");
    db?.exec("ROLLBACK");
    db?.close();
    w.up.requests.length = 0;
    await eventually(async () => expect((await w.send(get("/chio/health"), { answers: 1 })).answers[0]?.status).toBe(200));
    const unsafe = await w.send(request("POST", "/open", [], "x"), { answers: 1 });
    expect(unsafe.answers[0]?.status).toBe(500);
    expect(unsafe.answers[0]?.json()).toMatchObject({ reason: "receipt_not_durable" });
    expect(unsafe.text).not.toContain("secret");
    db?.exec("ROLLBACK");
    db?.close();
    // What was recorded is the decision, which recovery completes at the next start.
    expect(w.sidecar.receipts().at(-1)?.metadata?.chio_http_status_scope).toBe("decision");
    w.up.requests.length = 0;
  }, 60_000);
});

describe("42 limits on what is open", () => {
  const w = world({ limits: { headerTimeoutMs: 1_500, idleTimeoutMs: 1_000, maxConnections: 20, maxConcurrentRequests: 3 } });
  afterEach(() => {
    w.up.answer = () => ok("{}");
  });
  test("headers that drip", async () => {
    const parts: (string | number)[] = ["GET /open HTTP/1.1\r\nHost: localhost\r\n"];
    for (let i = 0; i < 16; i++) parts.push(`X-${i}: y\r\n`, 150);
    const { closed, answers } = await w.send(parts, { closes: true });
    expect(closed).toBe(true);
    expect(answers.map(({ status }) => status)).toEqual([408]);
  });
  test("a connection that begins no request", async () => {
    await using client = await connectTo(w.sidecar.port);
    client.write("\r\n");
    await eventually(() => expect(client.closed).toBe(true));
  });
  test("a connection that says nothing more", async () => {
    await using client = await connectTo(w.sidecar.port);
    client.write(get("/open"));
    await client.until("{}");
    await eventually(() => expect(client.closed).toBe(true));
  });
  test("a connection that says nothing but empty lines", async () => {
    await using client = await connectTo(w.sidecar.port);
    client.write(get("/open"));
    await client.until("{}");
    const dripping = setInterval(() => client.write("\r\n"), 200);
    await eventually(() => expect(client.closed).toBe(true));
    clearInterval(dripping);
  });
  test("clients that take nothing of their answers hold no request at work for ever", async () => {
    // More than the buffers on the way hold.
    const big = ok("x".repeat(16 * 1024 * 1024));
    w.up.answer = ({ target }) => (target === "/open?big" ? big : ok("{}"));
    const clients = await Promise.all(Array.from({ length: 3 }, () => connectTo(w.sidecar.port)));
    for (const client of clients) client.pause();
    for (const client of clients) client.write(get("/open?big"));
    await eventually(() => expect(w.up.lines.filter((line) => line.includes("big"))).toHaveLength(3));
    const status = async () => (await w.send(get("/open"), { answers: 1 })).answers[0]?.status;
    expect(await status()).toBe(503);
    await eventually(async () => expect(await status()).toBe(200));
    for (const client of clients) client.destroy();
  });
  test("more connections than the limit", async () => {
    const clients = await Promise.all(Array.from({ length: 30 }, () => connectTo(w.sidecar.port).catch(() => null)));
    // A connection is one once something comes on it: Bun lets the kernel keep the others.
    for (const client of clients) client?.write("GET ");
    await eventually(() => expect(clients.filter((client) => client === null || client.closed).length).toBeGreaterThanOrEqual(10));
    for (const client of clients) client?.destroy();
    await eventually(async () => expect((await w.send(get("/open"), { answers: 1 })).answers[0]?.status).toBe(200));
  });
  test("more requests at work than the limit: 503, but for probes", async () => {
    const releases: (() => void)[] = [];
    w.up.answer = (_request, socket) => {
      releases.push(() => socket.write(ok("{}")));
      return undefined;
    };
    const working = Array.from({ length: 3 }, () => w.send(get("/open"), { answers: 1 }));
    await eventually(() => expect(releases).toHaveLength(3));
    await w.refused(get("/open"), 503, "overloaded");
    expect((await w.send(get("/chio/health"), { answers: 1 })).answers[0]?.status).toBe(200);
    for (const release of releases) release();
    expect((await Promise.all(working)).map(({ answers }) => answers[0]?.status)).toEqual([200, 200, 200]);
  });
});

describe("42 what is slow is not idle", () => {
  const w = world({ limits: { headerTimeoutMs: 500, idleTimeoutMs: 500 } });
  w.unordered = true;
  test("an answer that is late, a stream that is silent", async () => {
    w.up.answer = ({ target }, socket) => {
      if (target === "/open?late") setTimeout(() => socket.write(ok("late")), 3_000);
      else socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n");
      return undefined;
    };
    await using late = await connectTo(w.sidecar.port);
    await using stream = await connectTo(w.sidecar.port);
    late.write(get("/open?late"));
    stream.write(get("/open?stream"));
    await late.until("late");
    expect(stream.text).toContain("hi");
    expect(stream.closed).toBe(false);
  });
});

describe("42 no upstream", () => {
  const w = world();
  test("502 with a receipt, and the call is not said to have been made", async () => {
    await w.up.stop();
    const { answers } = await w.send(get("/open"), { answers: 1 });
    expect(answers[0]?.status).toBe(502);
    expect(answers[0]?.json()).toMatchObject({ error: "bad_gateway", reason: "upstream_unreachable" });
    expect(w.sidecar.receipts().at(-1)).toMatchObject({ response_status: 502, metadata: { chio_upstream_error: "upstream_unreachable" } });
    expect(answers[0]?.body).not.toContain("127.0.0.1");
  });
});

describe("42 memory of bodies", () => {
  const w = world({ limits: { maxBodyBytes: 12 * 1024 * 1024 } });
  test("many large bodies at once cannot take it all: 503 beyond four of them", async () => {
    const head = `POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${12 * 1024 * 1024}\r\n`;
    const clients = await Promise.all(Array.from({ length: 4 }, () => connectTo(w.sidecar.port)));
    for (const client of clients) client.write(`${head}Expect: 100-continue\r\n\r\n`);
    // Asked for, and so counted.
    for (const client of clients) await client.until("100 Continue");
    for (const client of clients) client.write("x");
    await w.refused(`${head}\r\nx`, 503, "body_memory");
    for (const client of clients) client.destroy();
    await eventually(async () => {
      const { answers } = await w.send(`POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx`, { answers: 1 });
      expect(answers[0]?.status).toBe(200);
    });
  });
});

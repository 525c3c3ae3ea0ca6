import { createServer, type IncomingMessage, type RequestListener, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { RequestTimeout } from "../../../infra/local/ingress/forward.ts";
import { Ingress } from "../../../infra/local/ingress/ingress.ts";

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** A replica's server. */
async function replica(handler: RequestListener = () => {}): Promise<Server> {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return server;
}

async function ingressFor(servers: Record<string, Server>, timeout: RequestTimeout = { ms: 5_000, kind: "total" }): Promise<Ingress> {
  const ingress = await Ingress.listen(0, timeout);
  open.push(() => ingress.close());
  for (const [name, server] of Object.entries(servers)) {
    ingress.targets.add({ name, host: "127.0.0.1", port: (server.address() as AddressInfo).port, onRequest: null });
    ingress.targets.setOpen(name, true);
  }
  return ingress;
}

const text = async (url: string) => await (await fetch(url)).text();

describe("the ingress", () => {
  it("sends requests to one replica after the other, of those that are open", async () => {
    const named = (name: string) => replica((_request, response) => void response.end(name));
    const ingress = await ingressFor({ r1: await named("r1"), r2: await named("r2"), r3: await named("r3") });
    const four = async () => [await text(ingress.url), await text(ingress.url), await text(ingress.url), await text(ingress.url)];
    expect(await four()).toEqual(["r1", "r2", "r3", "r1"]);
    ingress.targets.setOpen("r2", false);
    expect(await four()).toEqual(["r3", "r1", "r3", "r1"]);
  });

  it("answers 503 while no replica is open", async () => {
    const ingress = await ingressFor({});
    const answer = await fetch(ingress.url);
    expect([answer.status, answer.headers.get("retry-after")]).toEqual([503, "1"]);
  });

  it("passes target, method, fields and body on as they are, and says who asked", async () => {
    const seen: { url: string | undefined; fields: string[]; body: string }[] = [];
    const server = await replica(async (incoming: IncomingMessage, response) => {
      let body = "";
      for await (const piece of incoming) body += piece;
      seen.push({ url: incoming.url, fields: incoming.rawHeaders, body });
      response.writeHead(201, { "X-Two": ["a", "b"] }).end("made");
    });
    const ingress = await ingressFor({ r1: server });
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const call = request(
        ingress.url,
        { method: "PUT", path: "/a%2Fb//c?x=%zz", headers: ["Host", "svc", "X-One", "1", "X-One", "2"] },
        resolve,
      );
      call.on("error", reject).end("body");
    });
    expect([answer.statusCode, answer.rawHeaders.filter((one) => one === "X-Two").length]).toEqual([201, 2]);
    answer.resume();
    expect(seen[0]?.url).toBe("/a%2Fb//c?x=%zz");
    expect(seen[0]?.body).toBe("body");
    expect(seen[0]?.fields).toEqual(expect.arrayContaining(["Host", "svc", "X-One", "1", "X-One", "2", "X-Forwarded-Proto", "http"]));
  });

  it("streams an answer while it is made, and counts it as in flight until its end", async () => {
    const end = Promise.withResolvers<void>();
    const server = await replica(async (_request, response) => {
      response.write("first");
      await end.promise;
      response.end("last");
    });
    const ingress = await ingressFor({ r1: server });
    const reader = (await fetch(ingress.url)).body!.getReader();
    expect(Buffer.from((await reader.read()).value!).toString()).toBe("first");
    ingress.targets.setOpen("r1", false);
    let idle = false;
    const waiting = ingress.targets.idle("r1").then(() => {
      idle = true;
    });
    await sleep(30);
    expect([ingress.targets.inFlight("r1"), idle]).toEqual([1, false]);
    end.resolve();
    await reader.read();
    await waiting;
    expect(ingress.targets.inFlight("r1")).toBe(0);
  });

  it("gives up a replica's request when its client is gone", async () => {
    const gone = Promise.withResolvers<void>();
    const server = await replica((_request, response) => void response.on("close", () => gone.resolve()));
    const ingress = await ingressFor({ r1: server });
    const aborted = new AbortController();
    const call = fetch(ingress.url, { signal: aborted.signal }).catch(() => {});
    await sleep(50);
    aborted.abort();
    await Promise.all([call, gone.promise]);
    await ingress.targets.idle("r1");
  });

  it("tells a dead replica from a slow one", async () => {
    const dead = await replica((_request, response) => void response.destroy());
    expect((await fetch((await ingressFor({ r1: dead })).url)).status).toBe(502);
    const slow = await replica(() => {});
    for (const kind of ["total", "idle"] as const)
      expect((await fetch((await ingressFor({ r1: slow }, { ms: 60, kind })).url)).status).toBe(504);
  });

  it("passes a changed protocol through, both ways, and counts it", async () => {
    const server = await replica();
    server.on("upgrade", (incoming, socket) => {
      socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${incoming.headers.upgrade}\r\nConnection: Upgrade\r\n\r\n`);
      socket.on("data", (piece: Buffer) => socket.write(piece.toString().toUpperCase()));
      socket.on("end", () => socket.end());
    });
    const ingress = await ingressFor({ r1: server });
    const socket = connect(Number(new URL(ingress.url).port), "127.0.0.1");
    socket.write("GET /ws HTTP/1.1\r\nHost: svc\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    let got = "";
    socket.on("data", (piece) => {
      got += piece;
      if (got.endsWith("\r\n\r\n")) socket.write("hello");
    });
    await expect.poll(() => got).toContain("HELLO");
    expect(got).toContain("Upgrade: websocket");
    expect(ingress.targets.inFlight("r1")).toBe(1);
    socket.destroy();
    await ingress.targets.idle("r1");
  });

  it("says which port is taken", async () => {
    const first = await ingressFor({});
    const port = Number(new URL(first.url).port);
    await expect(Ingress.listen(port, { ms: 1, kind: "total" })).rejects.toMatchObject({
      code: "port_taken",
      message: expect.stringContaining(String(port)),
    });
  });
});

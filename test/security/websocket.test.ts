import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { eventually } from "./harness/eventually.ts";
import { pause } from "./harness/raw.ts";
import { ok } from "./harness/recorder.ts";
import { connectTo, type HandSocket } from "./harness/socket.ts";
import { get, world } from "./harness/world.ts";

const w = world();
const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const accept = (key: string) => createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
const handshake = (target: string, ...headers: string[]) =>
  get(target, "Connection: Upgrade", "Upgrade: websocket", `Sec-WebSocket-Key: ${KEY}`, "Sec-WebSocket-Version: 13", ...headers);
const switching = (key = KEY) =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept(key)}\r\n\r\n`;
const last = () => w.sidecar.receipts().at(-1)!;
/** A text frame from a server. */
const frame = (text: string) => Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);

afterEach(() => {
  w.up.answer = () => ok("{}");
});

/** Opens a tunnel; both ends are the test's. */
async function open(target = "/socket", ...headers: string[]): Promise<{ client: HandSocket; upstream: Socket; got: () => string }> {
  let received = "";
  const held = new Promise<Socket>((resolve) => {
    w.up.answer = (_request, socket) => {
      socket.on("data", (bytes: Buffer) => {
        received += bytes.toString("latin1");
      });
      resolve(socket);
      return switching();
    };
  });
  const client = await connectTo(w.sidecar.port);
  client.write(handshake(target, ...headers));
  const upstream = await held;
  await client.until("\r\n\r\n");
  return { client, upstream, got: () => received };
}

describe("32 websockets, where a route takes them", () => {
  test("decision and final receipt are durable when the 101 arrives; then bytes pass both ways", async () => {
    const before = w.sidecar.receipts().length;
    const { client, upstream, got } = await open();
    const receipts = w.sidecar.receipts().slice(before);
    expect(receipts.map(({ response_status, metadata }) => [response_status, metadata?.chio_http_status_scope])).toEqual([
      [200, "decision"],
      [101, "final"],
    ]);
    expect(client.text).toMatch(/^HTTP\/1\.1 101 /);
    expect(client.text).toContain(`X-Chio-Receipt-Id: ${receipts[1]!.id}`);
    upstream.write(frame("hello"));
    await client.until("hello");
    client.write("\x81\x85\0\0\0\0there");
    await eventually(() => expect(got()).toContain("there"));
    client.destroy();
    await eventually(() => expect(upstream.destroyed).toBe(true));
  });

  test("the decision is durable before the upstream hears of it", async () => {
    let atUpstream = 0;
    const before = w.sidecar.receipts().length;
    w.up.answer = () => {
      atUpstream = w.sidecar.receipts().length - before;
      return switching();
    };
    const client = await connectTo(w.sidecar.port);
    client.write(handshake("/socket"));
    await client.until("\r\n\r\n");
    expect(atUpstream).toBe(1);
    client.destroy();
  });

  test("with a capability on a closed route, which does not arrive", async () => {
    const { client } = await open("/closed-socket", `X-Chio-Capability: ${w.token}`);
    const seen = w.up.requests.at(-1)!;
    expect(seen.headers.map(([name]) => name.toLowerCase())).not.toContain("x-chio-capability");
    expect(seen.headers.filter(([name]) => /^(connection|upgrade)$/i.test(name))).toEqual([
      ["Connection", "Upgrade"],
      ["Upgrade", "websocket"],
    ]);
    client.destroy();
  });

  test.each([
    ["for another key", switching("AAAAAAAAAAAAAAAAAAAAAA==")],
    ["without a proof", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
    ["to another protocol", switching().replace("Upgrade: websocket", "Upgrade: h2c")],
  ])("a 101 %s opens no tunnel", async (_name, answer) => {
    w.up.answer = () => answer;
    const { answers, closed } = await w.send(handshake("/socket"), { closes: true });
    expect(answers.map(({ status }) => status)).toEqual([502]);
    expect(closed).toBe(true);
    expect(last()).toMatchObject({ response_status: 502, metadata: { chio_upstream_error: "upstream_protocol" } });
  });

  test("a refusal of the app is passed on, and ends the connection", async () => {
    w.up.answer = () => "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 4\r\n\r\nnope";
    const { answers, closed } = await w.send(handshake("/socket"), { closes: true });
    expect(answers.map(({ status, body }) => [status, body])).toEqual([[426, "nope"]]);
    expect(answers[0]?.header("x-chio-receipt-id")).toBe(last().id);
    expect(closed).toBe(true);
  });

  test("a client that talks before the 101 is cut off", async () => {
    w.up.answer = () => undefined;
    const { closed } = await w.send([handshake("/socket"), 100, "GET /admin HTTP/1.1\r\n\r\n"], { closes: true });
    expect(closed).toBe(true);
    await eventually(() => expect(last().verdict.verdict).toBe("cancel"));
  });

  test("a client that goes during the handshake is a cancelled call", async () => {
    const held = new Promise<Socket>((resolve) => {
      w.up.answer = (_request, socket) => {
        resolve(socket);
        return undefined;
      };
    });
    const client = await connectTo(w.sidecar.port);
    client.write(handshake("/socket"));
    const upstream = await held;
    client.destroy();
    await eventually(() => expect(last().verdict.verdict).toBe("cancel"));
    expect(last().response_status).toBe(499);
    await eventually(() => expect(upstream.destroyed).toBe(true));
  });
});

describe("a tunnel in which nothing happens", () => {
  const w = world({ limits: { headerTimeoutMs: 500, idleTimeoutMs: 500 } });
  test("is not an idle connection", async () => {
    w.up.answer = () => switching();
    const client = await connectTo(w.sidecar.port);
    client.write(handshake("/socket"));
    await client.until("101");
    await pause(3_000);
    expect(client.closed).toBe(false);
    client.destroy();
  });
});

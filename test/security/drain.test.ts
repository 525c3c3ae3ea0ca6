import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventually } from "./harness/eventually.ts";
import { ok, Recorder } from "./harness/recorder.ts";
import { readReceipts, startSidecar, type TestSidecar } from "./harness/sidecar.ts";
import { connectTo } from "./harness/socket.ts";
import { get, request } from "./harness/world.ts";

let up: Recorder;
let sidecar: TestSidecar;
beforeEach(async () => {
  up = await Recorder.start();
  sidecar = await startSidecar({ upstreamPort: up.port });
});
afterEach(async () => {
  await sidecar.stop();
  await up.stop();
});
const hold = () =>
  new Promise<Socket>((resolve) => {
    up.answer = (_request, socket) => {
      resolve(socket);
      return undefined;
    };
  });

/** An idle connection, which ends when a drain begins. */
async function drainSign(): Promise<() => Promise<unknown>> {
  const idle = await connectTo(sidecar.port);
  idle.write(get("/chio/live"));
  await idle.until("healthy");
  return () => eventually(() => expect(idle.closed).toBe(true));
}

describe("drain", () => {
  test("a request at work gets its answer and its receipt; new ones are refused; nothing is left", async () => {
    const held = hold();
    const client = await connectTo(sidecar.port);
    client.write(request("POST", "/open", [], "x"));
    const upstream = await held;
    const begun = await drainSign();
    const drained = sidecar.drain();
    await begun();
    await expect(connectTo(sidecar.port)).rejects.toThrow(/ECONNREFUSED|ECONNRESET/);
    upstream.write(ok('{"late":true}'));
    await client.until('{"late":true}');
    expect(client.text).toMatch(/connection: close/i);
    expect(await drained).toEqual({ leftInFlight: 0, undelivered: 0 });
    const receipts = readReceipts(sidecar.store);
    expect(receipts.map(({ metadata }) => metadata?.chio_http_status_scope)).toEqual(["decision", "final"]);
    expect(client.text).toContain(receipts[1]!.id);
  });

  test("a request behind one at work on the same connection is refused, not forwarded", async () => {
    const held = hold();
    const client = await connectTo(sidecar.port);
    client.write(get("/open?first"));
    const upstream = await held;
    const begun = await drainSign();
    const drained = sidecar.drain();
    await begun();
    client.write(get("/open?second"));
    upstream.write(ok("{}"));
    await drained;
    expect(up.lines).toEqual(["GET /open?first HTTP/1.1"]);
  });

  test("websockets are told to go away, between frames", async () => {
    const accept = createHash("sha1").update("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
    let received = Buffer.alloc(0);
    const upstream = new Promise<Socket>((resolve) => {
      up.answer = (_request, socket) => {
        socket.on("data", (bytes: Buffer) => {
          received = Buffer.concat([received, bytes]);
        });
        resolve(socket);
        return `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
      };
    });
    const client = await connectTo(sidecar.port);
    client.write(
      get(
        "/socket",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
      ),
    );
    const app = await upstream;
    await client.until("\r\n\r\n");
    // Half a frame is on the way when the drain begins.
    app.write(Buffer.from([0x81, 4, 0x61, 0x62]));
    // With the frame's own header: two letters alone may stand in a receipt id.
    await client.until("\x81\x04ab");
    const begun = await drainSign();
    const drained = sidecar.drain();
    await begun();
    expect(client.text.endsWith("ab")).toBe(true);
    app.write("cd");
    await client.until("\x88\x02\x03\xe9");
    expect(client.text.endsWith("abcd\x88\x02\x03\xe9")).toBe(true);
    expect(await drained).toEqual({ leftInFlight: 0, undelivered: 0 });
    await eventually(() => expect(received.subarray(-8).toString("hex")).toBe("88820000000003e9"));
  });

  test("past the budget the count says what was cut off", async () => {
    const held = hold();
    const client = await connectTo(sidecar.port);
    client.write(request("POST", "/open", [], "x"));
    await held;
    const { leftInFlight } = await sidecar.drain(300);
    expect(leftInFlight).toBe(1);
    await eventually(() => expect(client.closed).toBe(true));
    expect(readReceipts(sidecar.store).at(-1)).toMatchObject({
      verdict: { verdict: "cancel" },
      metadata: { chio_http_status_scope: "final" },
    });
  });
});

import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { eventually } from "./harness/eventually.ts";
import { parseAnswers, pause } from "./harness/raw.ts";
import { ok } from "./harness/recorder.ts";
import { connectTo } from "./harness/socket.ts";
import { get, request, type World, world } from "./harness/world.ts";

const w = world({ limits: { maxBodyBytes: 1_000, bodyTimeoutMs: 2_000 } });
afterEach(() => {
  w.up.answer = () => ok("{}");
});
const last = () => w.sidecar.receipts().at(-1)!;
const CHUNKED_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
const chunk = (data: string) => `${data.length.toString(16)}\r\n${data}\r\n`;

/** Takes the next request's upstream connection for the test to write on. */
const holdUpstream = (head = "") => holdUpstreamOf(w, head);

function holdUpstreamOf(of: World, head = ""): Promise<Socket> {
  return new Promise((resolve) => {
    of.up.answer = (_request, socket) => {
      if (head !== "") socket.write(head);
      resolve(socket);
      return undefined;
    };
  });
}

describe("47 streamed answers", () => {
  test("events arrive one by one, the head before the first of them, behind a durable receipt", async () => {
    const held = holdUpstream(CHUNKED_HEAD);
    await using client = await connectTo(w.sidecar.port);
    client.write(get("/open"));
    const upstream = await held;
    await client.until("\r\n\r\n");
    expect(client.text).toContain("text/event-stream");
    expect(client.text).toContain(last().id);
    for (const event of ["data: 1\n\n", "data: 2\n\n", "data: 3\n\n"]) {
      expect(client.text).not.toContain(event);
      upstream.write(chunk(event));
      await client.until(event);
    }
    upstream.write("0\r\n\r\n");
    await client.until("0\r\n\r\n");
    expect(parseAnswers(client.text)[0]?.body).toBe("data: 1\n\ndata: 2\n\ndata: 3\n\n");
  });

  test("a client that goes aborts the upstream; there is one final receipt", async () => {
    const before = w.sidecar.receipts().length;
    const held = holdUpstream(CHUNKED_HEAD);
    const client = await connectTo(w.sidecar.port);
    client.write(get("/open"));
    const upstream = await held;
    await client.until("\r\n\r\n");
    const closed = new Promise((resolve) => upstream.on("close", resolve));
    client.destroy();
    await closed;
    expect(w.sidecar.receipts().length - before).toBe(1);
    expect(last()).toMatchObject({ response_status: 200, verdict: { verdict: "allow" } });
  });

  test("a client that goes before the answer began is a cancelled call", async () => {
    const before = w.sidecar.receipts().length;
    const held = holdUpstream();
    const client = await connectTo(w.sidecar.port);
    client.write(get("/open"));
    const upstream = await held;
    const closed = new Promise((resolve) => upstream.on("close", resolve));
    client.destroy();
    await closed;
    await eventually(() => expect(w.sidecar.receipts().length - before).toBe(1));
    expect(last()).toMatchObject({ response_status: 499, verdict: { verdict: "cancel" } });
  });

  test("the same for a call with effects: the receipt closes its decision", async () => {
    const before = w.sidecar.receipts().length;
    const held = holdUpstream();
    const client = await connectTo(w.sidecar.port);
    client.write(request("POST", "/open", [], "x"));
    const upstream = await held;
    const closed = new Promise((resolve) => upstream.on("close", resolve));
    client.destroy();
    await closed;
    await eventually(() => expect(w.sidecar.receipts().length - before).toBe(2));
    expect(last().metadata?.chio_decision_receipt_id).toBe(w.sidecar.receipts().at(-2)?.id);
    expect(last().verdict.verdict).toBe("cancel");
  });

  test("a client that does not read holds the upstream back, and gets every byte in the end", async () => {
    const size = 48 * 1024 * 1024;
    const block = Buffer.alloc(64 * 1024, "x");
    let written = 0;
    w.up.answer = (_request, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`);
      const pump = () => {
        while (written < size) {
          written += block.length;
          if (!socket.write(block)) {
            socket.once("drain", pump);
            return;
          }
        }
      };
      pump();
      return undefined;
    };
    await using client = await connectTo(w.sidecar.port);
    client.write(get("/open"));
    await client.until("\r\n\r\n");
    client.pause();
    // Whatever lies in buffers on the way is full at some time; then nothing more is taken.
    let stalled = -1;
    for (let quiet = 0; quiet < 10 && written < size; quiet = written === stalled ? quiet + 1 : 0) {
      stalled = written;
      await pause(50);
    }
    expect(written).toBeLessThan(size / 2);
    client.resume();
    await eventually(() => expect(client.bytes).toBeGreaterThan(size));
    expect(client.text.slice(-10)).toBe("xxxxxxxxxx");
  });
});

describe("47 connections to the upstream belong to one call at a time", () => {
  const shared = world();
  shared.unordered = true;
  test("a client that leaves with its answer half read cuts off nobody else's", async () => {
    const big = ok("x".repeat(20_000));
    shared.up.answer = () => big;
    // A client that asks and does not read, until an answer is stuck: the upstream has sent all of it, and its connection is free again.
    const reader = await connectTo(shared.sidecar.port);
    reader.pause();
    for (let asked = 10, stuck = false; !stuck; asked += 10) {
      reader.write(get("/open?stuck").repeat(10));
      for (let quiet = 0, seen = -1; shared.up.requests.length < asked && !stuck; ) {
        quiet = shared.up.requests.length === seen ? quiet + 1 : 0;
        seen = shared.up.requests.length;
        stuck = quiet > 80;
        await pause(10);
      }
    }
    const held = holdUpstreamOf(shared);
    const other = shared.send(get("/open?other"), { answers: 1 });
    const upstream = await held;
    expect(shared.up.requests.at(-1)?.connection).toBe(shared.up.requests.at(-2)?.connection);
    reader.destroy();
    await pause(200);
    upstream.write(ok("{}"));
    expect((await other).answers[0]?.status).toBe(200);
  });
});

describe("streamed uploads", () => {
  // No guard that looks into bodies: with one, a route that streams is closed.
  const w = world({
    limits: { maxBodyBytes: 1_000, bodyTimeoutMs: 2_000 },
    policy: 'hushspec: "0.1.0"\nrules: { forbidden_paths: {}, tool_access: {} }\n',
  });
  /** Calls whose upload never became a whole request, so that the recorder has none for their receipt. */
  let unseen = 0;
  w.unseen = () => unseen;
  afterEach(() => {
    w.up.answer = () => ok("{}");
    w.up.onBytes = () => {};
  });
  const last = () => w.sidecar.receipts().at(-1)!;
  const head = (...lines: string[]) => `POST /upload HTTP/1.1\r\nHost: localhost\r\n${lines.join("\r\n")}\r\n\r\n`;

  test("pieces go on as they come, beyond the limit of what is held, and the receipt has their hash", async () => {
    const piece = "p".repeat(5_000);
    let arrived = "";
    w.up.answer = () => ok("{}");
    w.up.onBytes = (bytes) => {
      arrived += bytes.toString("latin1");
    };
    await using client = await connectTo(w.sidecar.port);
    client.write(head("Transfer-Encoding: chunked"));
    client.write(chunk(piece));
    await eventually(() => expect(arrived).toContain(piece));
    expect(arrived).toMatch(/transfer-encoding: chunked\r\n/i);
    expect(arrived).toMatch(/connection: close\r\n/i);
    client.write(`${chunk(piece)}0\r\n\r\n`);
    await client.until("{}");
    const sha256 = createHash("sha256")
      .update(piece + piece)
      .digest("hex");
    expect(last().metadata?.chio_streamed_body).toEqual({ sha256, bytes: 10_000, complete: true });
    expect(w.up.requests.at(-1)?.body).toHaveLength(10_000);
  });

  test("a declared length is sent as the number that was read, and counted", async () => {
    const { seen } = await w.forwarded(`${head("Content-Length: 5")}hello`);
    expect(seen.headers.filter(([name]) => /^(content-length|transfer-encoding)$/i.test(name))).toEqual([["Content-Length", "5"]]);
    // Its connection takes no second request, so that nothing left of a body can be read as one.
    expect((await w.forwarded(get("/open"))).seen.connection).not.toBe(seen.connection);
  });

  test("an upload that breaks off never becomes a whole request", async () => {
    const before = w.up.requests.length;
    const client = await connectTo(w.sidecar.port);
    let arrived = "";
    w.up.onBytes = (bytes) => {
      arrived += bytes.toString("latin1");
    };
    client.write(head("Transfer-Encoding: chunked"));
    client.write(chunk("half"));
    await eventually(() => expect(arrived).toContain("half"));
    client.destroy();
    await eventually(() => expect(last().verdict.verdict).toBe("cancel"));
    expect(w.up.requests.length).toBe(before);
    unseen++;
  });

  test("one that stops, likewise", async () => {
    const before = w.up.requests.length;
    const { answers } = await w.send(`${head("Content-Length: 500")}half`, { answers: 1 });
    expect(answers[0]?.status).toBe(400);
    expect(answers[0]?.json().reason).toBe("request_aborted");
    expect(w.up.requests.length).toBe(before);
    unseen++;
  });

  test("a deciding trailer cuts it off", async () => {
    const before = w.up.requests.length;
    const { answers } = await w.send(`${head("Transfer-Encoding: chunked")}${chunk("x")}0\r\nAuthorization: Bearer x\r\n\r\n`, {
      answers: 1,
    });
    expect(answers[0]?.status).toBe(400);
    expect(w.up.requests.length).toBe(before);
    unseen++;
  });

  test("without a capability on a closed route nothing is read", async () => {
    await w.denied(`POST /closed-upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n`);
  });

  test("an answer that comes early ends the upload", async () => {
    w.up.onBytes = (_bytes, socket) => {
      if (socket.writable) socket.end("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno");
    };
    const { answers, closed } = await w.send([head("Transfer-Encoding: chunked"), chunk("x"), 200], { closes: true });
    expect(answers.map(({ status }) => status)).toEqual([413]);
    expect(closed).toBe(true);
    expect(last().metadata?.chio_streamed_body).toMatchObject({ complete: false });
    unseen++;
  });
});

test("36 a guard that would look into a streamed body denies, since it cannot", async () => {
  await w.denied("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello", "guard_denied");
});

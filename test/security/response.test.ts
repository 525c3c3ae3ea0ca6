import type { Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { eventually } from "./harness/eventually.ts";
import type { RawTalk } from "./harness/raw.ts";
import { ok } from "./harness/recorder.ts";
import { get, request, world } from "./harness/world.ts";

const w = world({ limits: { upstreamTimeoutMs: 3_000 } });
afterEach(() => {
  w.up.answer = () => ok("{}");
});
/** One answer of the upstream, and then the end of its connection. */
const answerAndClose = (text: string) => {
  w.up.answer = (_request, socket) => {
    socket.end(Buffer.from(text, "latin1"));
    return undefined;
  };
};
const lastReceipt = () => w.sidecar.receipts().at(-1)!;
/** Nothing, or a head with its receipt and less than it announces. HTTP/1.0 has no way to announce a length that is not known. */
const expectNoWhole = ({ text, closed, answers }: RawTalk) => {
  expect(closed).toBe(true);
  if (text === "") return;
  expect(text).toContain(lastReceipt().id);
  if (/transfer-encoding|content-length/i.test(text)) expect(answers).toEqual([]);
};

describe("46 answers of the upstream", () => {
  test("the sidecar's own headers, however spelt, are replaced by the one that is true", async () => {
    w.up.answer = () =>
      ok("{}", "X-Chio-Receipt-Id: fake\r\nx-chio-receipt-id: fake\r\nX-Chio-Verdict: allow\r\nX_Chio_Receipt_Id: fake\r\nX-App: 1\r\n");
    const { answer } = await w.forwarded(get("/open"));
    expect(answer.headers.filter(([name]) => /chio/i.test(name))).toEqual([["X-Chio-Receipt-Id", lastReceipt().id]]);
    expect(answer.header("x-app")).toBe("1");
  });
  test("hop-by-hop headers stay on their hop; cookies stay apart", async () => {
    w.up.answer = () =>
      ok(
        "{}",
        "Connection: close, X-Foo\r\nKeep-Alive: timeout=1\r\nProxy-Authenticate: Basic\r\nUpgrade: h2c\r\nTrailer: X\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n",
      );
    const { answer } = await w.forwarded(get("/open"));
    const names = answer.headers.map(([name]) => name.toLowerCase());
    for (const name of ["proxy-authenticate", "upgrade", "trailer"]) expect(names).not.toContain(name);
    expect(answer.header("keep-alive")).not.toBe("timeout=1");
    expect(answer.headers.filter(([name]) => name === "Set-Cookie").map(([, value]) => value)).toEqual(["a=1", "b=2"]);
  });
  test.each([
    ["an unasked 101", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello"],
    ["two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nokabc"],
    ["one length twice", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok"],
    ["length and chunked", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"],
    ["another transfer coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"],
    ["a length that is none", "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok"],
    ["a bare CR in a value", "HTTP/1.1 200 OK\r\nX-A: a\rSet-Cookie: evil\r\nContent-Length: 0\r\n\r\n"],
    ["a bare LF in a value", "HTTP/1.1 200 OK\r\nX-A: a\nSet-Cookie: evil\r\nContent-Length: 0\r\n\r\n"],
    ["a folded line", "HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\nContent-Length: 0\r\n\r\n"],
    ["a header without a colon", "HTTP/1.1 200 OK\r\nfoo\r\nContent-Length: 0\r\n\r\n"],
    ["a space in a header name", "HTTP/1.1 200 OK\r\nX A: 1\r\nContent-Length: 0\r\n\r\n"],
    ["no status line", "hello\r\n\r\n"],
    ["HTTP/2.0", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"],
    ["status 099", "HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n"],
    ["status 600", "HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n"],
    ["a flood of interim answers", `${"HTTP/1.1 103 Early Hints\r\n\r\n".repeat(50)}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`],
    ["headers without an end", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(100_000)}`],
    ["nothing", ""],
    ["half a head", "HTTP/1.1 200 OK\r\nContent-Le"],
  ])("%s is a 502 with a receipt that says so", async (_name, text) => {
    answerAndClose(text);
    const { answer } = await w.forwarded(get("/open"), 502);
    expect(answer.json().receipt_id).toBe(lastReceipt().id);
    expect(answer.header("x-chio-receipt-id")).toBe(lastReceipt().id);
    expect(lastReceipt()).toMatchObject({ response_status: 502, verdict: { verdict: "allow" } });
    expect(answer.header("set-cookie")).toBeUndefined();
  });
  test("an interim answer is left out", async () => {
    w.up.answer = () => `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${ok("{}")}`;
    const { answer } = await w.forwarded(get("/open"));
    expect(answer.header("link")).toBeUndefined();
  });
  test.each([
    ["a length that is longer than the body", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort"],
    ["a chunked body without an end", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"],
    ["a chunk size that is none", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nshort\r\n0\r\n\r\n"],
  ])("41 %s: the client's connection breaks, it is no whole answer", async (_name, text) => {
    answerAndClose(text);
    expectNoWhole(await w.send(get("/open"), { closes: true }));
    expectNoWhole(await w.send(get("/open").replace("HTTP/1.1", "HTTP/1.0"), { closes: true }));
    // The same once the client has the head.
    const end = text.indexOf("\r\n\r\n") + 4;
    w.up.answer = (_request, socket) => {
      socket.write(text.slice(0, end));
      setTimeout(() => socket.end(text.slice(end)), 300);
      return undefined;
    };
    const late = await w.send(get("/open"), { closes: true });
    expect(late.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expectNoWhole(late);
  });
  test("what comes behind an answer is nobody's answer", async () => {
    w.up.answer = () => `${ok('{"a":1}')}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`;
    const first = await w.forwarded(get("/open"));
    w.up.answer = () => ok('{"b":2}');
    const second = await w.forwarded(get("/open"));
    expect([first.answer.body, second.answer.body]).toEqual(['{"a":1}', '{"b":2}']);
    // More of it may still be on the way.
    expect(second.seen.connection).not.toBe(first.seen.connection);
  });
  test("bytes on an idle connection are nobody's answer", async () => {
    let idle: Socket | undefined;
    w.up.answer = (_request, socket) => {
      idle = socket;
      return ok("{}");
    };
    await w.forwarded(get("/open"));
    idle!.write(ok("evil"));
    // Bytes that nobody asked for end the connection.
    await eventually(() => expect(idle?.destroyed).toBe(true));
    w.up.answer = () => ok('{"b":2}');
    const { answer } = await w.forwarded(get("/open"));
    expect(answer.body).toBe('{"b":2}');
  });
  test("204, 304 and HEAD have no body, whatever the upstream sends", async () => {
    w.up.answer = () => "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello";
    expect((await w.forwarded(get("/open"), 204)).answer.header("content-length")).toBeUndefined();
    w.up.answer = () => "HTTP/1.1 304 Not Modified\r\nETag: x\r\nContent-Length: 5\r\n\r\n";
    expect((await w.forwarded(get("/open"), 304)).answer.header("etag")).toBe("x");
    w.up.answer = () => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    const { answers } = await w.send(request("HEAD", "/open"), { answers: 1, head: true });
    expect(answers[0]?.header("content-length")).toBe("5");
  });
  test("an HTTP/1.0 answer ends with its connection", async () => {
    answerAndClose("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold");
    expect((await w.forwarded(get("/open"))).answer.body).toBe("old");
  });
  test("an error of the app is the app's answer", async () => {
    w.up.answer = () => "HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nbad";
    expect((await w.forwarded(get("/open"), 500)).answer.body).toBe("bad");
    expect(lastReceipt().response_status).toBe(500);
  });
});

describe("44 the upstream is the configured one", () => {
  test.each(["http://169.254.169.254/latest/meta-data", "http://metadata.google.internal/", "//evil.example/"])(
    "a redirect to %s is passed on and not followed",
    async (location) => {
      w.up.answer = () => `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
      const { answer } = await w.forwarded(get("/open"), 302);
      expect(answer.header("location")).toBe(location);
    },
  );
  test("45 no header of the request chooses it", async () => {
    const { seen } = await w.forwarded(
      get(
        "/open",
        "X-Forwarded-Host: evil.example",
        "X-Host: evil.example",
        "X-Backend: http://evil.example",
        "Forwarded: host=evil.example",
      ),
    );
    expect(seen.headers.find(([name]) => name === "Host")?.[1]).toBe(`127.0.0.1:${w.up.port}`);
  });
});

describe("42 an upstream that does not answer", () => {
  test("is a 504 with a receipt", async () => {
    w.up.answer = () => undefined;
    const { answer } = await w.forwarded(get("/open"), 504);
    expect(answer.json()).toMatchObject({ error: "gateway_timeout", reason: "upstream_timeout" });
    expect(lastReceipt()).toMatchObject({ response_status: 504, metadata: { chio_upstream_error: "upstream_timeout" } });
  });
  test("for a call with effects the decision stands, and the outcome says what is not known", async () => {
    w.up.answer = () => undefined;
    await w.forwarded(request("POST", "/open", [], "x"), 504);
    expect(lastReceipt().metadata?.chio_decision_receipt_id).toBe(w.sidecar.receipts().at(-2)?.id);
  });
  test("a request is sent once, whatever becomes of it", async () => {
    const before = w.up.requests.length;
    w.up.answer = (_request, socket) => {
      socket.destroy();
      return undefined;
    };
    await w.forwarded(get("/open"), 502);
    expect(w.up.requests.length - before).toBe(1);
  });
});

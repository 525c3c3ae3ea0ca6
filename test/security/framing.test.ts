import { describe, expect, test } from "vitest";
import { eventually } from "./harness/eventually.ts";
import { pause } from "./harness/raw.ts";
import { ok } from "./harness/recorder.ts";
import { connectTo } from "./harness/socket.ts";
import { get, request, world } from "./harness/world.ts";

const w = world({ limits: { maxBodyBytes: 1_000 } });
const NEXT = "GET /admin?second HTTP/1.1\r\nHost: localhost\r\n\r\n";
const post = (headers: string[], body: string) => `POST /open HTTP/1.1\r\nHost: localhost\r\n${headers.join("\r\n")}\r\n\r\n${body}`;
const noSecond = () => expect(w.up.lines.filter((line) => line.includes("second"))).toEqual([]);

describe("30 framing that two readers take apart differently", () => {
  const chunk = "3\r\nabc\r\n0\r\n\r\n";
  test.each([
    ["CL.TE", post(["Content-Length: 3", "Transfer-Encoding: chunked"], chunk + NEXT)],
    ["TE.CL", post(["Transfer-Encoding: chunked", "Content-Length: 100"], chunk + NEXT)],
    ["TE.TE", post(["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], chunk + NEXT)],
    ["TE twice", post(["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], chunk + NEXT)],
    ["TE: gzip, chunked", post(["Transfer-Encoding: gzip, chunked"], chunk + NEXT)],
    ["TE: xchunked", post(["Transfer-Encoding: xchunked"], chunk + NEXT)],
    ["TE: identity", post(["Transfer-Encoding: identity"], NEXT)],
    ["TE with a space before the colon", post(["Transfer-Encoding : chunked"], chunk + NEXT)],
    ["TE behind a folded line", post(["X-A: b\r\n Transfer-Encoding: chunked"], chunk + NEXT)],
    ["TE behind a bare LF", post(["X-A: b\nTransfer-Encoding: chunked"], chunk + NEXT)],
    ["two lengths", post(["Content-Length: 3", "Content-Length: 4"], `abc${NEXT}`)],
    ["one length twice", post(["Content-Length: 3", "Content-Length: 3"], `abc${NEXT}`)],
    ["CL list", post(["Content-Length: 3, 3"], `abc${NEXT}`)],
    ["CL +2", post(["Content-Length: +3"], `abc${NEXT}`)],
    ["CL -1", post(["Content-Length: -1"], NEXT)],
    ["CL hex", post(["Content-Length: 0x3"], `abc${NEXT}`)],
    ["CL with leading zeros", post(["Content-Length: 0003"], `abc${NEXT}`)],
    ["CL empty", post(["Content-Length:"], NEXT)],
    ["CL overflow", post(["Content-Length: 18446744073709551619"], `abc${NEXT}`)],
    ["TE in HTTP/1.0", `POST /open HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${NEXT}`],
    ["HTTP/2.0 in the request line", "GET /open HTTP/2.0\r\nHost: localhost\r\n\r\n"],
    ["HTTP/1.2", "GET /open HTTP/1.2\r\nHost: localhost\r\n\r\n"],
    ["HTTP/0.9", "GET /open\r\n\r\n"],
    ["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["bare line feeds", "GET /open HTTP/1.1\nHost: localhost\n\n"],
    ["a space behind the version", "GET /open HTTP/1.1 \r\nHost: localhost\r\n\r\n"],
    ["a header without a name", get("/open", ": x")],
    ["a space in a header name", get("/open", "X A: 1")],
  ])("%s", async (_name, bytes) => {
    const before = w.up.requests.length;
    const { answers, closed } = await w.harmless(bytes, { closes: true });
    expect(answers.map(({ status }) => status)).toEqual([400]);
    expect(closed).toBe(true);
    expect(w.up.requests.length).toBe(before);
    noSecond();
  });

  test("CL.0: a body that the upstream would not expect arrives as a body, framed by us", async () => {
    const { seen } = await w.forwarded(request("GET", "/open", [`Content-Length: ${NEXT.length}`], NEXT));
    expect(seen.body.toString()).toBe(NEXT);
    noSecond();
  });
  test("0.CL: bytes behind a request without a length are the next request, decided by itself", async () => {
    const { answers } = await w.send(`${get("/open")}${NEXT}`, { answers: 2 });
    expect(answers.map(({ status }) => status)).toEqual([200, 403]);
    noSecond();
  });
  test.each(["TRACE", "CONNECT", "QUERY", "PROPFIND", "FOO", "get"])("method %s", async (method) => {
    const { answers } = await w.harmless(
      `${method} ${method === "CONNECT" ? "localhost:80" : "/open"} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    );
    expect([400, 405]).toContain(answers[0]?.status);
  });
  test("empty lines before a request are nothing", async () => {
    await w.forwarded(`\r\n\r\n${get("/open")}`);
  });
});

describe("31 chunked bodies", () => {
  const chunked = (body: string) => post(["Transfer-Encoding: chunked"], body);
  test.each([
    ["a size in 0x form", "0x3\r\nabc\r\n0\r\n\r\n"],
    ["a size with a sign", "+3\r\nabc\r\n0\r\n\r\n"],
    ["a size with a space behind", "3 \r\nabc\r\n0\r\n\r\n"],
    ["a size that overflows", "fffffffffffffffff\r\nabc\r\n0\r\n\r\n"],
    ["no size", "\r\nabc\r\n0\r\n\r\n"],
    ["a bare LF behind the size", "3\nabc\r\n0\r\n\r\n"],
    ["a bare LF in an extension", "3;a\nb\r\nabc\r\n0\r\n\r\n"],
    ["more data than the size", "3\r\nabcd\r\n0\r\n\r\n"],
  ])("%s", async (_name, body) => {
    const before = w.up.requests.length;
    const { answers, closed } = await w.harmless(chunked(body + NEXT), { closes: true });
    expect(answers.map(({ status }) => status)).toEqual([400]);
    expect(closed).toBe(true);
    expect(w.up.requests.length).toBe(before);
  });
  test("an oversized extension", async () => {
    const before = w.up.requests.length;
    const { closed, answers } = await w.harmless(chunked(`3;${"e".repeat(100_000)}\r\nabc\r\n0\r\n\r\n`), { closes: true });
    expect(closed).toBe(true);
    expect(answers.every(({ status }) => status >= 400)).toBe(true);
    expect(w.up.requests.length).toBe(before);
  });
  test("a missing last chunk is no request", async () => {
    const before = w.up.requests.length;
    await w.send(chunked("3\r\nabc\r\n"), { quietMs: 200, unanswered: true });
    expect(w.up.requests.length).toBe(before);
  });
  test("extensions and chunk borders do not arrive", async () => {
    const { seen } = await w.forwarded(chunked("1;x=y\r\na\r\n2\r\nbc\r\n0\r\n\r\n"));
    expect(seen.body.toString()).toBe("abc");
    expect(seen.headers.filter(([name]) => /^(content-length|transfer-encoding)$/i.test(name))).toEqual([["Content-Length", "3"]]);
  });
});

describe("32 upgrades", () => {
  const upgrade = (target: string, protocol: string, more = "") =>
    get(target, "Connection: Upgrade", `Upgrade: ${protocol}`, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13") +
    more;
  test("websocket on a route that takes none", async () => {
    await w.refused(upgrade("/open", "websocket"), 400, "upgrade_refused");
    await w.refused(upgrade("/admin", "websocket"), 400, "upgrade_refused");
  });
  test("websocket with bytes ahead of the 101", async () => {
    await w.refused(upgrade("/socket", "websocket", NEXT), 400, "upgrade_refused");
    noSecond();
  });
  test("websocket with another method or a body", async () => {
    await w.refused(
      request("POST", "/socket", ["Connection: Upgrade", "Upgrade: websocket", "Content-Length: 3"], "abc"),
      400,
      "upgrade_refused",
    );
    await w.refused(
      request("GET", "/socket", ["Connection: Upgrade", "Upgrade: websocket", "Content-Length: 3"], "abc"),
      400,
      "upgrade_refused",
    );
  });
  test("websocket on a closed route without a capability", async () => {
    await w.denied(upgrade("/closed-socket", "websocket"));
  });
  test.each(["h2c", "TLS/1.0", "foo, h2c"])("%s is left out, and the request is the one that it says", async (protocol) => {
    const { seen } = await w.forwarded(
      get("/open", "Connection: Upgrade, HTTP2-Settings", `Upgrade: ${protocol}`, "HTTP2-Settings: AAMAAABk"),
    );
    expect(seen.headers.map(([name]) => name.toLowerCase()).filter((name) => /upgrade|connection|http2/.test(name))).toEqual([]);
  });
  test("nothing behind an upgrade that was left out is read", async () => {
    const { answers, closed } = await w.send(get("/open", "Connection: Upgrade", "Upgrade: h2c") + NEXT, { closes: true });
    expect(answers.map(({ status }) => status)).toEqual([200]);
    expect(closed).toBe(true);
    noSecond();
  });
  test("Upgrade that Connection does not name is dropped", async () => {
    const { seen } = await w.forwarded(get("/open", "Upgrade: websocket"));
    expect(seen.headers.map(([name]) => name.toLowerCase())).not.toContain("upgrade");
  });
  test.each([
    ["CONNECT", "CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n"],
    ["a websocket", upgrade("/socket", "websocket")],
    ["a websocket on a route that takes none", upgrade("/open", "websocket")],
  ])("%s behind a request at work is no answer to it, and leaves nothing at work", async (_name, bytes) => {
    w.up.answer = () => undefined;
    await using client = await connectTo(w.sidecar.port);
    const seen = w.up.requests.length;
    client.write(get("/open?slow"));
    await eventually(() => expect(w.up.requests.length).toBe(seen + 1));
    client.write(get("/open?waits") + bytes);
    // Node gives the socket away at once, Bun when the answers before it are out.
    await pause(300);
    expect(client.text).toBe("");
    client.destroy();
    w.up.answer = () => ok("{}");
    await eventually(async () => {
      const { answers } = await w.send(get("/metrics"), { answers: 1 });
      expect(answers[0]?.body).toMatch(/^chio_inflight_requests 1$/m);
    });
    expect(w.up.requests.length).toBe(seen + 1);
  });
  test("CONNECT leaves no connection behind", async () => {
    const { closed, answers } = await w.harmless(`CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n${NEXT}`, { closes: true });
    expect(answers.map(({ status }) => status)).toEqual([405]);
    expect(closed).toBe(true);
    noSecond();
  });
});

describe("33 Expect: 100-continue", () => {
  const expecting = (target: string, headers: string[] = [], length = 3) =>
    `POST ${target} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n${headers.map((line) => `${line}\r\n`).join("")}\r\n`;
  test("no body is asked for from a caller who may not call", async () => {
    const { answers, closed } = await w.send(expecting("/admin"), { closes: true });
    expect(answers.map(({ status }) => status)).toEqual([403]);
    expect(closed).toBe(true);
  });
  test("nor when it would be too long", async () => {
    const { answers } = await w.send(expecting("/open", [], 2_000), { quietMs: 300 });
    expect(answers.map(({ status }) => status)).toEqual([413]);
  });
  test("it is asked for once the caller may, and the whole is decided", async () => {
    const { answers } = await w.send([expecting("/admin", [`X-Chio-Capability: ${w.token}`]), 100, "abc"], { answers: 2 });
    expect(answers.map(({ status }) => status)).toEqual([100, 200]);
    expect(w.up.requests.at(-1)?.body.toString()).toBe("abc");
    expect(w.up.requests.at(-1)?.headers.map(([name]) => name.toLowerCase())).not.toContain("expect");
  });
  test("a body that comes without being asked for is read as this one's", async () => {
    const { answers } = await w.send(`${expecting("/admin", [`X-Chio-Capability: ${w.token}`])}abc${get("/open")}`, { answers: 3 });
    expect(answers.map(({ status }) => status)).toEqual([100, 200, 200]);
  });
  test("without a body it is nothing", async () => {
    const { answers } = await w.send(get("/open", "Expect: 100-continue"), { quietMs: 300 });
    expect(answers.at(-1)?.status).toBe(200);
  });
  test("any other expectation", async () => {
    await w.refused(get("/open", "Expect: 200-ok"), 417, "expectation_unknown");
  });
});

describe("34 pipelining", () => {
  test("each request gets its own decision, in order", async () => {
    const { answers } = await w.send(get("/open?1") + get("/admin") + get("/open?2"), { answers: 3 });
    expect(answers.map(({ status }) => status)).toEqual([200, 403, 200]);
    expect(w.up.lines.slice(-2)).toEqual(["GET /open?1 HTTP/1.1", "GET /open?2 HTTP/1.1"]);
  });
  test("the second waits for the first, also when the first is slow", async () => {
    let release: () => void = () => {};
    w.up.answer = (seen, socket) => {
      if (!seen.target.endsWith("slow")) return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
      release = () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      return undefined;
    };
    const talking = w.send(get("/open?slow") + get("/open?fast"), { answers: 2 });
    await eventually(() => expect(w.up.lines.at(-1)).toBe("GET /open?slow HTTP/1.1"));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(w.up.lines.at(-1)).toBe("GET /open?slow HTTP/1.1");
    release();
    await talking;
    expect(w.up.lines.at(-1)).toBe("GET /open?fast HTTP/1.1");
    w.up.answer = () => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  });
  test("the body of a denied request is not the next request", async () => {
    const { answers } = await w.send(request("POST", "/admin", [], NEXT) + get("/open?after"), { answers: 2 });
    expect(answers.map(({ status }) => status)).toEqual([403, 200]);
    noSecond();
  });
  test("the unread body of a refused request ends the connection", async () => {
    const { answers, closed } = await w.send(request("POST", "/open", [], NEXT.repeat(50)) + NEXT, { closes: true });
    expect(answers.map(({ status }) => status)).toEqual([413]);
    expect(closed).toBe(true);
    noSecond();
  });
  test("nothing behind a refused request is read", async () => {
    const before = w.up.requests.length;
    const { answers, closed } = await w.send(get("/open/../x") + get("/open?behind"), { closes: true });
    expect(answers.map(({ status }) => status)).toEqual([400]);
    expect(closed).toBe(true);
    expect(w.up.requests.length).toBe(before);
  });
  test.each([
    ["a trailer that decides", `${post(["Transfer-Encoding: chunked"], "1\r\nx\r\n0\r\nAuthorization: x\r\n\r\n")}`, 400],
    ["a path under /chio/ that is none", get("/chio/none"), 404],
    ["a control route without the right to it", get("/metrics", "Origin: https://evil.example"), 403],
    ["a payload that is none", request("POST", "/chio/verify", [], "{"), 400],
  ])("nor behind one that was refused with all of its bytes read: %s", async (_name, bytes, status) => {
    const before = w.up.requests.length;
    const { answers, closed } = await w.send(bytes + get("/open?behind"), { closes: true });
    expect(answers.map((answer) => answer.status)).toEqual([status]);
    expect(closed).toBe(true);
    expect(w.up.requests.length).toBe(before);
  });
  test("a connection that sends too far ahead is cut", async () => {
    const { closed } = await w.send(get("/open").repeat(60), { closes: true });
    expect(closed).toBe(true);
  });
});

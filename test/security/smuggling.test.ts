import { Agent, createServer, request as httpRequest, type Server } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { talk } from "./harness/raw.ts";
import { Recorder } from "./harness/recorder.ts";
import { get, request, world } from "./harness/world.ts";

// The three bugs that every naive Node proxy has: the client sends one request, the upstream executes two.

const SMUGGLED = "GET /admin?smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
const CHUNKED = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`;
const many = (count: number) => Array.from({ length: count }, (_, i) => `H${i}: v`);

const ATTACKS: [name: string, bytes: string][] = [
  ...["GET", "HEAD", "DELETE", "OPTIONS"].map((method): [string, string] => [
    `${method} with a chunked body`,
    request(method, "/open", ["Transfer-Encoding: chunked"], CHUNKED),
  ]),
  ["a Content-Length behind 1000 headers", request("GET", "/open", [...many(1_010), `Content-Length: ${SMUGGLED.length}`], SMUGGLED)],
  ["a Transfer-Encoding behind 1000 headers", request("GET", "/open", [...many(1_010), "Transfer-Encoding: chunked"], CHUNKED)],
  ["Connection: content-length", request("GET", "/open", ["Connection: content-length", `Content-Length: ${SMUGGLED.length}`], SMUGGLED)],
];

const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/**
 * What everybody writes first: copy the headers but the hop-by-hop ones, pipe the body, keep connections. Like `req.headers` of the Node versions that
 * had the bug, it sees the first 1000 headers; newer ones answer 431 to more, unless maxHeadersCount is 0, as here.
 */
function naiveForwarder(upstreamPort: number): Server {
  const agent = new Agent({ keepAlive: true });
  const server = createServer({ maxHeaderSize: 65_536 }, (req, res) => {
    const listed = new Set((req.headers.connection ?? "").split(",").map((name) => name.trim().toLowerCase()));
    const headers: Record<string, string> = {};
    for (let i = 0; i < Math.min(req.rawHeaders.length, 2_000); i += 2) {
      const name = req.rawHeaders[i]!.toLowerCase();
      if (!HOP_BY_HOP.has(name) && !listed.has(name)) headers[name] = req.rawHeaders[i + 1]!;
    }
    const forwarded = httpRequest(
      { host: "127.0.0.1", port: upstreamPort, agent, method: req.method, path: req.url, headers },
      (answer) => {
        res.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(res);
      },
    );
    forwarded.on("error", () => res.destroy());
    req.pipe(forwarded);
  });
  server.maxHeadersCount = 0;
  return server;
}

describe("a naive forwarder is vulnerable, so that this harness is known to see it", () => {
  let up: Recorder;
  let server: Server;
  beforeAll(async () => {
    up = await Recorder.start();
    server = naiveForwarder(up.port);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await up.stop();
  });

  test.each(ATTACKS.filter(([name]) => !name.startsWith("HEAD")))("%s", async (_name, bytes) => {
    up.clear();
    await talk((server.address() as { port: number }).port, bytes, { quietMs: 200 });
    expect(up.lines).toContain("GET /admin?smuggled HTTP/1.1");
  });
});

describe("30 smuggling: through the sidecar one request stays one request", () => {
  const w = world({ limits: { maxHeaderBytes: 65_536 } });

  test.each(ATTACKS)("%s", async (_name, bytes) => {
    const before = w.up.requests.length;
    await w.send(bytes, { quietMs: 200 });
    expect(w.up.lines.filter((line) => line.includes("smuggled"))).toEqual([]);
    expect(w.up.requests.length - before).toBeLessThanOrEqual(1);
  });

  test.each(["GET", "DELETE", "OPTIONS"])("%s with a chunked body arrives with the body inside it, as a length", async (method) => {
    const { seen } = await w.forwarded(request(method, "/open", ["Transfer-Encoding: chunked"], CHUNKED));
    expect(seen.body.toString()).toBe(SMUGGLED);
    expect(seen.headers.filter(([name]) => /^(content-length|transfer-encoding)$/i.test(name))).toEqual([
      ["Content-Length", String(SMUGGLED.length)],
    ]);
  });

  test("a header behind the limit is not lost, the request is refused", async () => {
    await w.refused(get("/open", ...many(150)), 431, "headers_too_large");
    await w.refused(request("GET", "/open", [...many(1_010), "Transfer-Encoding: chunked"], CHUNKED), 431, "headers_too_large");
  });

  test("Connection cannot take a header away", async () => {
    await w.refused(
      request("GET", "/open", ["Connection: content-length", `Content-Length: ${SMUGGLED.length}`], SMUGGLED),
      400,
      "connection_option",
    );
  });
});

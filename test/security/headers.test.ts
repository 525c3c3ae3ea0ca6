import { describe, expect, test } from "vitest";
import { get, request, world } from "./harness/world.ts";

const w = world();
const names = (headers: [string, string][]) => headers.map(([name]) => name.toLowerCase());
const valuesOf = (headers: [string, string][], name: string) =>
  headers.filter(([key]) => key.toLowerCase() === name).map(([, value]) => value);

describe("19 headers that may occur once", () => {
  test.each([
    "Authorization: Bearer x",
    "X-Chio-Capability: {}",
    "Host: localhost",
    "Content-Type: text/plain",
    "X-Api-Key: k",
    "Cookie: a=1",
    "Origin: http://a",
    "User-Agent: x",
    "Content-Encoding: gzip",
    "Expect: 100-continue",
  ])("%s, twice", async (line) => {
    const twice = line.startsWith("Host") ? [line] : [line, line];
    await w.refused(get("/open", ...twice), 400, "duplicate_header");
  });
  test("twice with two values and two spellings", async () => {
    await w.refused(get("/admin", `X-Chio-Capability: ${w.token}`, "x-chio-capability: {}"), 400, "duplicate_header");
    await w.refused(get("/admin", "AUTHORIZATION: Bearer a", "authorization: Bearer b"), 400, "duplicate_header");
  });
  test("others may repeat, and arrive as they came", async () => {
    const { seen } = await w.forwarded(get("/open", "X-Tag: a", "x-tag: b", "Accept: */*"));
    expect(valuesOf(seen.headers, "x-tag")).toEqual(["a", "b"]);
  });
});

describe("20 aliases", () => {
  test.each([
    "X_Chio_Capability",
    "X-Chio_Capability",
    "x.chio.capability",
    "Content_Length",
    "Transfer_Encoding",
    "X_Forwarded_For",
    "x_api_key",
    "X_HTTP_Method_Override",
    "X_Real_Ip",
    "Content_Type",
  ])("%s", async (name) => {
    await w.refused(get("/open", `${name}: 1`), 400, "header_alias");
  });
  test("an underscore that reads like nothing of ours is the app's business", async () => {
    const { seen } = await w.forwarded(get("/open", "X_App_Tag: 1"));
    expect(valuesOf(seen.headers, "x_app_tag")).toEqual(["1"]);
  });
});

describe("21 headers that are ours to set", () => {
  test("the client's do not arrive, in any case, empty or repeated", async () => {
    const ours = [
      "X-Chio-Receipt-Id: fake",
      "x-chio-receipt-id: fake2",
      "X-CHIO-VERDICT: allow",
      "X-Chio-Subject:",
      "X-Chio-Execution-Nonce: {}",
    ];
    const { seen, answer } = await w.forwarded(get("/open", ...ours));
    expect(names(seen.headers).filter((name) => name.startsWith("x-chio"))).toEqual([]);
    expect(valuesOf(answer.headers, "x-chio-receipt-id")).toEqual([w.sidecar.receipts().at(-1)?.id]);
  });
});

describe("22 Connection takes nothing away", () => {
  test.each([
    "X-Chio-Capability",
    "x-chio-capability",
    "X-Real-Ip",
    "authorization",
    "content-length",
    "Host",
    "X-Forwarded-For",
    "close, X-Chio-Capability",
    "keep-alive,cookie",
  ])("Connection: %s", async (value) => {
    await w.refused(get("/open", `Connection: ${value}`), 400, "connection_option");
  });
  test("the options that there are do not arrive", async () => {
    const { seen } = await w.forwarded(
      get(
        "/open",
        "Connection: keep-alive, TE",
        "TE: trailers",
        "Keep-Alive: timeout=9",
        "Proxy-Connection: x",
        "Proxy-Authorization: Basic eA==",
      ),
    );
    expect(names(seen.headers).filter((name) => /^(connection|te|keep-alive|proxy-.*)$/.test(name))).toEqual([]);
  });
});

describe("23 header limits", () => {
  const filler = (count: number) => Array.from({ length: count }, (_, i) => `H${i}: v`);
  test("as many as the limit, with Host, and one more", async () => {
    const { seen } = await w.forwarded(get("/open", ...filler(99)));
    expect(seen.headers.filter(([name]) => /^H\d+$/.test(name))).toHaveLength(99);
    await w.refused(get("/open", ...filler(100)), 431, "headers_too_large");
    await w.refused(get("/open", ...filler(2_000)), 431, "headers_too_large");
  });
  test("as many bytes as the limit, and one more", async () => {
    // Name, value, colon, space and line end of each header: Host takes 17.
    const value = (bytes: number) => `X: ${"v".repeat(bytes - 17 - 5)}`;
    await w.forwarded(get("/open", value(16_384)));
    await w.refused(get("/open", value(16_385)), 431, "headers_too_large");
    await w.refused(get("/open", value(200_000)), 431, "headers_too_large");
  });
});

describe("24 X-Forwarded headers", () => {
  const junk = [
    "X-Forwarded-For: 127.0.0.1, 10.0.0.1, fe80::1%eth0, <script>",
    "X-Forwarded-For: evil",
    "X-Real-IP: 1.2.3.4",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: evil.example",
    "Forwarded: for=9.9.9.9;host=evil.example",
    "True-Client-IP: 6.6.6.6",
  ];
  test("the caller's are dropped, ours say who was on the line", async () => {
    const { seen } = await w.forwarded(get("/open", ...junk));
    expect(seen.headers.filter(([name]) => /forward|real-ip|client-ip/i.test(name))).toEqual([
      ["X-Forwarded-For", "127.0.0.1"],
      ["X-Forwarded-Host", "localhost"],
      ["X-Forwarded-Proto", "http"],
    ]);
  });
  describe("where the hop in front is trusted", () => {
    const trusting = world({ trustForwarded: true });
    test("its list goes on with the peer at its end", async () => {
      const { seen } = await trusting.forwarded(
        get("/open", "X-Forwarded-For: 9.9.9.9", "X-Forwarded-Proto: https", "Forwarded: for=1.1.1.1"),
      );
      expect(seen.headers.filter(([name]) => /forward/i.test(name))).toEqual([
        ["X-Forwarded-For", "9.9.9.9, 127.0.0.1"],
        ["X-Forwarded-Host", "localhost"],
        ["X-Forwarded-Proto", "https"],
      ]);
    });
  });
});

describe("25 Host, DNS rebinding and Origin", () => {
  const host = (value: string, target = "/open") => `GET ${target} HTTP/1.1\r\nHost: ${value}\r\n\r\n`;
  test.each(["", " ", "a b", "a/b", "a?b", "a:b", "a:99999", "[::1", "::1", "[zz::1]", "a,b", "x".repeat(256), "a%00b", "user@a"])(
    "refused: Host: %s",
    async (value) => {
      await w.refused(host(value), 400, "host_invalid");
    },
  );
  test.each(["LOCALHOST", "localhost.", "localhost:9090", "[::1]:9090", "app.example.com", "1.2.3.4"])(
    "taken, and never sent on as Host: %s",
    async (value) => {
      const { seen } = await w.forwarded(host(value));
      expect(valuesOf(seen.headers, "host")).toEqual([`127.0.0.1:${w.up.port}`]);
      expect(valuesOf(seen.headers, "x-forwarded-host")).toEqual([value]);
    },
  );
  test("none at all, in either version", async () => {
    const { answers } = await w.harmless("GET /open HTTP/1.1\r\n\r\n");
    expect(answers[0]?.status).toBe(400);
    await w.refused("GET /open HTTP/1.0\r\n\r\n", 400, "host_missing");
  });
  test("a page whose name was made to point here reaches no route of the sidecar", async () => {
    const body = "{}";
    const post = (target: string, headers: string[]) =>
      `POST ${target} HTTP/1.1\r\n${headers.join("\r\n")}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    await w.refused(post("/chio/evaluate", ["Host: rebound.example"]), 403, "foreign_origin");
    await w.refused(post("/chio/evaluate", ["Host: localhost", "Origin: https://evil.example"]), 403, "foreign_origin");
    await w.refused(post("/chio/evaluate", ["Host: localhost", "Origin: null"]), 403, "foreign_origin");
    await w.refused(post("/v1/capabilities/mint", ["Host: rebound.example"]), 403, "control_forbidden");
    await w.refused(post("/v1/capabilities/mint", ["Host: localhost", "Origin: http://localhost"]), 403, "control_forbidden");
    await w.refused(host("rebound.example", "/metrics"), 403, "control_forbidden");
  });
  test.each([
    "X-Forwarded-For: 203.0.113.9",
    "x-forwarded-proto: https",
    "Forwarded: for=203.0.113.9",
    "Via: 1.1 edge",
    "X-Real-IP: 203.0.113.9",
  ])("a proxy on this machine does not lend its place to its callers: %s", async (line) => {
    await w.refused(request("POST", "/v1/capabilities/mint", [line], '{"subject":"a","scopes":["tools:x"]}'), 403, "control_forbidden");
    await w.refused(get("/metrics", line), 403, "control_forbidden");
  });
});

describe("26 characters in values", () => {
  test.each([
    ["a bare CR", "a\rb"],
    ["a bare LF", "a\nX-Evil: 1"],
    ["NUL", "a\0b"],
    ["another control", "a\x01b"],
    ["DEL", "a\x7fb"],
  ])("%s", async (_name, value) => {
    const { answers } = await w.harmless(get("/open", `X-A: ${value}`));
    expect(answers[0]?.status).toBe(400);
  });
  test("bytes beyond ASCII arrive as the same bytes", async () => {
    const { seen } = await w.forwarded(get("/open", "X-A: caf\xe9\xff"));
    expect(valuesOf(seen.headers, "x-a")).toEqual(["caf\xe9\xff"]);
  });
  test("line ends that only decoding makes stay encoded", async () => {
    const { seen, answer } = await w.forwarded(get("/open?next=%0d%0aSet-Cookie:%20x"));
    expect(seen.target).toContain("%0d%0a");
    expect(answer.headers.map(([name]) => name.toLowerCase())).not.toContain("set-cookie");
  });
});

describe("27 names that objects have of themselves", () => {
  test("as headers they are headers", async () => {
    const { seen } = await w.forwarded(get("/open", "__proto__: 1", "constructor: 2", "toString: 3", "hasOwnProperty: 4"));
    expect(names(seen.headers)).toEqual(expect.arrayContaining(["__proto__", "constructor", "tostring", "hasownproperty"]));
  });
  test("as JSON keys of a call to the sidecar they are keys", async () => {
    const call = {
      request_id: "r",
      method: "GET",
      route_pattern: "/",
      path: "/open",
      caller: { subject: "a", auth_method: { method: "anonymous" }, verified: false },
      timestamp: 1,
    };
    const body = JSON.stringify(call).replace('"query"', '"query"').replace("{", '{"__proto__":{"method":"POST"},"constructor":1,');
    const { answers } = await w.send(request("POST", "/chio/evaluate", ["Content-Type: application/json"], body), { answers: 1 });
    expect(answers[0]?.status).toBe(200);
    expect((answers[0]!.json().receipt as { method: string }).method).toBe("GET");
  });
});

describe("28 trailers", () => {
  const chunked = (trailers: string) =>
    `POST /open HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n${trailers}\r\n`;
  test("Content-Length as a trailer: the parser refuses it by itself", async () => {
    await w.refused(chunked("Content-Length: 9\r\n"), 400, "malformed_request");
  });
  test.each(["Authorization: Bearer x", "X-Chio-Capability: {}", "Host: evil", "X_Chio_Capability: 1"])("%s as a trailer", async (line) => {
    await w.refused(chunked(`${line}\r\n`), 400, "forbidden_trailer");
  });
  test("any other is dropped", async () => {
    const { seen } = await w.forwarded(chunked("X-Checksum: 1\r\n"));
    expect(seen.body.toString()).toBe("abc");
    expect(names(seen.headers)).not.toContain("x-checksum");
    expect(names(seen.headers)).not.toContain("trailer");
  });
});

describe("29 requests that look like a probe", () => {
  test.each(["kube-probe/1.30", "GoogleHC/1.0", "ELB-HealthChecker/2.0", "curl/8.0"])("User-Agent: %s", async (agent) => {
    await w.denied(get("/admin", `User-Agent: ${agent}`));
  });
  test("only the health path itself is a probe", async () => {
    await w.denied(get("/health"));
    await w.denied(get("/healthz"));
    await w.refused(get("/chio/healthz"), 404, "not_found");
    await w.refused(get("/chio/"), 404, "not_found");
  });
});

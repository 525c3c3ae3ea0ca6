import { describe, expect, test } from "vitest";
import { isForbiddenTrailer, isLoopbackHost, readHeaders } from "../../../sidecar/http/headers.ts";

const LIMITS = { maxHeaderBytes: 16_384, maxHeaderCount: 100 };
const read = (...pairs: string[]) => readHeaders(["Host", "h", ...pairs], LIMITS);

describe("readHeaders", () => {
  test("facts, and what travels on", () => {
    const facts = read(
      "Content-Length",
      "5",
      "Content-Type",
      "text/plain",
      "Authorization",
      "Bearer x",
      "X-Api-Key",
      "k",
      "X-Chio-Capability",
      "{}",
      "Accept",
      "*/*",
      "TE",
      "trailers",
    );
    expect(facts).toMatchObject({
      host: "h",
      contentLength: 5,
      chunked: false,
      contentType: "text/plain",
      authorization: "Bearer x",
      apiKey: "k",
      capability: "{}",
    });
    expect(facts.endToEnd).toBe("Content-Type: text/plain\r\nX-Api-Key: k\r\nAccept: */*\r\n");
  });
  test("Upgrade counts only where Connection names it", () => {
    expect(read("Upgrade", "WebSocket").upgrade).toBeUndefined();
    expect(read("Upgrade", " WebSocket ", "Connection", "keep-alive, Upgrade").upgrade).toBe("websocket");
  });
  test("Connection may be said twice, and says the same together", () => {
    expect(read("Connection", "keep-alive", "Connection", "upgrade", "Upgrade", "h2c").upgrade).toBe("h2c");
    expect(() => read("Connection", "close", "Connection", "x-foo")).toThrow(/x-foo/);
  });
  test("our DPoP proof is ours, any other travels on", () => {
    expect(read("DPoP", '{"body":{}}')).toMatchObject({ dpop: '{"body":{}}', endToEnd: "" });
    expect(read("DPoP", "eyJ.eyJ.sig")).toMatchObject({ dpop: undefined, endToEnd: "DPoP: eyJ.eyJ.sig\r\n" });
  });
  test("X-Forwarded-* are kept aside, joined in order", () => {
    const facts = read("X-Forwarded-For", "a", "x-forwarded-for", "b");
    expect(facts.forwarded?.get("x-forwarded-for")).toBe("a, b");
    expect(facts.endToEnd).toBe("");
  });
});

test("trailers that decide", () => {
  for (const name of [
    "Authorization",
    "content-length",
    "X-Chio-Anything",
    "x_chio_capability",
    "Host",
    "Transfer-Encoding",
    "X-Forwarded-For",
  ])
    expect(isForbiddenTrailer(name), name).toBe(true);
  for (const name of ["Server-Timing", "X-Checksum", "Digest", "ETag"]) expect(isForbiddenTrailer(name), name).toBe(false);
});

test("loopback names", () => {
  for (const host of ["localhost", "LOCALHOST:9090", "localhost.", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:9090"])
    expect(isLoopbackHost(host), host).toBe(true);
  for (const host of ["localhost.evil.example", "127.0.0.1.evil.example", "evil.example", "0.0.0.0", "[::]", "1.127.0.0", "127.1"])
    expect(isLoopbackHost(host), host).toBe(false);
});

import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { get, request, world } from "./harness/world.ts";

const SPEC = `openapi: 3.1.0
info: { title: body, version: 1.0.0 }
paths:
  /open:
    post: { x-chio-side-effects: false, responses: { "200": { description: ok } } }
  /files:
    post: { x-chio-side-effects: false, x-chio-tool: write_file, responses: { "200": { description: ok } } }
`;
const w = world({ spec: SPEC, limits: { maxBodyBytes: 100_000, bodyTimeoutMs: 1_500 } });
const hash = (data: string | Buffer) => createHash("sha256").update(data).digest("hex");
const json = (target: string, body: string, ...headers: string[]) =>
  request("POST", target, ["Content-Type: application/json", ...headers], body);

describe("36 a body that is not read as a whole is a denial, not an empty body", () => {
  test("chunked, without a length, beyond the limit", async () => {
    const chunk = `${(60_000).toString(16)}\r\n${"x".repeat(60_000)}\r\n`;
    await w.refused(
      `POST /open HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`,
      413,
      "body_too_large",
    );
  });
  test("a declared length beyond the limit, of which nothing comes", async () => {
    await w.refused("POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n", 413, "body_too_large");
  });
  test("chunked within the limit: the guards see what the upstream gets", async () => {
    const body = JSON.stringify({ path: "/root/.ssh/id_rsa", content: "x" });
    const bytes = `POST /files HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    await w.denied(bytes, "guard_denied");
  });
});

describe("37 limits and encodings", () => {
  test("at the limit, and one byte over it", async () => {
    const { seen } = await w.forwarded(request("POST", "/open", [], "x".repeat(100_000)));
    expect(seen.body).toHaveLength(100_000);
    await w.refused(request("POST", "/open", [], "x".repeat(100_001)), 413, "body_too_large");
  });
  test("a body that stops arriving", async () => {
    await w.refused("POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nabc", 408, "body_timeout");
  });
  test("a body that drips", async () => {
    const drip: (string | number)[] = ["POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n"];
    for (let i = 0; i < 20; i++) drip.push("x", 150);
    const { answers } = await w.send(drip, { quietMs: 300 });
    expect(answers.map(({ status }) => status)).toEqual([408]);
  });
  test("a compressed body where the guards would have to read it", async () => {
    const zipped = gzipSync(JSON.stringify({ path: "/root/.ssh/id_rsa", content: "x" }));
    const head = `POST /files HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\nContent-Length: ${zipped.length}\r\n\r\n`;
    await w.refused([head, zipped], 400, "body_not_json");
  });
  test("a compressed body elsewhere: no guard could look, so the one that would denies", async () => {
    const zipped = gzipSync("x".repeat(1_000));
    const head = `POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: gzip\r\nContent-Length: ${zipped.length}\r\n\r\n`;
    await w.denied([head, zipped], "guard_denied");
  });
});

describe("38 JSON that two readers take apart differently", () => {
  const secret = '"/root/.ssh/id_rsa"';
  test.each([
    ["duplicate keys", `{"path":"/tmp/a","path":${secret},"content":"x"}`],
    ["a byte order mark", `\xef\xbb\xbf{"path":"/tmp/a","content":"x"}`],
    ["UTF-16", Buffer.from('{"path":"/tmp/a","content":"x"}', "utf16le").toString("latin1")],
    ["NaN", '{"path":"/tmp/a","content":"x","n":NaN}'],
    ["a lone surrogate", '{"path":"/tmp/\\ud800","content":"x"}'],
    ["depth 10000", `{"path":"/tmp/a","content":"x","d":${"[".repeat(10_000)}${"]".repeat(10_000)}}`],
    ["data behind the value", '{"path":"/tmp/a","content":"x"}{"path":"/root/.ssh/id_rsa"}'],
    ["single quotes", "{'path':'/tmp/a','content':'x'}"],
    ["a comment", '{"path":"/tmp/a",/*x*/"content":"x"}'],
    ["bytes that are no UTF-8", '{"path":"/tmp/\xff","content":"x"}'],
  ])("%s", async (_name, body) => {
    const bytes = Buffer.from(body, "latin1");
    await w.denied(
      [`POST /files HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${bytes.length}\r\n\r\n`, bytes],
      "guard_denied",
    );
  });
  test("__proto__ is a key like any other", async () => {
    await w.denied(json("/files", `{"__proto__":{"path":"/tmp/a"},"path":${secret},"content":"x"}`), "guard_denied");
    await w.forwarded(json("/files", '{"__proto__":{"path":"/tmp/b"},"path":"/tmp/a","content":"x"}'));
  });
  test.each([
    "Content-Type: application/x-www-form-urlencoded",
    "Content-Type: multipart/form-data; boundary=x",
    "Content-Type: text/plain",
    "Content-Type: application/json; charset=utf-16",
    "Content-Type: application/json; charset=utf-7",
  ])("JSON under %s, where the guards would read it as JSON and the app as something else", async (line) => {
    await w.refused(request("POST", "/files", [line], '{"path":"/tmp/a","content":"&path=/root/.ssh/id_rsa"}'), 400, "body_not_json");
  });
  test("plain JSON is read, and arrives", async () => {
    const { seen } = await w.forwarded(json("/files", '{"path":"/tmp/a","content":"x"}'));
    expect(seen.body.toString()).toBe('{"path":"/tmp/a","content":"x"}');
  });
  test("big numbers arrive as they are", async () => {
    const { seen } = await w.forwarded(json("/files", '{"path":"/tmp/a","content":"x","n":18446744073709551615}'));
    expect(seen.body.toString()).toContain("18446744073709551615");
  });
});

describe("39 the hash of the body is over the bytes that are forwarded", () => {
  test.each([
    ["with a length", (body: string) => request("POST", "/open", [], body)],
    [
      "chunked",
      (body: string) =>
        `POST /open HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n${body[0]}\r\n${(body.length - 1).toString(16)}\r\n${body.slice(1)}\r\n0\r\n\r\n`,
    ],
  ])("%s", async (_name, bytes) => {
    // That the receipt holds this hash is checked behind each test of this suite.
    const { seen } = await w.forwarded(bytes("some body"));
    expect(hash(seen.body)).toBe(hash("some body"));
  });
  test("no body is no hash", async () => {
    await w.forwarded("POST /open HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    await w.denied(get("/none"));
  });
});

describe("39 arguments of /chio/tools/<server>/<tool> are the body", () => {
  const call = (target: string, body: string) => json(target, body, `X-Chio-Capability: ${w.token}`);
  test("what is granted and guarded is what is forwarded", async () => {
    const { seen } = await w.forwarded(call("/chio/tools/files/write_file", '{"path":"/tmp/a","content":"x"}'));
    expect(seen.line).toBe("POST /chio/tools/files/write_file HTTP/1.1");
    await w.denied(call("/chio/tools/files/write_file", `{"path":"/root/.ssh/id_rsa","content":"x"}`), "guard_denied");
  });
  test("without a capability", async () => {
    await w.denied(json("/chio/tools/files/write_file", '{"path":"/tmp/a","content":"x"}'));
  });
  test("JSON that is not", async () => {
    await w.refused(call("/chio/tools/files/write_file", "{"), 400, "bad_payload");
    await w.refused(call("/chio/tools/files/write_file", '{"path":"/a","path":"/b"}'), 400, "bad_payload");
  });
  test.each(["/chio/tools/files", "/chio/tools/files/", "/chio/tools/a/b/c", "/chio/tools/http/x"])(
    "malformed identity %s",
    async (target) => {
      await w.denied(call(target, "{}"), "tool_identity_invalid");
    },
  );
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UpstreamError } from "../../../sidecar/protect/errors.ts";
import { ResponseParser } from "../../../sidecar/protect/response-parser.ts";

interface Read {
  status?: number;
  headers?: string[];
  body: string;
  end?: boolean;
  error?: string;
}

/** Reads the pieces, and then the end of the connection. */
function read(pieces: (string | Buffer)[], request = { head: false, upgrade: false }): Read {
  const result: Read = { body: "" };
  const parser = new ResponseParser(request, 1_024, {
    onHead: ({ status, headers }) => Object.assign(result, { status, headers }),
    onData: (data) => {
      result.body += data.toString("latin1");
    },
    onEnd: (reusable) => {
      result.end = reusable;
    },
  });
  try {
    for (const piece of pieces) parser.push(typeof piece === "string" ? Buffer.from(piece, "latin1") : piece);
    parser.end();
  } catch (error) {
    if (!(error instanceof UpstreamError)) throw error;
    result.error = error.code;
  }
  return result;
}

const ANSWERS: [string, string, Partial<Read>][] = [
  ["a length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", { body: "hello", end: true }],
  ["a length of nothing", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", { body: "", end: true }],
  [
    "chunks",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX: trailer\r\n\r\n",
    { body: "hello", end: true },
  ],
  ["until it closes", "HTTP/1.1 200 OK\r\n\r\nhello", { body: "hello", end: false }],
  ["HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", { body: "hello", end: false }],
  ["close", "HTTP/1.1 200 OK\r\nConnection: Foo, Close\r\nContent-Length: 5\r\n\r\nhello", { body: "hello", end: false }],
  [
    "interim answers",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    { status: 200, body: "ok", end: true },
  ],
  ["204", "HTTP/1.1 204 No\r\nX: 1\r\n\r\n", { status: 204, body: "", end: true, headers: ["X", "1"] }],
  ["304 with a length", "HTTP/1.1 304 Not\r\nContent-Length: 9\r\n\r\n", { status: 304, body: "", end: true }],
  ["no reason phrase", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", { status: 200, body: "ok" }],
  ["no space behind the status", "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", { status: 200, body: "ok" }],
  ["too short a body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", { body: "hello", error: "upstream_closed" }],
  ["chunks that end early", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", { body: "hel", error: "upstream_closed" }],
  [
    "a chunk that is too long",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
    { error: "upstream_protocol" },
  ],
  [
    "a chunk line with a bare LF",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\nhel\r\n0\r\n\r\n",
    { error: "upstream_protocol" },
  ],
  ["a head that is too long", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(2_000)}\r\n\r\n`, { error: "upstream_protocol" }],
  ["nothing", "", { error: "upstream_closed" }],
];

describe("ResponseParser", () => {
  test.each(ANSWERS)("%s", (_name, text, expected) => {
    expect(read([text])).toMatchObject(expected);
  });

  test("how the bytes were cut into pieces changes nothing", () => {
    fc.assert(
      fc.property(fc.constantFrom(...ANSWERS), fc.array(fc.nat(200), { maxLength: 12 }), ([, text], cuts) => {
        const at = [...new Set(cuts.filter((cut) => cut < text.length))].sort((a, b) => a - b);
        const pieces = [0, ...at].map((from, i) => text.slice(from, at[i] ?? text.length));
        expect(read(pieces)).toEqual(read([text]));
        expect(read([...text])).toEqual(read([text]));
      }),
    );
  });

  test("what is left of an answer to HEAD is not a body", () => {
    expect(read(["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"], { head: true, upgrade: false })).toMatchObject({
      body: "",
      end: true,
      headers: ["Content-Length", "5"],
    });
    expect(read(["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"], { head: true, upgrade: false }).end).toBe(false);
  });

  test("bytes behind an answer end the use of its connection, and are not read", () => {
    expect(read(["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n"])).toMatchObject({ body: "ok", end: false });
  });

  test("a 101 is taken only by who asked; what follows belongs to the tunnel", () => {
    const text = "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\n\r\nrest";
    expect(read([text])).toMatchObject({ error: "upstream_protocol" });
    const parser = new ResponseParser({ head: false, upgrade: true }, 1_024, { onHead: () => {}, onData: () => {}, onEnd: () => {} });
    parser.push(Buffer.from(text));
    expect(parser.rest?.toString()).toBe("rest");
  });

  test("headers: what may not pass is gone, what may keeps its order, case and repetitions", () => {
    const text =
      "HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nX-Chio-Receipt-Id: f\r\nset-cookie:  b \t\r\nKeep-Alive: timeout=5\r\nX_Chio_Evil: 1\r\nContent-Length: 0\r\nX-Last:\r\n\r\n";
    expect(read([text]).headers).toEqual(["Set-Cookie", "a", "set-cookie", "b", "X-Last", "", "Content-Length", "0"]);
  });
});

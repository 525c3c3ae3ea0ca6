import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { selfSigned } from "../../../infra/local/suite/certificate.ts";
import { httpsSink } from "../../../sidecar/ledger/sinks/https.ts";
import type { SinkRecord } from "../../../sidecar/ledger/types.ts";
import { runtimes } from "./runtimes.ts";

interface Received {
  headers: IncomingMessage["headers"];
  body: string;
  /** Which connection it came on. */
  connection: number;
}

const identity = selfSigned();
const folder = mkdtempSync(join(tmpdir(), "chio-sink-"));
const ca = join(folder, "ca.pem");
const received: Received[] = [];
let answer: (response: ServerResponse) => void;
let connections = 0;
let server: Server;
let port: number;

beforeAll(async () => {
  writeFileSync(ca, identity.cert);
  server = createServer(identity, (request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text;
    });
    request.on("end", () => {
      received.push({ headers: request.headers, body, connection: connections });
      answer(response);
    });
  });
  server.on("secureConnection", () => {
    connections++;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ({ port } = server.address() as { port: number });
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

/** The sink in a process of its own, as it is in production: certificates are read when a process starts. */
class SinkProcess {
  readonly #child;
  readonly #lines;
  readonly exited: Promise<unknown>;

  constructor(executable: string, args: string[], trusted = ca) {
    const env = { PATH: process.env.PATH ?? "", NODE_EXTRA_CA_CERTS: trusted };
    this.#child = spawn(executable, [join(import.meta.dirname, "https-sink-program.ts"), ...args], {
      env,
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.exited = new Promise((resolve) => this.#child.once("close", resolve));
  }

  async write(group: SinkRecord[]): Promise<string> {
    this.#child.stdin.write(`${JSON.stringify(group)}\n`);
    return String((await this.#lines.next()).value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin.end();
    expect(await this.exited).toBe(0);
  }
}

const receipt = (seq: number, outcome: SinkRecord["outcome"] = "allow"): SinkRecord => ({
  type: "receipt",
  seq,
  canonicalJson: `{"id":"${seq}"}`,
  outcome: outcome!,
});

describe.each(runtimes)("the https sink on %s", (_name, executable) => {
  const sinkTo = (token = "", timeout = "", path = "/v1/receipts") =>
    new SinkProcess(executable, [`https://localhost:${port}${path}`, token, timeout]);

  it("posts each group as JSON lines with its token, on one connection, and is confirmed by 2xx", async () => {
    received.length = 0;
    answer = (response) => response.writeHead(204).end();
    await using sink = sinkTo("sink-token-of-this-test");
    expect(await sink.write([receipt(1), receipt(2, "deny")])).toBe("confirmed");
    answer = (response) => response.writeHead(201).end("{}");
    expect(await sink.write([{ type: "checkpoint", seq: 1, canonicalJson: '{"body":1}' }])).toBe("confirmed");
    expect(received.map(({ body }) => body.trimEnd().split("\n"))).toEqual([
      [
        '{"event":"receipt","kind":"chio_receipt","verdict":"allow","severity":"INFO","receipt":{"id":"1"}}',
        '{"event":"receipt","kind":"chio_receipt","verdict":"deny","severity":"WARNING","receipt":{"id":"2"}}',
      ],
      ['{"event":"checkpoint","kind":"chio_checkpoint","severity":"INFO","checkpoint":{"body":1}}'],
    ]);
    for (const { headers, body } of received) {
      expect(headers.authorization).toBe("Bearer sink-token-of-this-test");
      expect(headers["content-type"]).toBe("application/x-ndjson");
      expect(headers["idempotency-key"]).toBe(createHash("sha256").update(body).digest("hex"));
    }
    expect(new Set(received.map(({ connection }) => connection)).size).toBe(1);
  });

  it("takes no other answer for a confirmation, and says which it was", async () => {
    await using sink = sinkTo();
    for (const [status, said] of [
      [500, "answered 500"],
      [401, "answered 401: check CHIO_RECEIPT_SINK_TOKEN and what it may write"],
      [413, "answered 413: it refuses groups of this size"],
      [400, "answered 400"],
    ] as const) {
      answer = (response) => response.writeHead(status).end("no");
      expect(await sink.write([receipt(1)])).toBe(said);
    }
    answer = (response) => response.destroy();
    expect(await sink.write([receipt(1)])).toMatch(/^cannot be reached: /);
    // And goes on as soon as the server does.
    answer = (response) => response.end();
    expect(await sink.write([receipt(1)])).toBe("confirmed");
  });

  it("follows no redirect: the token goes where it was configured to", async () => {
    received.length = 0;
    answer = (response) => response.writeHead(307, { location: `https://localhost:${port}/elsewhere` }).end();
    await using sink = sinkTo("sink-token-of-this-test");
    expect(await sink.write([receipt(1)])).toBe("answered 307: redirects are not followed, name the final URL");
    expect(received).toHaveLength(1);
  });

  it("gives up on an answer that does not come", async () => {
    answer = () => {};
    await using sink = sinkTo("", "300");
    expect(await sink.write([receipt(1)])).toBe("gave no answer within 300 ms");
  });

  it("sends nothing to a server whose certificate nobody vouches for", async () => {
    received.length = 0;
    answer = (response) => response.end();
    const other = join(folder, "other.pem");
    writeFileSync(other, selfSigned().cert);
    await using sink = new SinkProcess(executable, [`https://localhost:${port}/`, "sink-token-of-this-test"], other);
    expect(await sink.write([receipt(1)])).toMatch(/^cannot be reached: (DEPTH_ZERO_SELF_SIGNED_CERT|ERR_TLS|.*certificate)/i);
    expect(received).toEqual([]);
  });
});

it("is for https:// alone", () => {
  expect(() => httpsSink({ url: new URL("http://collector.example/v1") })).toThrow(/not an https:\/\/ URL/);
});

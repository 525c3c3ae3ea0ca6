import { createHash } from "node:crypto";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { httpContentHash } from "../../../sidecar/wire/identity.ts";
import type { HttpReceipt } from "../../../sidecar/wire/types.ts";
import { eventually } from "./eventually.ts";
import { type Part, type RawAnswer, type RawTalk, type TalkOptions, talk } from "./raw.ts";
import { type RecordedRequest, Recorder } from "./recorder.ts";
import { type SidecarOptions, startSidecar, type TestSidecar } from "./sidecar.ts";

type Bytes = Part | (Part | number)[];

/** A sidecar before a recording upstream. After each test, what reached the upstream must be the very sequence that was decided. */
export interface World {
  readonly up: Recorder;
  readonly sidecar: TestSidecar;
  /** Token JSON that allows everything. */
  readonly token: string;
  send(bytes: Bytes, options?: TalkOptions): Promise<RawTalk>;
  /** Refused before any decision: this status, this reason, no receipt, nothing upstream. */
  refused(bytes: Bytes, status: number, reason: string): Promise<RawAnswer>;
  /** Decided and denied: one receipt, nothing upstream. */
  denied(bytes: Bytes, reason?: string): Promise<RawAnswer>;
  /** Decided, allowed, forwarded as one request. */
  forwarded(bytes: Bytes, status?: number): Promise<{ answer: RawAnswer; seen: RecordedRequest }>;
  /** Neither answer nor effect is asked for, only that nothing got past: no request upstream that was not decided. */
  harmless(bytes: Bytes, options?: TalkOptions): Promise<RawTalk>;
  /** Requests of several connections at a time have no order between them: each must still have its own receipt. */
  unordered: boolean;
  /** Receipts of streamed uploads that broke off: they were allowed, and never became a request. */
  unseen: () => number;
}

/** For a describe block or a file: starts both before its tests, and stops them behind. */
export function world(options: Omit<SidecarOptions, "upstreamPort"> = {}): World {
  let up: Recorder;
  let sidecar: TestSidecar;
  let token: string;
  beforeAll(async () => {
    up = await Recorder.start();
    sidecar = await startSidecar({ ...options, upstreamPort: up.port });
    token = JSON.stringify(sidecar.capability());
  });
  afterAll(async () => {
    await sidecar?.stop();
    await up?.stop();
  });
  // A receipt of a client that went away comes a moment later.
  afterEach(() => eventually(() => expectDecided(up, sidecar.receipts(), token, self)));

  const counts = () => ({ requests: up.requests.length, finals: finals(sidecar.receipts()).length });
  const exchange = async (bytes: Bytes) => {
    const before = counts();
    const { answers, text } = await talk(sidecar.port, bytes, { answers: 1 });
    const answer = answers.at(-1);
    expect(answer, `an answer, not ${JSON.stringify(text)}`).toBeDefined();
    const after = counts();
    return { answer: answer!, requests: after.requests - before.requests, receipts: after.finals - before.finals };
  };

  const self: World = {
    unseen: () => 0,
    unordered: false,
    get up() {
      return up;
    },
    get sidecar() {
      return sidecar;
    },
    get token() {
      return token;
    },
    send: (bytes, talkOptions) => talk(sidecar.port, bytes, talkOptions),
    async refused(bytes, status, reason) {
      const { answer, requests, receipts } = await exchange(bytes);
      expect({ status: answer.status, reason: answer.json().reason, requests, receipts }).toEqual({
        status,
        reason,
        requests: 0,
        receipts: 0,
      });
      expect(answer.json().message).toBeTypeOf("string");
      return answer;
    },
    async denied(bytes, reason = "missing_capability_token") {
      const { answer, requests, receipts } = await exchange(bytes);
      expect({ status: answer.status, reason: answer.json().reason, requests, receipts }).toEqual({
        status: 403,
        reason,
        requests: 0,
        receipts: 1,
      });
      expect(answer.header("x-chio-receipt-id")).toBe(answer.json().receipt_id);
      return answer;
    },
    async forwarded(bytes, status = 200) {
      const { answer, requests, receipts } = await exchange(bytes);
      expect({ status: answer.status, requests, receipts }, answer.body).toEqual({ status, requests: 1, receipts: 1 });
      return { answer, seen: up.requests.at(-1)! };
    },
    harmless: (bytes, talkOptions) => talk(sidecar.port, bytes, { quietMs: 200, ...talkOptions }),
  };
  return self;
}

export function finals(receipts: readonly HttpReceipt[]): HttpReceipt[] {
  return receipts.filter(({ metadata }) => metadata?.chio_http_status_scope === "final");
}

/**
 * What the upstream saw, against what the receipts say was allowed: as many, in the same order, and each with the very content hash that was signed,
 * recomputed from the bytes that arrived. `token`: what `chio_capability` held where it came in the query.
 */
function expectDecided(up: Recorder, receipts: readonly HttpReceipt[], token: string, { unseen, unordered }: World): void {
  expect(up.garbage, "bytes that are no request").toEqual([]);
  const sent = finals(receipts).filter(({ verdict, metadata }) => verdict.verdict !== "deny" && !unsent(metadata));
  const allowed = sent.filter(({ metadata }) => !isBrokenOff(metadata));
  expect(sent.length - allowed.length, "uploads that broke off").toBe(unseen());
  const decided = allowed.map(({ method, content_hash }) => `${method} ${content_hash}`);
  const rest = [...allowed];
  const seen = up.requests.map((request) => {
    const at = unordered
      ? rest.findIndex((receipt) => receipt.method === request.method && contentHash(request, receipt, token) === receipt.content_hash)
      : 0;
    const [receipt] = rest.splice(Math.max(0, at), 1);
    return `${request.method} ${receipt === undefined ? request.target : contentHash(request, receipt, token)}`;
  });
  if (unordered) {
    seen.sort();
    decided.sort();
  }
  expect(seen, `upstream saw ${up.lines.map((line) => line.slice(0, 80)).join("; ")}`).toEqual(decided);
  const ids = new Set(receipts.map(({ id }) => id));
  for (const { metadata, method } of allowed) {
    const decision = metadata?.chio_decision_receipt_id;
    if (!["GET", "HEAD", "OPTIONS"].includes(method))
      expect(ids.has(String(decision)), "an unsafe request has a decision that was written ahead").toBe(true);
  }
}

/** Allowed and never sent: the upstream could not be reached, or the client was gone before. */
function unsent(metadata: HttpReceipt["metadata"]): boolean {
  return metadata?.chio_upstream_error === "upstream_unreachable";
}

function isBrokenOff(metadata: HttpReceipt["metadata"]): boolean {
  const streamed = metadata?.chio_streamed_body as { complete?: boolean } | undefined;
  return streamed?.complete === false;
}

function contentHash(request: RecordedRequest, receipt: HttpReceipt, token: string): string {
  const mark = request.target.indexOf("?");
  const path = mark < 0 ? request.target : request.target.slice(0, mark);
  const query: Record<string, string> = Object.create(null);
  for (const [name, value] of new URLSearchParams(mark < 0 ? "" : request.target.slice(mark + 1))) query[name] = value;
  const hashWith = (more: Record<string, string>) =>
    httpContentHash({
      method: request.method,
      path,
      query: { ...query, ...more },
      routePattern: receipt.route_pattern,
      bodyHash:
        receipt.metadata?.chio_streamed_body !== undefined || request.body.length === 0
          ? null
          : createHash("sha256").update(request.body).digest("hex"),
    });
  const plain = hashWith({});
  // The decision is about the request as it came, the token in its query included; the upstream never sees that.
  return plain === receipt.content_hash ? plain : hashWith({ chio_capability: token });
}

/** `GET /x HTTP/1.1` with a Host and these further header lines. */
export function get(target: string, ...headers: string[]): string {
  return request("GET", target, headers);
}

export function request(method: string, target: string, headers: string[] = [], body = ""): string {
  const length =
    body === "" || headers.some((line) => /^(content-length|transfer-encoding):/i.test(line))
      ? []
      : [`Content-Length: ${Buffer.byteLength(body)}`];
  return `${[`${method} ${target} HTTP/1.1`, "Host: localhost", ...headers, ...length].join("\r\n")}\r\n\r\n${body}`;
}

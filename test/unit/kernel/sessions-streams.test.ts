import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../../sidecar/wire/hash.ts";
import type { Json } from "../../../sidecar/wire/json.ts";
import { agentKey, chunks, fixture, serverWith, settle } from "./library-support.ts";

const code = (expected: string) => expect.objectContaining({ code: expected });

describe("a stream", () => {
  const open = async (source: () => AsyncIterable<Json>, config: object = {}, rest: object = { sideEffects: false }) => {
    const { kernel, store, system } = fixture({ servers: [serverWith(source, rest)], config });
    const session = await kernel.openSession({ agentKey });
    const outcome = await session.callTool({ server: "srv", tool: "tool" });
    if (outcome.status !== "stream") throw new Error(`not a stream but ${outcome.status}`);
    return { ...outcome, kernel, store, system, session };
  };
  const read = async (stream: AsyncIterable<Json>) => {
    const values: Json[] = [];
    for await (const value of stream) values.push(value);
    return values;
  };

  it("passes chunk by chunk; the decision is durable before, the outcome before its end", async () => {
    const { stream, store, receipt, decisionReceipt, session } = await open(() => chunks(1, { a: "b" }, null));
    expect(store.entries()).toHaveLength(1);
    expect(store.entries()[0]?.opens).toBe(true);
    expect(session.inFlight).toBe(1);
    expect(await read(stream)).toEqual([1, { a: "b" }, null]);
    const final = await receipt;
    expect(final).toMatchObject({
      decision: { verdict: "allow" },
      content_hash: sha256Hex('[1,{"a":"b"},null]'),
      metadata: { chio_decision_receipt_id: decisionReceipt.id, chio_stream_chunks: 3, chio_stream_bytes: 14 },
    });
    expect(store.entries()).toHaveLength(2);
    await settle();
    expect(session.inFlight).toBe(0);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it("of a tool with side effects has one decision, not two", async () => {
    const { stream, store } = await open(() => chunks(1), {}, {});
    await read(stream);
    expect(store.entries().map((entry) => [entry.opens === true, entry.closes !== undefined])).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it("ends at the byte limit, without the chunk that passed it", async () => {
    let returned = false;
    async function* endless() {
      try {
        for (;;) yield "12345678";
      } finally {
        returned = true;
      }
    }
    const { stream, receipt, system } = await open(endless, { maxStreamTotalBytes: 25 });
    expect(await stream.next()).toEqual({ done: false, value: "12345678" });
    expect(await stream.next()).toEqual({ done: false, value: "12345678" });
    await expect(stream.next()).rejects.toThrow(code("stream_limit_exceeded"));
    await settle();
    expect([returned, system.timers]).toEqual([true, 0]);
    expect(await receipt).toMatchObject({
      decision: { verdict: "incomplete", reason: "the stream carried more than 25 bytes" },
      content_hash: sha256Hex('["12345678","12345678"]'),
    });
    await expect(stream.next()).rejects.toThrow(code("stream_limit_exceeded"));
  });

  it("takes exactly the byte limit", async () => {
    const { stream, receipt } = await open(() => chunks("12345678", "12345678"), { maxStreamTotalBytes: 20 });
    expect(await read(stream)).toHaveLength(2);
    expect((await receipt).decision).toEqual({ verdict: "allow" });
    const short = await open(() => chunks("12345678", "12345678"), { maxStreamTotalBytes: 19 });
    await expect(read(short.stream)).rejects.toThrow(code("stream_limit_exceeded"));
  });

  it("ends at the time limit, read or not", async () => {
    const never = async function* (): AsyncGenerator<Json> {
      yield 1;
      await new Promise(() => {});
    };
    const { stream, receipt, system } = await open(never, { maxStreamDurationSecs: 2 });
    await stream.next();
    const waiting = stream.next();
    waiting.catch(() => {});
    system.advance(2_000);
    await expect(waiting).rejects.toThrow(code("stream_limit_exceeded"));
    expect((await receipt).decision).toEqual({ verdict: "incomplete", reason: "the stream took longer than 2 s" });

    const unread = await open(never, { maxStreamDurationSecs: 2 });
    unread.system.advance(2_000);
    expect((await unread.receipt).decision).toMatchObject({ verdict: "incomplete" });
  });

  it("is cancelled when its reader gives up", async () => {
    const { stream, receipt } = await open(() => chunks(1, 2, 3));
    for await (const value of stream) if (value === 2) break;
    expect(await receipt).toMatchObject({
      decision: { verdict: "cancelled", reason: "the reader gave up" },
      content_hash: sha256Hex("[1,2]"),
    });
  });

  it("is cancelled when the session closes", async () => {
    const { stream, receipt, kernel, session } = await open(async function* () {
      yield 1;
      await new Promise(() => {});
    });
    await stream.next();
    await kernel.closeSession(session.id, { deadlineMs: 0 });
    expect((await receipt).decision).toMatchObject({ verdict: "cancelled" });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it("is incomplete when its source fails, and the reader gets the error", async () => {
    const { stream, receipt } = await open(async function* () {
      yield 1;
      throw new Error("secret");
    });
    await stream.next();
    await expect(stream.next()).rejects.toThrow("secret");
    expect((await receipt).decision).toEqual({ verdict: "incomplete", reason: "the tool's stream failed" });
  });

  it("is incomplete when a chunk is no JSON", async () => {
    const { stream, receipt } = await open(() => chunks((() => 1) as unknown as Json));
    await expect(stream.next()).rejects.toThrow(code("result_not_json"));
    expect((await receipt).decision).toMatchObject({ verdict: "incomplete" });
  });

  it("has no end without a durable receipt", async () => {
    const { stream, receipt, store } = await open(() => chunks(1));
    await stream.next();
    store.failing = new Error("disk full");
    await expect(stream.next()).rejects.toThrow(code("receipt_not_durable"));
    await expect(receipt).rejects.toThrow(code("receipt_not_durable"));
  });

  it("does not begin without a durable decision", async () => {
    let signal: AbortSignal | undefined;
    const source = (_args: Json, context: { signal: AbortSignal }) => {
      signal = context.signal;
      return chunks(1);
    };
    const { kernel, store } = fixture({ servers: [serverWith(source, { sideEffects: false })] });
    const session = await kernel.openSession({ agentKey });
    store.failing = new Error("disk full");
    await expect(session.callTool({ server: "srv", tool: "tool" })).rejects.toThrow(code("receipt_not_durable"));
    expect(signal?.aborted).toBe(true);
  });
});

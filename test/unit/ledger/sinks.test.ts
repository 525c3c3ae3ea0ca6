import { PassThrough, Writable } from "node:stream";
import { describe, expect, it } from "vitest";
import { stdoutSink } from "../../../sidecar/ledger/sinks/stdout.ts";
import type { ReceiptSink, SinkRecord } from "../../../sidecar/ledger/types.ts";
import { openTestLedger, scratch, TestKernel, until } from "./fixture.ts";

const kernel = new TestKernel();

/** Takes groups, or refuses them while it is down, or hangs while it is stuck. */
class FakeRemote implements ReceiptSink {
  readonly name: string;
  readonly records: SinkRecord[] = [];
  down = false;
  stuck: Promise<void> | null = null;
  closed = false;
  writing = 0;
  mostAtOnce = 0;

  constructor(name = "remote") {
    this.name = name;
  }

  async write(group: readonly SinkRecord[]): Promise<void> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.writing);
    try {
      if (this.stuck !== null) await this.stuck;
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (this.down) throw new Error("connection refused");
      this.records.push(...group);
    } finally {
      this.writing--;
    }
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {
    this.closed = true;
  }

  receiptSeqs(): number[] {
    return this.records.filter(({ type }) => type === "receipt").map(({ seq }) => seq);
  }
}

const oneTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

describe("a sink", () => {
  it("gets every receipt once and in order, each checkpoint after the receipts it covers", async () => {
    using dir = scratch();
    const remote = new FakeRemote();
    const ledger = await openTestLedger(dir.store, { sinks: [remote], checkpoint: { batchSize: 10, intervalMs: 60_000 } });
    for (let i = 0; i < 10; i++) await Promise.all(Array.from({ length: 7 }, () => ledger.append(kernel.http())));
    await ledger.flush();
    expect(remote.receiptSeqs()).toEqual(oneTo(70));
    expect(await ledger.close()).toEqual({ undelivered: 0 });
    expect(remote.closed).toBe(true);
    expect(remote.mostAtOnce).toBe(1);
    const checkpoints = remote.records.filter(({ type }) => type === "checkpoint");
    expect(checkpoints.map(({ seq }) => seq)).toEqual(oneTo(7));
    for (const checkpoint of checkpoints) {
      const { batch_end_seq } = JSON.parse(checkpoint.canonicalJson).body;
      const before = remote.records.slice(0, remote.records.indexOf(checkpoint)).filter(({ type }) => type === "receipt");
      expect(before.length).toBeGreaterThanOrEqual(batch_end_seq);
    }
  });

  it("that is down holds nothing up, is named in the status, and gets everything when it is back", async () => {
    using dir = scratch();
    const remote = new FakeRemote();
    remote.down = true;
    const ledger = await openTestLedger(dir.store, { sinks: [remote] });
    await Promise.all(Array.from({ length: 30 }, () => ledger.append(kernel.http())));
    await until("the outage is known", () => ledger.status().sinks[0]?.reachable === false);
    expect(ledger.status()).toMatchObject({
      writable: true,
      sinks: [{ name: "remote", reachable: false, message: "connection refused", behind: 30 }],
    });
    await expect(ledger.flush()).rejects.toMatchObject({
      code: "ledger_sink_unreachable",
      message: expect.stringContaining("remote connection refused"),
    });
    remote.down = false;
    await until("it has caught up", () => ledger.status().sinks[0]?.behind === 0);
    expect(ledger.status().sinks).toEqual([{ name: "remote", reachable: true, behind: 0 }]);
    expect(remote.receiptSeqs()).toEqual(oneTo(30));
    await ledger.close();
  });

  it("that lags far behind is served from the store, in order", async () => {
    using dir = scratch();
    const remote = new FakeRemote();
    let release = () => {};
    remote.stuck = new Promise((resolve) => {
      release = resolve;
    });
    const ledger = await openTestLedger(dir.store, { sinks: [remote], checkpoint: { batchSize: 100, intervalMs: 60_000 } });
    const entries = Array.from({ length: 300 }, () => kernel.http());
    for (let i = 0; i < 10; i++) await Promise.all(entries.map((entry) => ledger.append(entry)));
    remote.stuck = null;
    release();
    await ledger.flush();
    expect(remote.receiptSeqs()).toEqual(oneTo(3_000));
    await ledger.close();
    expect(remote.records.filter(({ type }) => type === "checkpoint").map(({ seq }) => seq)).toEqual(oneTo(30));
  });

  it("goes on after a restart where it stood, and loses nothing that the last run could not deliver", async () => {
    using dir = scratch();
    const first = new FakeRemote();
    const before = await openTestLedger(dir.store, { sinks: [first] });
    await before.append(kernel.http());
    await before.flush();
    first.down = true;
    await Promise.all(Array.from({ length: 4 }, () => before.append(kernel.http())));
    expect(await before.close({ deadlineMs: 200 })).toEqual({ undelivered: 4 });

    const second = new FakeRemote();
    const after = await openTestLedger(dir.store, { sinks: [second] });
    await after.flush();
    expect(second.records.map(({ type, seq }) => `${type} ${seq}`)).toEqual([
      "receipt 2",
      "receipt 3",
      "receipt 4",
      "receipt 5",
      "checkpoint 1",
    ]);
    await after.close();
  });

  it("that is new to a store begins with the next receipt", async () => {
    using dir = scratch();
    const before = await openTestLedger(dir.store);
    await before.append(kernel.http());
    await before.close();
    const remote = new FakeRemote();
    const after = await openTestLedger(dir.store, { sinks: [remote] });
    await after.append(kernel.http());
    await after.close();
    expect(remote.records.map(({ type, seq }) => `${type} ${seq}`)).toEqual(["receipt 2", "checkpoint 2"]);
  });

  it("does not share its cursor with another", async () => {
    using dir = scratch();
    const good = new FakeRemote("good");
    const bad = new FakeRemote("bad");
    bad.down = true;
    const ledger = await openTestLedger(dir.store, { sinks: [good, bad] });
    await ledger.append(kernel.http());
    await until("the good one has it", () => good.records.length === 1);
    expect(ledger.status().sinks.map(({ behind }) => behind)).toEqual([0, 1]);
    await expect(openTestLedger(null, { sinks: [good, new FakeRemote("good")] })).rejects.toMatchObject({ code: "ledger_option_invalid" });
    await ledger.close({ deadlineMs: 100 });
  });
});

describe("acknowledge: sink", () => {
  it("resolves only when the sink has the receipt", async () => {
    using dir = scratch();
    const remote = new FakeRemote();
    const ledger = await openTestLedger(dir.store, { sinks: [remote], acknowledge: "sink" });
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const entry = kernel.http();
        await ledger.append(entry);
        expect(remote.records.some(({ canonicalJson }) => canonicalJson === entry.canonicalJson)).toBe(true);
      }),
    );
    await ledger.close();
  });

  it("refuses while the sink is down, what waits and what comes, and takes receipts again when it is back", async () => {
    using dir = scratch();
    const remote = new FakeRemote();
    const ledger = await openTestLedger(dir.store, { sinks: [remote], acknowledge: "sink" });
    await ledger.append(kernel.http());
    remote.down = true;
    await expect(ledger.append(kernel.http())).rejects.toMatchObject({ code: "ledger_sink_unreachable", fault: "sink_unreachable" });
    expect(ledger.status()).toMatchObject({ writable: false, storeWritable: true, fault: "sink_unreachable", queued: 0 });
    await expect(ledger.append(kernel.http())).rejects.toMatchObject({ fault: "sink_unreachable" });
    remote.down = false;
    await until("the ledger takes receipts again", () => ledger.status().writable);
    await ledger.append(kernel.http());
    // The one that was refused was durable here, so the sink got it too.
    expect(remote.receiptSeqs()).toEqual(oneTo(3));
    await ledger.close();
  });

  it("takes no more than the queue holds while a sink is slow, and says that it is not the store", async () => {
    using dir = scratch();
    const remote = new FakeRemote();
    let release = () => {};
    remote.stuck = new Promise((resolve) => {
      release = resolve;
    });
    const ledger = await openTestLedger(dir.store, { sinks: [remote], acknowledge: "sink", queueLimit: 2 });
    const waiting = [ledger.append(kernel.http()), ledger.append(kernel.http())];
    await until("both are on disk", () => ledger.status().receipts === 2);
    expect(ledger.status()).toMatchObject({ writable: false, storeWritable: true, fault: "queue_full", queued: 2 });
    await expect(ledger.append(kernel.http())).rejects.toMatchObject({ fault: "queue_full" });
    remote.stuck = null;
    release();
    await Promise.all(waiting);
    expect(ledger.status()).toMatchObject({ writable: true, storeWritable: true });
    await ledger.close();
  });

  it("counts a sink that hangs as unreachable", async () => {
    using dir = scratch();
    const remote = new FakeRemote();
    let release = () => {};
    remote.stuck = new Promise((resolve) => {
      release = resolve;
    });
    const ledger = await openTestLedger(dir.store, { sinks: [remote], acknowledge: "sink", sinkTimeoutMs: 100 });
    await expect(ledger.append(kernel.http())).rejects.toMatchObject({
      fault: "sink_unreachable",
      message: expect.stringContaining("100 ms"),
    });
    remote.stuck = null;
    release();
    await until("the ledger takes receipts again", () => ledger.status().writable);
    expect(remote.mostAtOnce).toBe(1);
    expect(remote.receiptSeqs()).toEqual([1]);
    await ledger.close();
  });
});

describe("the stdout sink", () => {
  it("writes one line for each receipt and checkpoint", async () => {
    const stream = new PassThrough();
    let output = "";
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
    const ledger = await openTestLedger(null, { sinks: [stdoutSink(stream)] });
    const entries = [
      kernel.http(),
      kernel.http({ verdict: { verdict: "deny", reason: "no", guard: "G", http_status: 403 } }),
      kernel.http({ verdict: { verdict: "incomplete", reason: "cut off" } }),
    ];
    for (const entry of entries) await ledger.append(entry);
    await ledger.close();
    const lines = output.trimEnd().split("\n");
    expect(lines.slice(0, 3)).toEqual(
      [
        ["allow", "INFO"],
        ["deny", "WARNING"],
        ["incomplete", "WARNING"],
      ].map(
        ([verdict, severity], i) =>
          `{"event":"receipt","kind":"chio_receipt","verdict":"${verdict}","severity":"${severity}","receipt":${entries[i]!.canonicalJson}}`,
      ),
    );
    expect(JSON.parse(lines[3]!)).toMatchObject({
      event: "checkpoint",
      kind: "chio_checkpoint",
      severity: "INFO",
      checkpoint: { body: { checkpoint_seq: 1, tree_size: 3 } },
    });
    expect(lines).toHaveLength(4);
  });

  it("waits for a reader that does not keep up, and is unreachable meanwhile", async () => {
    using dir = scratch();
    const held: (() => void)[] = [];
    let open = false;
    let bytes = 0;
    const slow = new Writable({
      write(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        if (open) done();
        else held.push(done);
      },
    });
    const ledger = await openTestLedger(dir.store, { sinks: [stdoutSink(slow)], sinkTimeoutMs: 100 });
    await Promise.all(Array.from({ length: 50 }, () => ledger.append(kernel.http())));
    await until("the sink is named", () => ledger.status().sinks[0]?.reachable === false);
    expect(ledger.status()).toMatchObject({ writable: true, sinks: [{ name: "stdout", behind: 50 }] });
    open = true;
    for (const done of held) done();
    await until("it has caught up", () => ledger.status().sinks[0]?.behind === 0);
    expect(bytes).toBeGreaterThan(50 * 500);
    await ledger.close();
  });

  it("is unreachable once the stream is closed, and says what was not delivered", async () => {
    using dir = scratch();
    const stream = new Writable({
      write(_chunk, _encoding, done) {
        done(Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));
      },
    });
    const ledger = await openTestLedger(dir.store, { sinks: [stdoutSink(stream)] });
    await ledger.append(kernel.http());
    await until("the outage is known", () => ledger.status().sinks[0]?.reachable === false);
    expect(ledger.status().sinks[0]?.message).toContain("EPIPE");
    expect(await ledger.close({ deadlineMs: 100 })).toEqual({ undelivered: 1 });
  });
});

// The ledger alone, on the runtime that this is started with: durable receipts per second and their latency, beside a bare loop that puts the same
// rows into the same tables in groups of 64. The last line of the output is JSON. `bun test/bench/ledger.ts [--json] [--receipts 60000]`
import { randomBytes } from "node:crypto";
import { fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { parseArgs } from "node:util";
import { openLedger } from "../../sidecar/ledger/ledger.ts";
import { createSchema } from "../../sidecar/ledger/schema.ts";
import type { LedgerEntry, LedgerSigner } from "../../sidecar/ledger/types.ts";
import { canonicalize } from "../../sidecar/wire/canonical.ts";
import { Keypair } from "../../sidecar/wire/keys.ts";
import { leafHash } from "../../sidecar/wire/merkle.ts";

const { values } = parseArgs({
  options: { json: { type: "boolean", default: false }, receipts: { type: "string", default: "60000" }, folder: { type: "string" } },
});
const receipts = Number(values.receipts);
/** Of the receipt, which comes to about 1 KB with its id. */
const FILLER = "x".repeat(900);
const CAPABILITIES = Array.from({ length: 200 }, (_, i) => `0193b2a4-0000-7000-8000-${String(i).padStart(12, "0")}`);

const keypair = Keypair.fromSeedHex("07".repeat(32));
const signer: LedgerSigner = {
  publicKeyHex: keypair.publicKeyHex,
  signCheckpoint: (body) => keypair.sign(canonicalize(body)),
  completeOpenDecision: () => {
    throw new Error("no decision is open here");
  },
};

function entry(at: number): LedgerEntry {
  const receiptId = randomBytes(32).toString("hex");
  return {
    receiptId,
    kind: "http",
    canonicalJson: `{"filler":"${FILLER}","id":"${receiptId}"}`,
    index: {
      timestamp: 1_764_000_000 + at,
      capabilityId: CAPABILITIES[at % CAPABILITIES.length]!,
      toolServer: "http",
      toolName: "GET /orders/{id}",
      outcome: "allow",
    },
  };
}

interface Latencies {
  per_second: number;
  p50_ms: number;
  p99_ms: number;
  max_ms: number;
}

function summary(latencies: number[], seconds: number): Latencies {
  latencies.sort((a, b) => a - b);
  const at = (share: number) => Number((latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? 0).toFixed(3));
  return { per_second: Math.round(latencies.length / seconds), p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1) };
}

/** `concurrency` callers, each with its next receipt as soon as the last one is durable. */
async function ledgerRun(store: string, concurrency: number, count: number): Promise<Latencies> {
  const ledger = await openLedger({
    path: store,
    signer,
    sinks: [],
    acknowledge: "ledger",
    queueLimit: 8192,
    checkpoint: { batchSize: 100, intervalMs: 60_000 },
    retention: { maxAgeDays: 90, maxBytes: 10 * 2 ** 30 },
    now: () => Date.now(),
  });
  const latencies: number[] = [];
  let issued = 0;
  const caller = async () => {
    while (issued < count) {
      const next = entry(issued++);
      const start = performance.now();
      await ledger.append(next);
      latencies.push(performance.now() - start);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: concurrency }, caller));
  const seconds = (performance.now() - start) / 1000;
  await ledger.close();
  return summary(latencies, seconds);
}

/** The same rows into the same tables, nothing else: what SQLite itself gives here. */
function floorRun(store: string, group: number, count: number): Latencies {
  const db = new DatabaseSync(store);
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -4096");
  createSchema(db, {});
  const insert = db.prepare(`INSERT INTO receipts VALUES (${Array(16).fill("?").join(", ")})`);
  const latencies: number[] = [];
  const start = performance.now();
  for (let seq = 0; seq < count; ) {
    const begin = performance.now();
    db.exec("BEGIN IMMEDIATE");
    for (let i = 0; i < group; i++) {
      const { receiptId, kind, canonicalJson, index: x } = entry(seq++);
      insert.run(
        seq,
        receiptId,
        kind,
        x.timestamp,
        x.capabilityId ?? null,
        x.toolServer,
        x.toolName,
        x.outcome,
        null,
        null,
        null,
        null,
        0,
        null,
        leafHash(canonicalJson),
        canonicalJson,
      );
    }
    db.exec("COMMIT");
    const took = performance.now() - begin;
    for (let i = 0; i < group; i++) latencies.push(took);
  }
  const seconds = (performance.now() - start) / 1000;
  db.close();
  return summary(latencies, seconds);
}

/** One write and one fdatasync at a time: what the disk itself takes. */
function fsyncRun(path: string, count: number): Latencies {
  const file = openSync(path, "w");
  const page = Buffer.alloc(24_576, 1);
  const latencies: number[] = [];
  const start = performance.now();
  for (let i = 0; i < count; i++) {
    const begin = performance.now();
    writeSync(file, page);
    fdatasyncSync(file);
    latencies.push(performance.now() - begin);
  }
  return summary(latencies, (performance.now() - start) / 1000);
}

const folder = mkdtempSync(join(values.folder ?? tmpdir(), "chio-bench-ledger-"));
const progress = (text: string) => {
  if (!values.json) console.error(text);
};
try {
  const file = (name: string) => join(folder, name);
  progress("warming up …");
  await ledgerRun(file("warm.sqlite"), 64, 5_000);
  progress("bare loop, groups of 64 …");
  const floor = floorRun(file("floor.sqlite"), 64, receipts);
  progress("ledger, 64 and 256 callers …");
  const moderate = await ledgerRun(file("l64.sqlite"), 64, receipts);
  const many = await ledgerRun(file("l256.sqlite"), 256, receipts);
  progress("one at a time …");
  const fsync = fsyncRun(file("fsync"), 2_000);
  const floorSingle = floorRun(file("floor1.sqlite"), 1, 2_000);
  const single = await ledgerRun(file("l1.sqlite"), 1, 2_000);
  console.log(
    JSON.stringify({
      runtime: process.versions.bun ? `bun ${process.versions.bun}` : `node ${process.versions.node}`,
      appends_per_second: Math.max(moderate.per_second, many.per_second),
      p99_ms: moderate.p99_ms,
      floor_rows_per_second: floor.per_second,
      single_added_us: Math.round((single.p50_ms - floorSingle.p50_ms) * 1000),
      callers_64: moderate,
      callers_256: many,
      callers_1: single,
      floor_groups_of_64: floor,
      floor_one_by_one: floorSingle,
      disk_write_and_fdatasync: fsync,
      rss_mib: Math.round(process.memoryUsage.rss() / 2 ** 20),
    }),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}

import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { answersRaw, freePort, type Running, start } from "./process.ts";

const run = promisify(execFile);

const SPEC = `openapi: 3.1.0
info: { title: bench, version: 1.0.0 }
paths:
  /hello:
    get: { operationId: getGreeting, responses: { "200": { description: ok } } }
    post: { operationId: createGreeting, responses: { "200": { description: ok } } }
`;

/** Everything a sidecar needs, made with its own command line. */
export interface Fixture {
  folder: string;
  spec: string;
  seed: string;
  /** Compact token JSON that covers GET and POST /hello. */
  capability: string;
}

export async function makeFixture(chio: string, folder: string): Promise<Fixture> {
  mkdirSync(folder, { recursive: true });
  const seed = join(folder, "seed.hex");
  const spec = join(folder, "openapi.yaml");
  writeFileSync(spec, SPEC);
  await run(chio, ["keygen", "--out", seed]);
  const grants = ["GET /hello", "POST /hello"].flatMap((route) => ["--grant", `http:${route}:invoke`]);
  const { stdout } = await run(chio, ["capability", "issue", "--seed-file", seed, "--subject-name", "bench", ...grants, "--ttl", "12h"]);
  return { folder, spec, seed, capability: JSON.stringify(JSON.parse(stdout)) };
}

export interface StartedChio {
  server: Running;
  url: string;
  store: string;
}

let count = 0;

/** Starts `chio api protect` on a fresh SQLite ledger with durable receipts on. */
export async function startChio(chio: string, fixture: Fixture, upstream: string, extra: readonly string[] = []): Promise<StartedChio> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const store = join(fixture.folder, `receipts-${count++}.sqlite`);
  const server = await start(
    chio,
    [
      "api",
      "protect",
      "--upstream",
      upstream,
      "--spec",
      fixture.spec,
      "--listen",
      `127.0.0.1:${port}`,
      "--receipt-store",
      store,
      "--allow-root",
      ...extra,
    ],
    {
      env: { CHIO_SIGNING_KEY: readFileSync(fixture.seed, "utf8").trim(), CHIO_LOG_LEVEL: "warn" },
      ready: answersRaw(port, "/chio/health"),
    },
  );
  return { server, url, store };
}

/** A body for `POST /chio/evaluate` that is allowed when the capability is presented. */
export function evaluateBody(): string {
  return JSON.stringify({
    request_id: "0193b2a4-0000-7000-8000-000000000000",
    method: "POST",
    route_pattern: "/hello",
    path: "/hello",
    query: {},
    headers: {},
    caller: { subject: "anonymous", auth_method: { method: "anonymous" }, verified: false },
    timestamp: 1_764_000_000,
  });
}

/** Resident set of a process in MiB, from /proc. */
export function residentMiB(pid: number): number {
  const kib = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kib) / 1024;
}

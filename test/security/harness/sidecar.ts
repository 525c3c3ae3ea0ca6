import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { buildGuards } from "../../../sidecar/guards/pipeline.ts";
import { kernelSigner } from "../../../sidecar/kernel/signer.ts";
import { openLedger } from "../../../sidecar/ledger/index.ts";
import { defaultPolicy, loadPolicy } from "../../../sidecar/policy/load.ts";
import { loadOpenApi } from "../../../sidecar/policy/openapi/load.ts";
import { startProtect } from "../../../sidecar/protect/index.ts";
import { DEFAULT_LIMITS } from "../../../sidecar/service/limit-settings.ts";
import { createLogger } from "../../../sidecar/service/logger.ts";
import { createMetrics } from "../../../sidecar/service/metrics.ts";
import { createReadiness } from "../../../sidecar/service/readiness.ts";
import type { Limits, ServiceConfig } from "../../../sidecar/service/types.ts";
import { issueCapability } from "../../../sidecar/wire/capability.ts";
import { Keypair } from "../../../sidecar/wire/keys.ts";
import type { CapabilityToken, HttpReceipt, ToolGrant } from "../../../sidecar/wire/types.ts";

export interface SidecarOptions {
  upstreamPort: number;
  /** Instead of `http://127.0.0.1:<upstreamPort>`. */
  upstreamUrl?: string;
  /** PEM file of an authority that the program trusts beside its own; in this process it has to be trusted already. */
  extraCa?: string;
  /** OpenAPI document. */
  spec?: string;
  /** HushSpec or Chio policy; the built-in one without it. */
  policy?: string;
  limits?: Partial<Limits>;
  safeMethods?: ServiceConfig["safeMethods"];
  trustForwarded?: boolean;
  controlToken?: string;
  /** File of an earlier sidecar. */
  store?: string;
}

/** Paths of which the tests call many; every other path is unknown to the document, and closed like these. */
export const SPEC = `openapi: 3.1.0
info: { title: security, version: 1.0.0 }
paths:
  /open:
    get: { x-chio-side-effects: false, responses: { "200": { description: ok } } }
    head: { x-chio-side-effects: false, responses: { "200": { description: ok } } }
    options: { x-chio-side-effects: false, responses: { "200": { description: ok } } }
    delete: { x-chio-side-effects: false, responses: { "200": { description: ok } } }
    post: { x-chio-side-effects: false, responses: { "200": { description: ok } } }
  /admin:
    get: { responses: { "200": { description: ok } } }
    post: { responses: { "200": { description: ok } } }
  /items/{id}:
    get: { x-chio-side-effects: false, responses: { "200": { description: ok } } }
  /upload:
    post: { x-chio-side-effects: false, x-chio-stream-body: true, responses: { "200": { description: ok } } }
  /closed-upload:
    post: { x-chio-stream-body: true, responses: { "200": { description: ok } } }
  /socket:
    get: { x-chio-side-effects: false, x-chio-websocket: true, responses: { "101": { description: ok } } }
  /closed-socket:
    get: { x-chio-websocket: true, responses: { "101": { description: ok } } }
`;

export interface TestSidecar {
  port: number;
  store: string;
  keypair: Keypair;
  /** Every receipt in the store, in order. */
  receipts(): HttpReceipt[];
  /** A token of this sidecar's own key; without grants it may do everything. */
  capability(grants?: ToolGrant[], lifetime?: { issuedAt?: number; expiresAt?: number }): CapabilityToken;
  /** SIGTERM, or the same in the process. Resolves with what the drain left. */
  drain(budgetMs?: number): Promise<{ leftInFlight: number; undelivered: number }>;
  stop(): Promise<void>;
}

const EVERYTHING: ToolGrant[] = [{ server_id: "*", tool_name: "*", operations: ["invoke"] }];

/** The program to test instead of the modules in this process. */
export const BINARY = process.env.CHIO_TEST_BINARY;

export async function startSidecar(options: SidecarOptions): Promise<TestSidecar> {
  const folder = mkdtempSync(join(tmpdir(), "chio-security-"));
  const seed = randomBytes(32).toString("hex");
  const keypair = Keypair.fromSeedHex(seed);
  const store = options.store ?? join(folder, "receipts.sqlite");
  const specPath = join(folder, "openapi.yaml");
  writeFileSync(specPath, options.spec ?? SPEC);
  const policyPath = options.policy === undefined ? null : join(folder, "policy.yaml");
  if (policyPath !== null) writeFileSync(policyPath, options.policy!);
  const paths = { store, specPath, policyPath, seed };
  const running = BINARY === undefined ? await startHere(options, paths, keypair) : await startBinary(BINARY, options, paths);
  return {
    port: running.port,
    store,
    keypair,
    receipts: () => readReceipts(store),
    capability(grants = EVERYTHING, { issuedAt, expiresAt } = {}) {
      const now = Math.floor(Date.now() / 1000);
      const body = { id: randomBytes(8).toString("hex"), issuer: keypair.publicKeyHex, subject: keypair.publicKeyHex, scope: { grants } };
      return issueCapability({ ...body, issued_at: issuedAt ?? now - 10, expires_at: expiresAt ?? now + 3_600 }, keypair);
    },
    drain: running.drain,
    async stop() {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function upstreamUrl({ upstreamUrl, upstreamPort }: SidecarOptions): string {
  return upstreamUrl ?? `http://127.0.0.1:${upstreamPort}`;
}

interface Paths {
  store: string;
  specPath: string;
  policyPath: string | null;
  seed: string;
}

interface Running {
  port: number;
  drain(budgetMs?: number): Promise<{ leftInFlight: number; undelivered: number }>;
  stop(): Promise<void>;
}

async function startHere(options: SidecarOptions, { store, specPath, policyPath, seed }: Paths, keypair: Keypair): Promise<Running> {
  const config: ServiceConfig = {
    listen: { host: "127.0.0.1", port: 0 },
    healthPath: "/chio/health",
    upstream: new URL(upstreamUrl(options)),
    specPath,
    policyPath,
    policyRefreshMs: null,
    kernelConfigPath: null,
    receiptStore: store,
    receiptSinks: [{ kind: "sqlite" }],
    receiptSinkToken: null,
    acknowledge: "ledger",
    allowEphemeralReceipts: false,
    allowRoot: true,
    logLevel: "error",
    signingSeedHex: seed,
    trustedIssuers: [keypair.publicKeyHex],
    capabilityAuthorityUrl: null,
    controlToken: options.controlToken ?? null,
    safeMethods: options.safeMethods ?? "deny_by_default",
    trustForwarded: options.trustForwarded ?? false,
    shutdownDrainMs: 5_000,
    maxDelegationDepth: 4,
    queueLimit: 4_096,
    checkpoint: { batchSize: 100, intervalMs: 60_000 },
    retention: { maxAgeDays: 90, maxBytes: 10 * 1024 ** 3 },
    limits: { ...DEFAULT_LIMITS, ...options.limits },
  };
  const policy = options.policy === undefined ? defaultPolicy() : loadPolicy(options.policy, "policy.yaml");
  const routes = loadOpenApi(options.spec ?? SPEC, "openapi.yaml", { safeMethods: config.safeMethods });
  const ledger = await openLedger({
    path: store,
    signer: kernelSigner(keypair),
    keypair,
    sinks: [],
    acknowledge: "ledger",
    queueLimit: config.queueLimit,
    checkpoint: { batchSize: 100, intervalMs: 60_000 },
    retention: config.retention,
    now: Date.now,
  });
  const logger = createLogger("error", process.stderr);
  const deps = {
    policy,
    routes,
    guards: buildGuards(policy),
    ledger,
    keypair,
    logger,
    readiness: createReadiness(),
    metrics: createMetrics("test"),
  };
  const protect = await startProtect(config, { ...deps, clock: Date.now, randomness: randomBytes });
  return {
    port: protect.address.port,
    drain: (budgetMs = 5_000) => protect.drain(budgetMs),
    async stop() {
      await protect.close();
      await ledger.close({ deadlineMs: 2_000 });
    },
  };
}

async function startBinary(binary: string, options: SidecarOptions, { store, specPath, policyPath, seed }: Paths): Promise<Running> {
  const args = ["api", "protect", "--upstream", upstreamUrl(options), "--spec", specPath, "--listen", "127.0.0.1:0"];
  args.push("--receipt-store", store, "--log-level", "info");
  if (policyPath !== null) args.push("--policy", policyPath);
  if (options.safeMethods !== undefined) args.push("--safe-methods", options.safeMethods);
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    CHIO_SIGNING_KEY: seed,
    CHIO_ALLOW_ROOT: "true",
    CHIO_SHUTDOWN_DRAIN_MS: "5000",
  };
  for (const [key, value] of Object.entries(options.limits ?? {})) {
    env[`CHIO_${key.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`] = String(value);
  }
  if (options.extraCa !== undefined) env.NODE_EXTRA_CA_CERTS = options.extraCa;
  if (options.controlToken !== undefined) env.CHIO_SIDECAR_CONTROL_TOKEN = options.controlToken;
  if (options.trustForwarded === true) env.CHIO_TRUST_FORWARDED = "true";
  const child = spawn(binary, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  const exited = new Promise<number>((resolve) => child.on("exit", (code) => resolve(code ?? -1)));
  const port = await new Promise<number>((resolve, reject) => {
    child.stderr.on("data", (bytes: Buffer) => {
      log += bytes.toString();
      const address = /"address":"127\.0\.0\.1:(\d+)"/.exec(log)?.[1];
      if (address !== undefined) resolve(Number(address));
    });
    void exited.then((code) => reject(new Error(`${binary} ended with ${code}: ${log}`)));
  });
  return {
    port,
    async drain() {
      child.kill("SIGTERM");
      const code = await exited;
      const left = /(\d+) request/.exec(/drain incomplete: [^"]*/.exec(log)?.[0] ?? "")?.[1];
      return { leftInFlight: code === 0 ? 0 : Number(left ?? 1), undelivered: 0 };
    },
    async stop() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Straight from the file: what is durable, and not what somebody says about it. */
export function readReceipts(store: string): HttpReceipt[] {
  const db = new DatabaseSync(store, { readOnly: true });
  try {
    return db
      .prepare("SELECT raw_json FROM receipts ORDER BY seq")
      .all()
      .map((row) => JSON.parse(String(row.raw_json)) as HttpReceipt);
  } finally {
    db.close();
  }
}

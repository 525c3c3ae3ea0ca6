import { randomBytes } from "node:crypto";
import { buildGuards } from "../guards/pipeline.ts";
import { kernelSigner } from "../kernel/signer.ts";
import { httpsSink, type LedgerThread, openLedger, stdoutSink } from "../ledger/index.ts";
import type { Ledger, ReceiptSink } from "../ledger/types.ts";
import { policyHash } from "../policy/hash.ts";
import type { CompiledPolicy } from "../policy/types.ts";
import { type ProtectDeps, type ProtectPolicy, type RunningProtect, startProtect } from "../protect/index.ts";
import type { DrainPhase } from "../service/drain.ts";
import { listenError, StartError, type StartProblem } from "../service/errors.ts";
import { createMetrics, type Metrics } from "../service/metrics.ts";
import { type PolicyRefresh, refreshPolicy } from "../service/policy-refresh.ts";
import { createReadiness } from "../service/readiness.ts";
import { sinkText } from "../service/sink-choice.ts";
import { loadConfiguredPolicy, loadPolicyFile, loadRoutes, problemsOf } from "../service/start-gate.ts";
import type { Logger, Readiness, ServiceConfig } from "../service/types.ts";
import { VERSION } from "../service/version.ts";
import { Keypair } from "../wire/keys.ts";

const DEFAULT_CHECKPOINT_BATCH = 100;
/** How often the receipt store is tried, so that readiness knows about a full disk without any request. */
const PROBE_INTERVAL_MS = 5_000;

/** What ending takes once the time of requests is up: the goodbye of websockets, and receipts of requests that were cut off. */
const AFTER_CUT_MS = 800;

/** What is left of the drain when a sink took all the time that it was given: the store is closed in it. */
const CLOSE_STORE_MS = 500;

/** The running sidecar, as its life needs it. */
export interface Sidecar {
  readonly config: ServiceConfig;
  /** For the one line that says what was started. */
  summary(): Record<string, unknown>;
  /** What is at work, like `3 requests, 5 receipts`; null when nothing is. */
  undone(): string | null;
  /** Receipts in the store. */
  receipts(): number;
  /** In order; `reserveMs` is kept for the receipts. */
  drainPhases(reserveMs: number): DrainPhase[];
  /** Overwrites the signing key. */
  wipe(): void;
}

/**
 * Loads what decides and opens the receipt store, then listens: nothing is answered before everything is there. Whatever fails closes what was
 * opened. Throws ChioError; where several parts are at fault, one StartError with the problems of all.
 */
export async function assemble(
  config: ServiceConfig,
  { log, thread, signal, onBroken }: { log: Logger; thread: LedgerThread; signal: AbortSignal; onBroken: (error: unknown) => void },
): Promise<Sidecar> {
  const keypair = Keypair.fromSeedHex(config.signingSeedHex);
  const metrics = createMetrics(VERSION);
  let ledger: Ledger | undefined;
  try {
    const problems: StartProblem[] = [];
    const note = (error: unknown) => void problems.push(...problemsOf(error));
    const policy = attempt(() => loadConfiguredPolicy(config), note);
    // The store opens in a thread of its own meanwhile.
    const opening = policy && openStore(config, policy, { keypair, thread, metrics, log, onBroken }).catch(note);
    const routes = await loadRoutes(config, { signal }).catch(note);
    // Guards compile their patterns when they are built: a pattern that cannot be used refuses the start.
    const guards = policy && attempt(() => buildGuards(policy), note);
    ledger = (await opening) ?? undefined;
    if (!policy || !routes || !guards || !ledger) throw new StartError("start_refused", problems);
    for (const notice of routes.notices ?? []) log.warn(notice);
    metrics.policyLoaded(Math.floor(Date.now() / 1000));
    const rules: ProtectPolicy = { policy, routes, guards };
    const readiness = createReadiness();
    const protect = await listen(config, {
      ...rules,
      ledger,
      keypair,
      logger: log,
      readiness,
      metrics,
      clock: Date.now,
      randomness: randomBytes,
    });
    return running(config, rules, { ledger, protect, keypair, readiness, metrics, log });
  } catch (error) {
    await ledger?.close({ deadlineMs: 1_000 });
    keypair.wipe();
    throw error;
  }
}

function attempt<T>(work: () => T, failed: (error: unknown) => void): T | undefined {
  try {
    return work();
  } catch (error) {
    failed(error);
    return undefined;
  }
}

function openStore(
  config: ServiceConfig,
  policy: CompiledPolicy,
  {
    keypair,
    thread,
    metrics,
    log,
    onBroken,
  }: Pick<Parts, "keypair" | "metrics" | "log"> & { thread: LedgerThread; onBroken: (error: unknown) => void },
): Promise<Ledger> {
  const { batchSize, intervalMs } = config.checkpoint;
  if (config.receiptStore === null)
    log.warn("receipts are kept in memory only and are lost when this process ends (--allow-ephemeral-receipts)");
  return openLedger({
    path: config.receiptStore,
    signer: kernelSigner(keypair),
    keypair,
    thread,
    sinks: openSinks(config),
    acknowledge: config.acknowledge,
    queueLimit: config.queueLimit,
    checkpoint: { batchSize: batchSize ?? policy.kernel.checkpoint_batch_size ?? DEFAULT_CHECKPOINT_BATCH, intervalMs },
    retention: config.retention,
    now: Date.now,
    onFault: (fault, message) =>
      log.error(`receipts cannot be made durable, requests are refused: ${message}`, { code: `ledger_${fault}` }),
    // Nothing here can start the thread anew; the platform can start the process.
    onLost: onBroken,
    onRecovered: () => log.info("the receipt store takes receipts again"),
    onCommit: (receipts, seconds) => metrics.receiptsCommitted(receipts, seconds),
  });
}

/** The sinks beside the store. */
function openSinks({ receiptSinks, receiptSinkToken: token }: ServiceConfig): ReceiptSink[] {
  return receiptSinks.flatMap((sink): ReceiptSink[] => {
    if (sink.kind === "stdout") return [stdoutSink(process.stdout)];
    return sink.kind === "https" ? [httpsSink({ url: sink.url, ...(token === null ? {} : { token }) })] : [];
  });
}

async function listen(config: ServiceConfig, deps: ProtectDeps): Promise<RunningProtect> {
  try {
    return await startProtect(config, deps);
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === undefined || code === undefined) throw error;
    throw listenError(config.listen, code);
  }
}

interface Parts {
  ledger: Ledger;
  protect: RunningProtect;
  keypair: Keypair;
  readiness: Readiness;
  metrics: Metrics;
  log: Logger;
}

function running(config: ServiceConfig, rules: ProtectPolicy, { ledger, protect, keypair, readiness, metrics, log }: Parts): Sidecar {
  let draining = false;
  readiness.addWarning("retention", () => ledger.status().retentionProblem ?? null);
  metrics.connect({
    queueDepth: () => ledger.status().queued,
    receiptsStored: () => ledger.status().receipts,
    openDecisions: () => ledger.status().open,
    ledgerWritable: () => ledger.status().writable,
    draining: () => draining,
  });
  const probe = setInterval(() => void ledger.probe(), PROBE_INTERVAL_MS);
  const refresh = watchPolicy(config, rules, protect, metrics, log);
  if (refresh !== null) readiness.addWarning("policy", () => refresh.problem());
  const counted = (count: number, what: string) => (count === 0 ? null : `${count} ${what}${count === 1 ? "" : "s"}`);
  let cutOff = 0;
  let undelivered = 0;
  /** Those that the store has, and those that nobody has. */
  const receiptsLeft = () => {
    const { sinks, queued } = ledger.status();
    const behind = Math.min(undelivered, Math.max(0, ...sinks.map((sink) => sink.behind)));
    const store = config.receiptStore;
    const kept = store === null ? "lost with this process" : `kept in ${store} until the next start`;
    const untaken = counted(behind, "receipt");
    const parts = [
      untaken && `${untaken} that a sink has not taken, ${kept}`,
      counted(Math.max(undelivered, queued) - behind, "unstored receipt"),
    ];
    return parts.filter(Boolean).join(", ") || null;
  };

  return {
    config,
    summary: () => ({
      address: `${protect.address.host}:${protect.address.port}`,
      upstream: config.upstream.origin,
      policy: rules.policy.name,
      policy_hash: policyHash(rules.policy, rules.routes),
      guards: rules.guards.map((guard) => guard.name),
      routes: rules.routes.routes.length,
      kernel_key: keypair.publicKeyHex,
      trusted_issuers: config.trustedIssuers.length,
      receipt_store: config.receiptStore ?? "memory",
      receipt_sinks: config.receiptSinks.map(sinkText),
      receipts: ledger.status().receipts,
      kernel_config: config.kernelConfigPath,
      version: VERSION,
    }),
    undone: () => [counted(protect.inflight(), "request"), counted(ledger.status().queued, "receipt")].filter(Boolean).join(", ") || null,
    receipts: () => ledger.status().receipts,
    drainPhases: (reserveMs) => [
      {
        name: "requests",
        async run(remainingMs) {
          draining = true;
          clearInterval(probe);
          refresh?.stop();
          cutOff = await protect.stop(remainingMs - Math.min(AFTER_CUT_MS, remainingMs / 4));
        },
        left: () => counted(Math.max(cutOff, protect.inflight()), "request"),
      },
      {
        name: "receipts",
        reserveMs,
        async run(remainingMs) {
          ({ undelivered } = await ledger.close({ deadlineMs: remainingMs - Math.min(CLOSE_STORE_MS, remainingMs / 4) }));
        },
        left: receiptsLeft,
      },
    ],
    wipe: () => keypair.wipe(),
  };
}

function watchPolicy(
  config: ServiceConfig,
  rules: ProtectPolicy,
  protect: RunningProtect,
  metrics: Metrics,
  logger: Logger,
): PolicyRefresh | null {
  const { policyPath: path, policyRefreshMs: intervalMs } = config;
  if (path === null || intervalMs === null) return null;
  return refreshPolicy({
    intervalMs,
    load: () => loadPolicyFile(path),
    apply: (policy) => protect.reload({ policy, routes: rules.routes, guards: buildGuards(policy) }),
    current: rules.policy,
    metrics,
    logger,
    now: Date.now,
  });
}

import type { Guard } from "../guards/types.ts";
import { BodyMemory } from "../http/body.ts";
import { isLoopbackAddress } from "../http/connection.ts";
import { ControlGate } from "../http/control.ts";
import { Deadlines } from "../http/deadlines.ts";
import { HttpRefusal } from "../http/errors.ts";
import type { Exchange } from "../http/exchange.ts";
import { Mediator, type PolicyBundle } from "../http/mediator.ts";
import { createIds, type Randomness } from "../http/request-ids.ts";
import { Router } from "../http/router.ts";
import { sidecarRoutes } from "../http/routes/index.ts";
import { createHttpServer, type HttpServer } from "../http/server.ts";
import { refuseSocket } from "../http/socket-answer.ts";
import type { DecideContext } from "../kernel/types.ts";
import type { Ledger } from "../ledger/types.ts";
import { policyHash } from "../policy/hash.ts";
import type { CompiledPolicy, RouteTable } from "../policy/types.ts";
import type { Metrics } from "../service/metrics.ts";
import type { Logger, Readiness, ServiceConfig } from "../service/types.ts";
import { VERSION } from "../service/version.ts";
import type { Keypair } from "../wire/keys.ts";
import { type ProxyDeps, ReverseProxy } from "./proxy.ts";
import { Upstream } from "./upstream.ts";
import { WebSockets } from "./websocket.ts";

/** Everything that decides, as it was loaded and checked. */
export interface ProtectPolicy {
  policy: CompiledPolicy;
  routes: RouteTable;
  guards: readonly Guard[];
}

export interface ProtectDeps extends ProtectPolicy {
  ledger: Ledger;
  keypair: Keypair;
  logger: Logger;
  readiness: Readiness;
  metrics: Metrics;
  /** Unix milliseconds. */
  clock: () => number;
  randomness: Randomness;
  resolvePath?: DecideContext["resolvePath"];
}

export interface RunningProtect {
  /** Where it listens; the port is the real one where 0 was asked for. */
  readonly address: { host: string; port: number };
  /** Requests that have no complete answer yet. */
  inflight(): number;
  /** Decides with the new policy from the next request on. */
  reload(policy: ProtectPolicy): void;
  /**
   * First half of the drain: not ready, no new connections, requests at work end within `budgetMs`, websockets are told to go away (1001).
   * Resolves with the number of requests that were cut off.
   */
  stop(budgetMs: number): Promise<number>;
  /** {@link stop}, then the ledger's last checkpoint, flush and close with what is left of the time. */
  drain(budgetMs: number): Promise<{ leftInFlight: number; undelivered: number }>;
  /** Ends everything at once. The ledger is left as it is. */
  close(): Promise<void>;
}

const MIB = 1024 * 1024;
/** Idle connections to the upstream. */
const MAX_IDLE_UPSTREAM = 256;
/** Of an answer of the upstream; apps set larger headers than clients. */
const MAX_ANSWER_HEAD_BYTES = 64 * 1024;
/** For the goodbye of websockets. */
const GOODBYE_MS = 500;
/** For what is left of a request once its connections are cut. */
const SETTLE_MS = 200;

/** Starts the proxy with everything it was given; resolves when it listens. */
export async function startProtect(config: ServiceConfig, deps: ProtectDeps): Promise<RunningProtect> {
  const { limits } = config;
  const { ledger, logger, metrics, readiness } = deps;
  const startedAt = performance.now();
  const deadlines = new Deadlines(
    Math.min(
      250,
      Math.max(10, Math.min(limits.bodyTimeoutMs, limits.headerTimeoutMs, limits.upstreamConnectTimeoutMs, limits.upstreamTimeoutMs) / 4),
    ),
  );
  const memory = new BodyMemory(Math.max(4 * limits.maxBodyBytes, 32 * MIB));
  const mediator = new Mediator({
    bundle: bundleOf(deps),
    ledger,
    kernelKey: deps.keypair.publicKeyHex,
    trustedIssuers: [...config.trustedIssuers, deps.keypair.publicKeyHex],
    maxDelegationDepth: config.maxDelegationDepth,
    queueLimit: config.queueLimit,
    logger,
    clock: deps.clock,
    ids: createIds(deps.clock, deps.randomness),
    ...(deps.resolvePath === undefined ? {} : { resolvePath: deps.resolvePath }),
  });
  const upstream = new Upstream({
    url: config.upstream,
    connectTimeoutMs: limits.upstreamConnectTimeoutMs,
    answerTimeoutMs: limits.upstreamTimeoutMs,
    maxHeadBytes: MAX_ANSWER_HEAD_BYTES,
    maxIdle: MAX_IDLE_UPSTREAM,
    deadlines,
  });
  const proxyDeps: ProxyDeps = {
    mediator,
    upstream,
    metrics,
    logger,
    limits,
    memory,
    deadlines,
    forward: { authority: upstream.authority, basePath: upstream.basePath, trustForwarded: config.trustForwarded === true },
  };
  const proxy = new ReverseProxy(proxyDeps);
  const websockets = new WebSockets(proxyDeps);
  let generation = 1;
  let draining = false;
  const router = new Router({
    routes: sidecarRoutes(config.healthPath),
    context: {
      mediator,
      ledger,
      keypair: deps.keypair,
      metrics,
      readiness,
      logger,
      version: VERSION,
      acknowledge: config.acknowledge,
      generation: () => generation,
      uptime: () => Math.floor((performance.now() - startedAt) / 1_000),
    },
    gate: new ControlGate(config.controlToken),
    listensOnLoopback: isLoopbackHostname(config.listen.host),
    memory,
    deadlines,
    bodyTimeoutMs: limits.bodyTimeoutMs,
  });

  readiness.addCheck("shutdown", () => (draining ? "the sidecar is shutting down" : null));
  readiness.addCheck("receipts", () => {
    const status = ledger.status();
    return status.storeWritable ? null : (status.message ?? status.fault ?? "the receipt store takes nothing");
  });
  readiness.addCheck("sinks", () => {
    const { sinks, writable, storeWritable, message } = ledger.status();
    const lost = sinks.filter((sink) => !sink.reachable);
    if (lost.length > 0) return lost.map(({ name, message: why }) => `${name} ${why ?? "takes nothing"}`).join(", ");
    return storeWritable && !writable ? (message ?? "receipts wait for a sink") : null;
  });

  const server: HttpServer = createHttpServer({
    limits,
    metrics,
    logger,
    deadlines,
    handler: {
      request: (exchange) => dispatch(exchange),
      upgrade(req, socket, head, connection) {
        if (draining) refuseSocket(socket, drainingRefusal());
        else websockets.upgrade(req, socket, head, connection);
      },
    },
  });

  const dispatch = (exchange: Exchange): void => {
    try {
      const route = router.find(exchange.request.path);
      if (route?.access !== "probe") {
        if (draining) throw drainingRefusal();
        if (server.inflight > limits.maxConcurrentRequests) {
          throw new HttpRefusal(503, "overloaded", "the limit on requests at work is reached", { headers: ["Retry-After", "1"] });
        }
      }
      if (route === null) proxy.handle(exchange);
      else void router.run(route, exchange);
    } catch (error) {
      if (!(error instanceof HttpRefusal)) throw error;
      exchange.refuse(error);
    }
  };

  const address = await server.listen(config.listen);

  const stop = async (budgetMs: number): Promise<number> => {
    draining = true;
    server.stopAccepting();
    const reserve = SETTLE_MS + (websockets.open > 0 ? GOODBYE_MS : 0);
    await within(Math.max(0, budgetMs - reserve), Promise.all([server.idle(), untilIdle(() => websockets.handshakes)]));
    const left = server.inflight + websockets.handshakes;
    if (websockets.open > 0) {
      websockets.goAway();
      await within(
        GOODBYE_MS,
        untilIdle(() => websockets.open),
      );
    }
    end();
    // What was cut off has a receipt that says so, if it is handed to the ledger before that closes.
    await within(SETTLE_MS, server.idle());
    return left;
  };
  const end = () => {
    websockets.destroy();
    server.destroy();
    upstream.close();
    deadlines.close();
  };

  return {
    address,
    inflight: () => server.inflight,
    reload(policy) {
      mediator.swap(bundleOf(policy));
      generation++;
    },
    stop,
    async drain(budgetMs) {
      const start = performance.now();
      const leftInFlight = await stop(budgetMs);
      const { undelivered } = await ledger.close({ deadlineMs: Math.max(0, budgetMs - (performance.now() - start)) });
      return { leftInFlight, undelivered };
    },
    close() {
      draining = true;
      end();
      return Promise.resolve();
    },
  };
}

function bundleOf({ policy, routes, guards }: ProtectPolicy): PolicyBundle {
  return { policy, routes, guards, policyHash: policyHash(policy, routes) };
}

function drainingRefusal(): HttpRefusal {
  return new HttpRefusal(503, "draining", "the sidecar is shutting down", { headers: ["Retry-After", "1"] });
}

function isLoopbackHostname(host: string): boolean {
  return host === "localhost" || isLoopbackAddress(host);
}

/** Looks a few times a second: what is waited for ends in many places. */
async function untilIdle(count: () => number): Promise<void> {
  while (count() > 0) await new Promise((resolve) => setTimeout(resolve, 20).unref());
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}

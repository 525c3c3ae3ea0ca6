import type { Exchange } from "../exchange.ts";
import type { RouteContext, SidecarRoute } from "./route.ts";

/** Readiness: 200 while every check holds, else 503 with the reasons. The body answers every reader of this path that there is. */
export function healthRoute(path: string): SidecarRoute {
  return { method: "GET", path, access: "probe", maxBodyBytes: 0, handle: answerHealth };
}

function answerHealth(exchange: Exchange, _body: Uint8Array, context: RouteContext): void {
  const reasons = context.readiness.reasons();
  const warnings = context.readiness.warnings();
  const ready = reasons.length === 0;
  const { bundle } = context.mediator;
  const status = context.ledger.status();
  const body = {
    status: ready ? "healthy" : "unhealthy",
    ok: ready,
    kernel: ready ? "ready" : "not_ready",
    policy_loaded: true,
    authority_generation: context.generation(),
    version: context.version,
    policy_hash: bundle.policyHash,
    guards_loaded: bundle.guards.length,
    receipt_sink: status.writable && status.sinks.every(({ reachable }) => reachable) ? "reachable" : "unreachable",
    receipt_acknowledge: context.acknowledge,
    uptime_seconds: context.uptime(),
    ...(ready ? {} : { reasons }),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
  exchange.sendJson(ready ? 200 : 503, JSON.stringify(body));
}

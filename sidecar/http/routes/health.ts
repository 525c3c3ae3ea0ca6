import { EXCLUDABLE_CHECKS } from "../../service/readiness.ts";
import { HttpRefusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { RouteContext, SidecarRoute } from "./route.ts";

/**
 * Readiness: 200 while every check holds, else 503 with the reasons. The body answers every reader of this path that there is. `?exclude=sinks` leaves
 * the receipt sinks out, for who would replace the replica over the answer.
 */
export function healthRoute(path: string): SidecarRoute {
  return { method: "GET", path, access: "probe", maxBodyBytes: 0, handle: answerHealth };
}

function answerHealth(exchange: Exchange, _body: Uint8Array, context: RouteContext): void {
  const excluded = excludedChecks(exchange.request.query.exclude);
  const reasons = context.readiness.reasons(excluded);
  const warnings = context.readiness.warnings(excluded);
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
    ...(excluded.length === 0 ? {} : { excluded }),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
  exchange.sendJson(ready ? 200 : 503, JSON.stringify(body));
}

/** Names with commas between them: a parameter may come once only. */
function excludedChecks(text: string | undefined): string[] {
  if (text === undefined) return [];
  const names = [...new Set(text.split(","))];
  const known: readonly string[] = EXCLUDABLE_CHECKS;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return names;
  throw new HttpRefusal(400, "unknown_check", `${JSON.stringify(unknown)} is no check that can be left out of readiness`, {
    fix: `exclude takes ${known.join(", ")}`,
  });
}

import type { SidecarRoute } from "./route.ts";

/** Liveness: the process runs and its event loop turns. Says nothing about policy or receipts, so that no restart is asked for their sake. */
export const liveRoute: SidecarRoute = {
  method: "GET",
  path: "/chio/live",
  access: "probe",
  maxBodyBytes: 0,
  handle(exchange, _body, context) {
    exchange.sendJson(200, JSON.stringify({ status: "healthy", ok: true, version: context.version, uptime_seconds: context.uptime() }));
  },
};

import type { SidecarRoute } from "./route.ts";

/** Prometheus text. */
export const metricsRoute: SidecarRoute = {
  method: "GET",
  path: "/metrics",
  access: "control",
  maxBodyBytes: 0,
  handle(exchange, _body, { metrics }) {
    const text = metrics.render();
    exchange.writeHead(200, [
      "Content-Type",
      metrics.contentType,
      "Content-Length",
      String(Buffer.byteLength(text)),
      "Cache-Control",
      "no-store",
    ]);
    exchange.res.end(exchange.request.method === "HEAD" ? undefined : text);
  },
};

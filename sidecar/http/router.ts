import { TOOL_PATH_PREFIX } from "../kernel/binding.ts";
import { LedgerError } from "../ledger/errors.ts";
import { type BodyMemory, readBody } from "./body.ts";
import { type ControlGate, checkBrowser } from "./control.ts";
import type { Deadlines } from "./deadlines.ts";
import { HttpRefusal } from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import type { RouteContext, SidecarRoute } from "./routes/route.ts";

export interface RouterOptions {
  routes: readonly SidecarRoute[];
  context: RouteContext;
  gate: ControlGate;
  listensOnLoopback: boolean;
  memory: BodyMemory;
  deadlines: Deadlines;
  bodyTimeoutMs: number;
}

const RESERVED_PREFIX = "/chio/";

/** Finds and runs the routes of the sidecar itself. */
export class Router {
  readonly #options: RouterOptions;
  readonly #byPath = new Map<string, SidecarRoute>();

  constructor(options: RouterOptions) {
    this.#options = options;
    for (const route of options.routes) this.#byPath.set(route.path, route);
  }

  /** The route of this path, whatever the method; null when the path is the app's. Throws for the rest of `/chio/`, which is reserved. */
  find(path: string): SidecarRoute | null {
    const route = this.#byPath.get(path);
    if (route !== undefined) return route;
    if (!path.startsWith(RESERVED_PREFIX) || path.startsWith(TOOL_PATH_PREFIX)) return null;
    throw new HttpRefusal(404, "not_found", "there is no such route under /chio/, which is the sidecar's own");
  }

  /** Answers the exchange; never rejects. */
  async run(route: SidecarRoute, exchange: Exchange): Promise<void> {
    exchange.outcome = "control";
    try {
      this.#checkMethod(route, exchange);
      const refusal = this.#checkAccess(route, exchange);
      if (refusal !== null) throw refusal;
      const { memory, deadlines, bodyTimeoutMs, context } = this.#options;
      const body = await readBody(exchange, { maxBytes: route.maxBodyBytes, timeoutMs: bodyTimeoutMs }, memory, deadlines);
      await route.handle(exchange, body, context);
    } catch (error) {
      this.#fail(exchange, error);
    }
  }

  #checkMethod({ method }: SidecarRoute, { request }: Exchange): void {
    if (request.method === method || (method === "GET" && request.method === "HEAD")) return;
    throw new HttpRefusal(405, "method_not_allowed", `this route takes ${method} only`, {
      headers: ["Allow", method === "GET" ? "GET, HEAD" : method],
    });
  }

  #checkAccess({ access }: SidecarRoute, exchange: Exchange): HttpRefusal | null {
    if (access === "probe") return null;
    return access === "control" ? this.#options.gate.check(exchange) : checkBrowser(exchange, this.#options.listensOnLoopback);
  }

  #fail(exchange: Exchange, error: unknown): void {
    if (exchange.res.headersSent) {
      exchange.destroy();
      return;
    }
    if (error instanceof HttpRefusal) {
      exchange.refuse(error);
      return;
    }
    exchange.outcome = "error";
    if (!(error instanceof LedgerError)) this.#options.context.logger.error("a route of the sidecar failed", { error });
    exchange.refuse(new HttpRefusal(500, "evaluation_failed", "the call could not be answered; the log has the cause"));
  }
}

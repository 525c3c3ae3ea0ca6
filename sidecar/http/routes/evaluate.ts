import { parseToolPath } from "../../kernel/binding.ts";
import type { Call, Decision } from "../../kernel/types.ts";
import { canonicalize } from "../../wire/canonical.ts";
import { withIdAndSignature } from "../../wire/http-receipt-text.ts";
import { oneCapability } from "../capability.ts";
import type { Exchange } from "../exchange.ts";
import type { RecordedReceipt } from "../mediator.ts";
import { checkPath } from "../target.ts";
import { type ChioHttpRequest, readEvaluateRequest } from "./evaluate-payload.ts";
import { badPayload, MIB, type RouteContext, readPayload, type SidecarRoute } from "./route.ts";

const MAX_BODY_BYTES = 10 * MIB;

/** `POST /chio/evaluate`: decides a request that somebody else will make. 200 for allow and deny; the decision's receipt is durable before the answer. */
export const evaluateRoute: SidecarRoute = {
  method: "POST",
  path: "/chio/evaluate",
  access: "open",
  maxBodyBytes: MAX_BODY_BYTES,
  async handle(exchange, body, context) {
    const { mediator, metrics } = context;
    const request = readPayload("ChioHttpRequest", () => readEvaluateRequest(body, MAX_BODY_BYTES));
    const unavailable = mediator.unavailable();
    if (unavailable !== null) throw unavailable;
    const call = toCall(request, exchange, context);
    const decision =
      (request.toolServer === undefined) === (request.toolName === undefined)
        ? mediator.decide(call)
        : mediator.deny("tool_identity_incomplete", call);
    const status = decision.allow ? 200 : decision.httpStatus;
    const recorded = await mediator.record(call, decision, { scope: "decision", status });
    exchange.outcome = decision.allow ? "allow" : "deny";
    if (!decision.allow) metrics.guardDenied(decision.guard);
    answer(exchange, decision, recorded);
  },
};

function answer(exchange: Exchange, decision: Decision, { receiptId, signature, text }: RecordedReceipt): void {
  const headers = ["X-Chio-Receipt-Id", receiptId];
  if (decision.reasonCode === "approval_required") {
    const body = {
      error: "chio_approval_required",
      message: decision.reason,
      kernel_receipt_id: receiptId,
      suggestion: decision.suggestion,
    };
    exchange.sendJson(409, canonicalize(body), headers);
    return;
  }
  const receipt = withIdAndSignature(text, receiptId, signature);
  exchange.sendJson(200, `{"evidence":${text.evidence},"receipt":${receipt},"verdict":${text.verdict}}`, headers);
}

function toCall(request: ChioHttpRequest, exchange: Exchange, { mediator }: RouteContext): Call {
  try {
    checkPath(request.path);
  } catch (error) {
    throw badPayload(`invalid ChioHttpRequest payload: ${(error as Error).message}`, error);
  }
  const call: Call = {
    requestId: request.requestId,
    http: {
      method: request.method,
      route: mediator.bundle.routes.match(request.method, request.path),
      path: request.path,
      query: request.query,
      bodyHash: request.bodyHash,
    },
    caller: request.caller,
  };
  const named = parseToolPath(request.path);
  if (request.toolServer !== undefined && request.toolName !== undefined) {
    call.tool = { serverId: request.toolServer, toolName: request.toolName, arguments: request.arguments };
  } else if (named !== null) {
    call.tool = { serverId: named.server, toolName: named.tool, arguments: request.arguments };
  }
  const capability = presented(request, exchange);
  if (capability !== undefined) call.capability = capability;
  const dpop = exchange.request.headers.dpop ?? request.headers.get("dpop");
  if (dpop !== undefined) call.dpop = dpop;
  if (request.capabilityId !== undefined) call.capabilityIdHint = request.capabilityId;
  if (request.sessionId !== undefined) call.sessionId = request.sessionId;
  if (request.caller.tenant !== undefined) call.tenantId = request.caller.tenant;
  if (request.modelMetadata !== undefined) call.modelMetadata = request.modelMetadata;
  return call;
}

/** The capability of this call itself, or of the request that it describes. */
function presented(request: ChioHttpRequest, exchange: Exchange): string | undefined {
  const { chio_capability } = request.query;
  const inQuery = typeof chio_capability === "string" ? chio_capability : undefined;
  return oneCapability([exchange.request.presented.token, request.headers.get("x-chio-capability"), inQuery]);
}

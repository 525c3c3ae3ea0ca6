import { isKnownTool } from "../guards/classify.ts";
import { HttpRefusal } from "../http/errors.ts";
import { bodyHashOf, callerOf, type Mediator } from "../http/mediator.ts";
import type { ParsedRequest } from "../http/request.ts";
import { parseToolPath } from "../kernel/binding.ts";
import type { Call } from "../kernel/types.ts";
import type { RouteMatch } from "../policy/types.ts";
import { WireError } from "../wire/errors.ts";
import type { Json } from "../wire/json.ts";
import { parseJson } from "../wire/parse.ts";

/** The call that a proxied request makes. `body`: all of it; null while it is not read, or when it is never seen as a whole. */
export function proxiedCall(request: ParsedRequest, route: RouteMatch, body: Uint8Array | null, mediator: Mediator): Call {
  const { headers, presented } = request;
  const call: Call = {
    requestId: mediator.id(),
    http: { method: request.method, route, path: request.path, query: request.query, bodyHash: body === null ? null : bodyHashOf(body) },
    caller: callerOf(presented.authorization, headers.apiKey),
  };
  // What guards cannot read as the app will read it is not shown to them: those that would look deny.
  if (body === null || !isPlain(request)) call.http!.bodyWithheld = request.hasBody;
  else if (body.length > 0) call.http!.body = body;
  if (presented.token !== undefined) call.capability = presented.token;
  if (headers.dpop !== undefined) call.dpop = headers.dpop;
  const tool = parseToolPath(request.path);
  if (tool !== null) call.tool = { serverId: tool.server, toolName: tool.tool, arguments: toolArguments(request, body) };
  return call;
}

/**
 * Throws where the guards would read a body as JSON that the app, going by its Content-Type, reads as something else: a body can be made that
 * means one thing as JSON and another as a form.
 */
export function checkToolBody(request: ParsedRequest, route: RouteMatch): void {
  if (!request.hasBody) return;
  const tool = route.route?.tool;
  const read = parseToolPath(request.path) !== null || (tool !== undefined && (tool.declared || isKnownTool(tool.name)));
  if (!read || (isPlain(request) && isJson(request.headers.contentType))) return;
  throw new HttpRefusal(400, "body_not_json", "the guards read the arguments of this operation from its body, which must be plain JSON", {
    fix: "send it with Content-Type: application/json and without Content-Encoding",
  });
}

function toolArguments(request: ParsedRequest, body: Uint8Array | null): Json {
  if (body === null || body.length === 0) return null;
  try {
    return parseJson(body);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    throw new HttpRefusal(
      400,
      "bad_payload",
      `the arguments of ${request.path} are not JSON that can be read one way only: ${error.message}`,
      { cause: error },
    );
  }
}

/** Not compressed, and in an encoding that reads as UTF-8. */
function isPlain({ headers }: ParsedRequest): boolean {
  const { contentEncoding, contentType } = headers;
  if (contentEncoding !== undefined && contentEncoding.toLowerCase() !== "identity") return false;
  const charset = contentType === undefined ? null : /charset\s*=\s*"?([^";\s]*)/i.exec(contentType);
  return charset === null || /^(?:utf-8|utf8|us-ascii)$/i.test(charset[1]!);
}

function isJson(contentType: string | undefined): boolean {
  if (contentType === undefined) return true;
  const type = (contentType.split(";", 1)[0] ?? "").trim().toLowerCase();
  return type === "application/json" || type === "text/json" || /^application\/[a-z0-9.-]+\+json$/.test(type);
}

import { ChioError } from "../wire/errors.ts";

/** Why a request was refused before any decision: the `reason` of the answer. docs/http-api.md says which status each has. */
export const HTTP_ERRORS = {
  method_not_supported: "The method is none of GET, POST, PUT, PATCH, DELETE, HEAD and OPTIONS.",
  method_override: "A header asks for another method than the request line.",
  http_version: "The request line names another version than HTTP/1.1 or HTTP/1.0.",
  malformed_request: "The bytes are not an HTTP/1.1 request.",
  absolute_target: "The request target is not a path.",
  target_too_long: "Path and query are longer than the limit.",
  target_character: "The request target holds a character that has to be percent-encoded.",
  backslash: "The request target holds a backslash.",
  fragment: "The request target holds a `#`.",
  empty_segment: "The path holds `//`.",
  dot_segment: "The path holds a `.` or `..` segment.",
  path_parameter: "The path holds a `;`.",
  bad_percent_encoding: "A `%` is not followed by two hex digits.",
  encoded_separator: "The path holds an encoded slash or backslash.",
  encoded_control: "The path or query holds an encoded control character.",
  encoded_unreserved: "The path encodes a character that needs no encoding, like `%2e` or `%61`.",
  double_encoding: "The path holds a separator, a control character, or a character that needs no encoding, encoded twice.",
  invalid_utf8: "The path or query does not decode to UTF-8.",
  confusable_character: "The path holds a character that normalises to a separator or dot.",
  ambiguous_query: "The query holds a `;`, a nameless parameter, or a name both plain and with brackets.",
  duplicate_query_parameter: "A query parameter is repeated.",
  too_many_query_parameters: "The query has more parameters than the limit.",
  headers_too_large: "The headers are more, or larger, than the limit.",
  header_value: "A header holds a character that no header may hold.",
  header_alias: "A header reads like a protected one once `_` and the like are taken for `-`.",
  duplicate_header: "A header that may occur once is repeated.",
  host_missing: "There is no Host header.",
  host_invalid: "The Host header is not a host name or address with an optional port.",
  connection_option: "The Connection header names something other than close, keep-alive, upgrade, te or http2-settings.",
  content_length_invalid: "Content-Length is not a plain decimal number.",
  transfer_encoding: "Transfer-Encoding is not exactly `chunked`, or stands beside Content-Length or in HTTP/1.0.",
  forbidden_trailer: "A trailer names a header that decides about the request.",
  expectation_unknown: "Expect asks for something other than 100-continue.",
  upgrade_refused: "The upgrade is not to websocket, or this route takes none.",
  body_too_large: "The body is longer than the limit.",
  body_not_json: "The operation is a tool whose arguments the guards read, and its body is not declared as plain JSON.",
  body_timeout: "The body stopped arriving.",
  header_timeout: "The headers did not arrive in time.",
  client_gone: "The client closed the connection before its request was complete.",
  capability_conflict: "Two different capabilities came with one request.",
  capability_undecodable: "What carries the capability cannot be decoded.",
  overloaded: "The limit on requests at work is reached.",
  body_memory: "The bodies at work take all the memory they may have.",
  draining: "The sidecar is shutting down.",
  not_found: "There is no such route under /chio/.",
  method_not_allowed: "The route exists, but not for this method.",
  control_forbidden: "A control route was called without its token, or from elsewhere than loopback.",
  foreign_origin: "A browser page of another origin, or a foreign host name, called a route of the sidecar.",
  unknown_check: "A question about readiness leaves out a check that does not exist, or that cannot be left out.",
  bad_payload: "The body of a call to the sidecar is not what the route takes.",
  ledger_unavailable: "No receipt can be made durable, so nothing is decided.",
  receipt_not_durable: "The receipt could not be made durable, so the answer is withheld.",
  evaluation_failed: "The decision could not be made or signed.",
  capability_release_failed: "The revocation could not be made durable.",
} as const;

export type HttpErrorCode = keyof typeof HTTP_ERRORS;

/** A request that gets an error answer instead of a decision. `status` is the HTTP status; `closes`: the connection cannot be used further. */
export class HttpRefusal extends ChioError {
  declare readonly code: HttpErrorCode;
  readonly status: number;
  readonly headers: readonly string[];

  /** `headers`: flat name, value, name, value. */
  constructor(
    status: number,
    code: HttpErrorCode,
    message: string,
    options: { fix?: string; headers?: readonly string[]; cause?: unknown } = {},
  ) {
    super(code, message, options);
    this.status = status;
    this.headers = options.headers ?? NO_HEADERS;
  }
}

const NO_HEADERS: readonly string[] = [];

/** Failures of the sidecar's own routes that upstream's readers know by a name of their own. */
const NAMED: ReadonlyMap<string, string> = new Map([
  ["evaluation_failed", "chio_evaluation_failed"],
  ["capability_release_failed", "chio_capability_release_failed"],
]);

/** The `error` field beside the `reason`: the names that upstream's readers know, by status. */
export function errorName(status: number, code?: string): string {
  const named = code === undefined ? undefined : NAMED.get(code);
  if (named !== undefined) return named;
  switch (status) {
    case 400:
      return "chio_bad_request";
    case 403:
      return "chio_control_forbidden";
    case 404:
      return "not_found";
    case 405:
      return "method_not_allowed";
    case 408:
      return "request_timeout";
    case 413:
      return "payload_too_large";
    case 414:
      return "uri_too_long";
    case 417:
      return "expectation_failed";
    case 431:
      return "headers_too_large";
    case 502:
      return "bad_gateway";
    case 503:
      return "unavailable";
    case 504:
      return "gateway_timeout";
    default:
      return "chio_internal_error";
  }
}

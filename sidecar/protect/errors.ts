import type { UpstreamErrorKind } from "../service/metrics.ts";
import { ChioError } from "../wire/errors.ts";

/** Why the upstream gave no answer that could be passed on, and what else the proxy says. */
export const PROTECT_ERRORS = {
  upstream_unreachable: "No connection to the upstream could be made.",
  upstream_timeout: "The upstream did not answer in time.",
  upstream_closed: "The upstream closed the connection before its answer was complete.",
  upstream_protocol: "The upstream's answer is not HTTP/1.1, or can be read two ways.",
  upstream_unsupported: "The upstream's URL is neither http nor https, or holds a query, fragment or credentials.",
  request_aborted: "The request body ended before it was complete.",
} as const;

export type ProtectErrorCode = keyof typeof PROTECT_ERRORS;

export class UpstreamError extends ChioError {
  declare readonly code: ProtectErrorCode;
  /** For the metrics. */
  readonly kind: UpstreamErrorKind;

  constructor(code: ProtectErrorCode, kind: UpstreamErrorKind, message: string, options: { cause?: unknown; fix?: string } = {}) {
    super(code, message, options);
    this.kind = kind;
  }
}

export function protocolError(message: string): UpstreamError {
  return new UpstreamError("upstream_protocol", "protocol", message);
}

import { ChioError } from "../wire/errors.ts";

/** Code to one-line cause. A denial is no error: its codes are in reasons.ts. */
export const KERNEL_ERRORS = {
  kernel_config_invalid: "a field of KernelConfig is missing, unknown or out of range",
  kernel_option_invalid: "an option or argument of the in-process library is malformed",
  kernel_evidence_unsupported: "requireWeb3Evidence is set, and this release has no evidence backend",
  kernel_serving: "a server or provider was registered after the first session was opened",
  kernel_duplicate_registration: "a server or provider is already registered under this name",
  kernel_closed: "the kernel is draining or closed",
  session_unknown: "no session has this id",
  session_draining: "the session is draining or closed and takes no further calls",
  session_duplicate: "a session with this id is already open",
  sampling_not_allowed: "a tool server asked for sampling, and allowSampling is false",
  sampling_tool_use_not_allowed: "a tool server asked for sampling with tools, and allowSamplingToolUse is false",
  elicitation_not_allowed: "a tool server asked for elicitation, and allowElicitation is false",
  callback_unavailable: "a tool server asked for sampling or elicitation, and the session has no handler for it",
  stream_limit_exceeded: "a tool result stream passed its duration or byte limit",
  receipt_not_durable: "a receipt could not be made durable, so the result was withheld",
  result_not_json: "a tool server returned something that has no JSON form",
} as const;

export type KernelErrorCode = keyof typeof KERNEL_ERRORS;

export class KernelError extends ChioError {
  declare readonly code: KernelErrorCode;

  constructor(code: KernelErrorCode, message: string, options: { fix?: string; cause?: unknown } = {}) {
    super(code, message, options);
  }
}

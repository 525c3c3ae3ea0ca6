export { PROTECT_ERRORS, type ProtectErrorCode, UpstreamError } from "./errors.ts";
export { type ProtectDeps, type ProtectPolicy, type RunningProtect, startProtect } from "./protect.ts";

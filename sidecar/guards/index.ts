export { classifyToolCall } from "./classify.ts";
export { type ClassifiedHttpCall, classifyHttpCall, classifyHttpOperation, type HttpCall, type HttpOperation } from "./http.ts";
export { buildGuards, type PipelineVerdict, runGuards } from "./pipeline.ts";
export type { Action, Guard, GuardInput, GuardVerdict } from "./types.ts";

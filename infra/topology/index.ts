export * from "./contract.ts";
export { type DeferredParts, deferred, deferredParts, isDeferred, mapDeferred } from "./deferred.ts";
export { formatFindings, type InputIssue, TOPOLOGY_ERRORS, TopologyError, TopologyInputError } from "./errors.ts";
export { formatPolicySource, type PolicySource, type PolicySourceKind, parsePolicySource } from "./policy-source.ts";
export * from "./props.ts";
export { formatReceiptSink, isRemoteSink, parseReceiptSink, type ReceiptSink, type ReceiptSinkKind } from "./receipt-sink.ts";
export * from "./secret-ref.ts";
export * from "./settings.ts";
export * from "./types.ts";

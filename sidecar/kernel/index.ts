/**
 * The kernel: `decide` and what it stands on, and `ChioKernel`, the in-process library (`chio-kit/kernel`).
 */

export { buildGuards } from "../guards/pipeline.ts";
export type { Guard, GuardInput, GuardVerdict } from "../guards/types.ts";
export { defaultPolicy, loadPolicy } from "../policy/index.ts";
export type { CompiledPolicy } from "../policy/types.ts";
export { attenuateCapability } from "../wire/attenuation.ts";
export { issueCapability, parseCapability } from "../wire/capability.ts";
export { signDpopProof } from "../wire/dpop.ts";
export type { Json, JsonObject } from "../wire/json.ts";
export { Keypair } from "../wire/keys.ts";
export { verifyReceipt } from "../wire/receipt.ts";
export type {
  CallerIdentity,
  CapabilityScope,
  CapabilityToken,
  ChioReceipt,
  ChioReceiptBody,
  Constraint,
  GuardEvidence,
  HttpReceipt,
  HttpReceiptBody,
  KernelCheckpoint,
  ToolGrant,
} from "../wire/types.ts";
export { HTTP_AUTHORITY, HTTP_SERVER, parseToolPath, RESERVED_SERVERS, type Target, TOOL_PATH_PREFIX } from "./binding.ts";
export type { SessionCallbacks } from "./callbacks.ts";
export {
  DEFAULT_CHECKPOINT_BATCH_SIZE,
  DEFAULT_MAX_DELEGATION_DEPTH,
  DEFAULT_MAX_STREAM_DURATION_SECS,
  DEFAULT_MAX_STREAM_TOTAL_BYTES,
  DEFAULT_RETENTION_BYTES,
  DEFAULT_RETENTION_DAYS,
  type KernelConfig,
  type RetentionConfig,
} from "./config.ts";
export { decide } from "./decide.ts";
export { denied, REVOKED_POLICY_HASH } from "./decision.ts";
export type { DefaultGrants } from "./default-grants.ts";
export { KERNEL_ERRORS, KernelError, type KernelErrorCode } from "./errors.ts";
export { ChioKernel, type KernelOptions, type OpenSessionOptions } from "./kernel.ts";
export { MemoryReceiptStore } from "./memory-receipt-store.ts";
export { MemoryBudgetStore, MemoryReplayStore, MemoryRevocationStore } from "./memory-stores.ts";
export { REASONS, type Reason, type ReasonCode } from "./reasons.ts";
export {
  type KernelSigner,
  type LedgerLike,
  ledgerStore,
  type ReceiptStore,
  type ReceiptStoreSource,
  type StoredReceipt,
  type StoreSettings,
} from "./receipt-store.ts";
export {
  type HttpReceiptFacts,
  httpReceiptBody,
  incompleteReceiptFor,
  type ReceiptFacts,
  type ReceiptIndexRow,
  receiptIndex,
  type ToolReceiptFacts,
  toolReceiptBody,
} from "./receipts.ts";
export type { CallContext, PromptProvider, ResourceProvider, Tool, ToolResult, ToolServer } from "./registry.ts";
export { type CallOptions, type CallOutcome, Session, type ToolCallRequest } from "./session.ts";
export { kernelSigner } from "./signer.ts";
export type { System } from "./system.ts";
export { createTokenCache, type TokenCache, type TokenCacheOptions } from "./token-cache.ts";
export type {
  BudgetCharge,
  BudgetStore,
  Call,
  DecideContext,
  Decision,
  ReplayStore,
  RevocationStore,
  StateChange,
} from "./types.ts";
export { uuidv7 } from "./uuid.ts";
export type { VerifiedToken } from "./verify-token.ts";

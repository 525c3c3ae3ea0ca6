import type { SinkChoice } from "./sink-choice.ts";

/** Limits of the proxy. Bytes and milliseconds. */
export interface Limits {
  maxHeaderBytes: number;
  maxHeaderCount: number;
  maxTargetBytes: number;
  maxBodyBytes: number;
  maxConnections: number;
  maxConcurrentRequests: number;
  headerTimeoutMs: number;
  bodyTimeoutMs: number;
  idleTimeoutMs: number;
  upstreamConnectTimeoutMs: number;
  upstreamTimeoutMs: number;
  maxQueryParameters: number;
}

/** What flags, environment and kernel.yaml came to. Secrets are only in the fields named so; `describe` redacts them. */
export interface ServiceConfig {
  listen: { host: string; port: number };
  healthPath: string;
  upstream: URL;
  specPath: string | null;
  /** File of the policy; null takes the built-in one. */
  policyPath: string | null;
  /** Milliseconds between two looks at the policy file; null: it is read once, at start. */
  policyRefreshMs: number | null;
  kernelConfigPath: string | null;
  receiptStore: string | null;
  /** Where receipts go. `sqlite` is the store itself. */
  receiptSinks: readonly SinkChoice[];
  /** Secret: bearer token of `https` sinks. */
  receiptSinkToken: string | null;
  acknowledge: "ledger" | "sink";
  allowEphemeralReceipts: boolean;
  allowRoot: boolean;
  logLevel: "trace" | "debug" | "info" | "warn" | "error";
  /** Secret: 64 hex. */
  signingSeedHex: string;
  /** Configured issuers and our own key. */
  trustedIssuers: readonly string[];
  capabilityAuthorityUrl: URL | null;
  /** Secret. */
  controlToken: string | null;
  safeMethods: "deny_by_default" | "session_allow";
  /** The hop in front is the operator's (a load balancer): its X-Forwarded-* headers are passed on. Off: they are written anew from the connection. */
  trustForwarded?: boolean;
  shutdownDrainMs: number;
  maxDelegationDepth: number;
  queueLimit: number;
  /** `batchSize` null: the policy's, else 100. */
  checkpoint: { batchSize: number | null; intervalMs: number };
  retention: { maxAgeDays: number; maxBytes: number };
  limits: Limits;
}

export interface Logger {
  trace(message: string, fields?: Record<string, unknown>): void;
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** One reason per check that fails; ready when there is none. */
export interface Readiness {
  addCheck(name: string, check: () => string | null): void;
  /** `excluded`: names of checks that are not asked. */
  reasons(excluded?: readonly string[]): string[];
  /** Something that an operator should know and that does not stop traffic, like a policy that was not replaced. */
  addWarning(name: string, check: () => string | null): void;
  /** Of the checks that were left out of the reasons, too. */
  warnings(excluded?: readonly string[]): string[];
}

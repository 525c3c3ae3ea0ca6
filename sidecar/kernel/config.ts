import { nearest } from "../policy/nearest.ts";
import { Keypair, parsePublicKey } from "../wire/keys.ts";
import { KernelError } from "./errors.ts";

/** Seconds that a tool's result stream may take. */
export const DEFAULT_MAX_STREAM_DURATION_SECS = 300;
/** Bytes that a tool's result stream may carry: 256 MiB. */
export const DEFAULT_MAX_STREAM_TOTAL_BYTES = 256 * 1024 * 1024;
/** Receipts under one checkpoint. */
export const DEFAULT_CHECKPOINT_BATCH_SIZE = 100;
/** Links of a delegation chain. */
export const DEFAULT_MAX_DELEGATION_DEPTH = 4;
export const DEFAULT_RETENTION_DAYS = 90;
/** 10 GiB. */
export const DEFAULT_RETENTION_BYTES = 10 * 1024 * 1024 * 1024;

/** How long receipts stay in the store that they were written to. */
export interface RetentionConfig {
  retentionDays?: number;
  maxSizeBytes?: number;
}

/** What a kernel is built from. It cannot be changed afterwards: a new policy or key is a new kernel in a restarted process. */
export interface KernelConfig {
  /** Signs every receipt. The kernel owns it from here on and wipes it on close. */
  keypair: Keypair;
  /** Keys of the authorities whose capabilities are accepted, besides the kernel's own: 64 hex each. Default none. */
  caPublicKeys?: readonly string[];
  /** Links that a delegation chain may have. Default {@link DEFAULT_MAX_DELEGATION_DEPTH}. */
  maxDelegationDepth?: number;
  /** Goes into every receipt: SHA-256 of the policy as 64 hex. Verifiers may refuse receipts where it is anything else. */
  policyHash: string;
  /** Tool servers may ask the agent's model for a completion. Default false. */
  allowSampling?: boolean;
  /** Such a request may offer tools. Default false. */
  allowSamplingToolUse?: boolean;
  /** Tool servers may ask the agent's user for input. Default false. */
  allowElicitation?: boolean;
  /** Default {@link DEFAULT_MAX_STREAM_DURATION_SECS}. */
  maxStreamDurationSecs?: number;
  /** Default {@link DEFAULT_MAX_STREAM_TOTAL_BYTES}. */
  maxStreamTotalBytes?: number;
  /** Must be false or absent: this release has no evidence backend, and a kernel that cannot keep the promise does not start. */
  requireWeb3Evidence?: boolean;
  /** Receipts under one checkpoint, 0 for none. Default {@link DEFAULT_CHECKPOINT_BATCH_SIZE}. */
  checkpointBatchSize?: number;
  /** Default: 90 days or 10 GiB; a store in memory also has bounds of its own. */
  retentionConfig?: RetentionConfig | null;
}

export interface ResolvedConfig {
  keypair: Keypair;
  trustedIssuers: ReadonlySet<string>;
  maxDelegationDepth: number;
  policyHash: string;
  allowSampling: boolean;
  allowSamplingToolUse: boolean;
  allowElicitation: boolean;
  maxStreamDurationSecs: number;
  maxStreamTotalBytes: number;
  checkpointBatchSize: number;
  retention: { maxAgeDays: number; maxBytes: number };
}

const FIELDS: ReadonlySet<string> = new Set([
  "keypair",
  "caPublicKeys",
  "maxDelegationDepth",
  "policyHash",
  "allowSampling",
  "allowSamplingToolUse",
  "allowElicitation",
  "maxStreamDurationSecs",
  "maxStreamTotalBytes",
  "requireWeb3Evidence",
  "checkpointBatchSize",
  "retentionConfig",
]);
const RETENTION_FIELDS: ReadonlySet<string> = new Set(["retentionDays", "maxSizeBytes"]);

/** Checks every field. Throws KernelError `kernel_config_invalid` that names the first wrong one; never its value. */
export function resolveConfig(config: KernelConfig): ResolvedConfig {
  if (typeof config !== "object" || config === null) throw invalid("the configuration", "must be an object");
  onlyKnown(config, FIELDS, "KernelConfig");
  const { keypair, policyHash } = config;
  if (!(keypair instanceof Keypair)) throw invalid("keypair", "must be a Keypair", "make it with Keypair.fromSeedHex(seed)");
  if (keypair.wiped) throw invalid("keypair", "was already wiped", "make a new Keypair for every kernel");
  if (typeof policyHash !== "string" || !/^[\x21-\x7e]{1,256}$/.test(policyHash)) {
    throw invalid("policyHash", "must be 1 to 256 printable characters", "give the SHA-256 of the policy as 64 hex characters");
  }
  if (flag(config, "requireWeb3Evidence")) {
    throw new KernelError("kernel_evidence_unsupported", "requireWeb3Evidence is true, and this release has no evidence backend", {
      fix: "set requireWeb3Evidence to false: receipts are then evidenced by their signatures and checkpoints",
    });
  }
  const retention = retentionOf(config.retentionConfig);
  return {
    keypair,
    trustedIssuers: new Set([keypair.publicKeyHex, ...publicKeys(config.caPublicKeys)]),
    maxDelegationDepth: integer(config, "maxDelegationDepth", 0, 64, DEFAULT_MAX_DELEGATION_DEPTH),
    policyHash,
    allowSampling: flag(config, "allowSampling"),
    allowSamplingToolUse: flag(config, "allowSamplingToolUse"),
    allowElicitation: flag(config, "allowElicitation"),
    maxStreamDurationSecs: integer(config, "maxStreamDurationSecs", 1, 86_400, DEFAULT_MAX_STREAM_DURATION_SECS),
    maxStreamTotalBytes: integer(config, "maxStreamTotalBytes", 1, Number.MAX_SAFE_INTEGER, DEFAULT_MAX_STREAM_TOTAL_BYTES),
    checkpointBatchSize: integer(config, "checkpointBatchSize", 0, 1_000_000, DEFAULT_CHECKPOINT_BATCH_SIZE),
    retention,
  };
}

function retentionOf(config: RetentionConfig | null | undefined): ResolvedConfig["retention"] {
  if (config === null || config === undefined) return { maxAgeDays: DEFAULT_RETENTION_DAYS, maxBytes: DEFAULT_RETENTION_BYTES };
  if (typeof config !== "object") throw invalid("retentionConfig", "must be an object or null");
  onlyKnown(config, RETENTION_FIELDS, "retentionConfig");
  return {
    maxAgeDays: integer(config, "retentionDays", 1, 36_500, DEFAULT_RETENTION_DAYS, "retentionConfig."),
    maxBytes: integer(config, "maxSizeBytes", 1, Number.MAX_SAFE_INTEGER, DEFAULT_RETENTION_BYTES, "retentionConfig."),
  };
}

function publicKeys(keys: readonly string[] | undefined): string[] {
  if (keys === undefined) return [];
  if (!Array.isArray(keys)) throw invalid("caPublicKeys", "must be an array of public keys");
  return keys.map((key, i) => {
    try {
      return parsePublicKey(key);
    } catch (cause) {
      throw invalid(`caPublicKeys[${i}]`, "is no Ed25519 public key", "give 64 hex characters, as `chio keygen` prints them", cause);
    }
  });
}

function flag<K extends string>(config: { [key in K]?: boolean }, name: K): boolean {
  const value: unknown = config[name];
  if (value !== undefined && typeof value !== "boolean") throw invalid(name, "must be true or false");
  return value === true;
}

function integer<K extends string>(
  config: { [key in K]?: number },
  name: K,
  min: number,
  max: number,
  fallback: number,
  prefix = "",
): number {
  const value: unknown = config[name];
  if (value === undefined) return fallback;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < min || value > max) {
    throw invalid(`${prefix}${name}`, `must be a whole number from ${min} to ${max}`);
  }
  return value;
}

function onlyKnown(object: object, known: ReadonlySet<string>, what: string): void {
  for (const key of Object.keys(object)) {
    if (known.has(key)) continue;
    const near = nearest(key, known);
    throw invalid(
      key.slice(0, 60),
      `is no field of ${what}`,
      near === undefined ? `the fields are ${[...known].join(", ")}` : `did you mean ${near}?`,
    );
  }
}

function invalid(field: string, problem: string, fix?: string, cause?: unknown): KernelError {
  return new KernelError("kernel_config_invalid", `${field} ${problem}`, {
    ...(fix === undefined ? {} : { fix }),
    ...(cause === undefined ? {} : { cause }),
  });
}

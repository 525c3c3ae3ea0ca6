import { buildGuards } from "../guards/pipeline.ts";
import type { Guard, GuardInput } from "../guards/types.ts";
import type { CompiledPolicy } from "../policy/types.ts";
import { canonicalize } from "../wire/canonical.ts";
import { issueCapability, parseCapability } from "../wire/capability.ts";
import { parsePublicKey } from "../wire/keys.ts";
import type { CapabilityScope, CapabilityToken } from "../wire/types.ts";
import type { SessionCallbacks } from "./callbacks.ts";
import { type KernelConfig, type ResolvedConfig, resolveConfig } from "./config.ts";
import { type DefaultGrants, defaultScopes } from "./default-grants.ts";
import { KernelError } from "./errors.ts";
import { MemoryReceiptStore } from "./memory-receipt-store.ts";
import { MemoryBudgetStore, MemoryReplayStore } from "./memory-stores.ts";
import type { ReceiptStore, ReceiptStoreSource } from "./receipt-store.ts";
import { type PromptProvider, Registry, type ResourceProvider, type ToolServer } from "./registry.ts";
import { Session, type SessionHost } from "./session.ts";
import { kernelSigner, ReceiptSigner } from "./signer.ts";
import { system as realSystem, type System } from "./system.ts";
import { createTokenCache, type TokenCache } from "./token-cache.ts";
import type { BudgetStore, ReplayStore } from "./types.ts";
import { uuidv7 } from "./uuid.ts";

export interface KernelOptions {
  /** Where receipts go. Default: a new MemoryReceiptStore. */
  store?: ReceiptStoreSource;
  /** Its guards run on every call, and its default grants are issued to new sessions. */
  policy?: CompiledPolicy;
  /** Further guards, after the policy's. */
  guards?: readonly Guard[];
  /** What a new session may do; instead of the policy's. */
  defaultGrants?: DefaultGrants;
  /** Where symlinks lead, for path guards: the real path, null when there is none. Default: paths are judged as they are written. */
  resolvePath?: GuardInput["resolvePath"];
  /** Receipts waiting for their signature and commit; past it callers wait. Default 1024. */
  signingQueueLimit?: number;
  /** Told of faults that became denials. */
  onError?: (error: unknown) => void;
  /** Clock, randomness and timers. Default: the system's. */
  system?: System;
}

export interface OpenSessionOptions extends SessionCallbacks {
  /** Public key of the agent, 64 hex. Every capability used in the session must have it as subject. */
  agentKey: string;
  /** Tokens that the agent brings, tried before those that the kernel issues. */
  capabilities?: readonly (string | CapabilityToken)[];
  /** Default: a UUIDv7. */
  sessionId?: string;
  tenantId?: string;
}

const DEFAULT_QUEUE_LIMIT = 1_024;
const DEFAULT_CLOSE_DEADLINE_MS = 10_000;
/** Ids of closed sessions that are remembered, so that closing one twice is no error. */
const TOMBSTONES = 10_000;

type KernelState = "building" | "serving" | "draining" | "closed";

interface Serving {
  store: ReceiptStore;
  budgets: BudgetStore;
  replay: ReplayStore;
}

/**
 * The security kernel as a library: decides, calls and signs in the host's own process. Three phases: build (construct, register), serve
 * (sessions), drain. Construction does no I/O: store and signer start with the first session and the first receipt. There is no live
 * reload: policy, key and registrations stay what they were when the first session was opened.
 */
export class ChioKernel {
  readonly publicKeyHex: string;
  readonly #config: ResolvedConfig;
  readonly #registry = new Registry();
  readonly #system: System;
  readonly #storeSource: ReceiptStoreSource;
  readonly #signer: ReceiptSigner;
  readonly #guards: readonly Guard[];
  readonly #grants: DefaultGrants;
  readonly #maxTtl: number;
  readonly #tokens: TokenCache = createTokenCache();
  readonly #sessions = new Map<string, Session>();
  readonly #closed = new Set<string>();
  readonly #resolvePath: GuardInput["resolvePath"];
  readonly #onError: ((error: unknown) => void) | undefined;
  #state: KernelState = "building";
  #serving: Promise<Serving> | null = null;
  #closing: Promise<{ undelivered: number }> | null = null;

  constructor(config: KernelConfig, options: KernelOptions = {}) {
    this.#config = resolveConfig(config);
    this.publicKeyHex = this.#config.keypair.publicKeyHex;
    this.#system = options.system ?? realSystem;
    this.#storeSource = options.store ?? new MemoryReceiptStore();
    const limit = options.signingQueueLimit ?? DEFAULT_QUEUE_LIMIT;
    if (!Number.isSafeInteger(limit) || limit < 1) {
      throw new KernelError("kernel_option_invalid", "signingQueueLimit must be a whole number from 1 on", {
        fix: `leave it out for ${DEFAULT_QUEUE_LIMIT}`,
      });
    }
    this.#signer = new ReceiptSigner(this.#config.keypair, async () => (await this.#open()).store, limit);
    this.#guards = [...(options.policy === undefined ? [] : buildGuards(options.policy)), ...(options.guards ?? [])];
    this.#grants = options.defaultGrants ?? options.policy?.defaultGrants ?? {};
    this.#maxTtl = options.policy?.kernel.max_capability_ttl ?? Number.MAX_SAFE_INTEGER;
    this.#resolvePath = options.resolvePath;
    this.#onError = options.onError;
    // Wrong grants are told now, not to the first agent.
    defaultScopes(this.#grants, this.#maxTtl);
  }

  get state(): KernelState {
    return this.#state;
  }

  /** Ids of the sessions that are open or draining. */
  get sessionIds(): readonly string[] {
    return [...this.#sessions.keys()];
  }

  /** True once a receipt was to be signed. */
  get signerStarted(): boolean {
    return this.#signer.started;
  }

  registerToolServer(server: ToolServer): void {
    this.#building("tool server");
    this.#registry.addToolServer(server);
  }

  registerResourceProvider(provider: ResourceProvider): void {
    this.#building("resource provider");
    this.#registry.addResourceProvider(provider);
  }

  registerPromptProvider(provider: PromptProvider): void {
    this.#building("prompt provider");
    this.#registry.addPromptProvider(provider);
  }

  /** Opens a session and issues its initial capabilities, signed by the kernel. From the first one on, registrations are fixed. */
  async openSession(options: OpenSessionOptions): Promise<Session> {
    this.#accepting();
    const agentKey = parsePublicKey(options.agentKey);
    const id = options.sessionId ?? this.#newId();
    if (typeof id !== "string" || !/^[\x21-\x7e]{1,128}$/.test(id)) {
      throw new KernelError("kernel_option_invalid", "sessionId must be 1 to 128 printable characters", {
        fix: "leave it out for a new one",
      });
    }
    if (this.#sessions.has(id) || this.#closed.has(id)) {
      throw new KernelError("session_duplicate", `session ${id} is or was already open`, { fix: "give each session an id of its own" });
    }
    const { tenantId } = options;
    if (tenantId !== undefined && (typeof tenantId !== "string" || !/^[\x21-\x7e]{1,256}$/.test(tenantId))) {
      throw new KernelError("kernel_option_invalid", "tenantId must be 1 to 256 printable characters", {
        fix: "leave it out where there is one tenant",
      });
    }
    const brought = (options.capabilities ?? []).map(presented);
    this.#state = "serving";
    const serving = await this.#open();
    this.#accepting();
    const issued = defaultScopes(this.#grants, this.#maxTtl).map(({ scope, ttl }) => presented(this.#issue(agentKey, scope, ttl)));
    const callbacks: SessionCallbacks = {
      ...(options.sample ? { sample: options.sample } : {}),
      ...(options.elicit ? { elicit: options.elicit } : {}),
    };
    const session = new Session(this.#host(serving), {
      id,
      agentKey,
      tenantId,
      capabilities: [...brought, ...issued],
      callbacks,
    });
    this.#sessions.set(id, session);
    return session;
  }

  /** The session takes no further calls; those under way go on. */
  beginDrainingSession(sessionId: string): void {
    if (!this.#closed.has(sessionId)) this.#session(sessionId).beginDraining();
  }

  /**
   * Waits for the session's calls, up to `deadlineMs` (default 10 s), then cancels the rest and closes it. Closing a closed session does nothing; an
   * unknown id is an error.
   */
  async closeSession(sessionId: string, options: { deadlineMs?: number } = {}): Promise<void> {
    if (this.#closed.has(sessionId)) return;
    const session = this.#session(sessionId);
    await session.close(options.deadlineMs ?? DEFAULT_CLOSE_DEADLINE_MS);
    this.#sessions.delete(sessionId);
    this.#closed.add(sessionId);
    if (this.#closed.size > TOMBSTONES) this.#closed.delete(this.#closed.values().next().value!);
  }

  /** Issues a capability that this kernel accepts. `ttlSeconds` is at most what the policy allows. */
  issueCapability(request: { subject: string; scope: CapabilityScope; ttlSeconds: number }): CapabilityToken {
    this.#accepting();
    const { ttlSeconds } = request;
    if (!Number.isSafeInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > this.#maxTtl) {
      throw new KernelError("kernel_option_invalid", `ttlSeconds must be a whole number from 1 to ${this.#maxTtl}`, {
        fix: "ask for a shorter life",
      });
    }
    return this.#issue(parsePublicKey(request.subject), request.scope, ttlSeconds);
  }

  /** Revokes a capability and all that descend from it. In force at once; resolves when it is durable. */
  async revokeCapability(capabilityId: string, reason?: string): Promise<void> {
    this.#accepting();
    const { store } = await this.#open();
    this.#tokens.invalidate(capabilityId);
    await store.revoke(capabilityId, Math.floor(this.#system.now() / 1000), reason);
  }

  /** Takes no new sessions, closes those that are open, and waits until every receipt is in its store. The key stays until `close`. */
  async drain(options: { deadlineMs?: number } = {}): Promise<void> {
    if (this.#state === "closed") return;
    this.#state = "draining";
    for (const session of this.#sessions.values()) session.beginDraining();
    await Promise.all(this.sessionIds.map((id) => this.closeSession(id, options)));
    await this.#signer.drain();
    if (this.#serving !== null) await (await this.#serving).store.flush();
  }

  /**
   * Drains, writes the last checkpoint, closes the store and wipes the seed, whatever fails on the way. Idempotent. Resolves with the number of
   * receipts that a store could not hand over.
   */
  close(options: { deadlineMs?: number } = {}): Promise<{ undelivered: number }> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  async #close(options: { deadlineMs?: number }): Promise<{ undelivered: number }> {
    try {
      await this.drain(options);
      return this.#serving === null ? { undelivered: 0 } : await (await this.#serving).store.close(options);
    } finally {
      this.#state = "closed";
      this.#tokens.clear();
      this.#config.keypair.wipe();
    }
  }

  #building(what: string): void {
    if (this.#state === "building") return;
    throw new KernelError("kernel_serving", `a ${what} cannot be registered any more: the kernel is ${this.#state}`, {
      fix: "register everything before the first session is opened; to change it, restart the process",
    });
  }

  #accepting(): void {
    if (this.#state === "building" || this.#state === "serving") return;
    throw new KernelError("kernel_closed", `the kernel is ${this.#state}`, { fix: "build a new kernel" });
  }

  #session(id: string): Session {
    const session = this.#sessions.get(id);
    if (session === undefined)
      throw new KernelError("session_unknown", `no session has the id ${JSON.stringify(String(id).slice(0, 128))}`);
    return session;
  }

  /** Opens the store once; a failure is told to this caller and tried anew by the next. */
  #open(): Promise<Serving> {
    this.#serving ??= this.#openStore().catch((error: unknown) => {
      this.#serving = null;
      throw error;
    });
    return this.#serving;
  }

  async #openStore(): Promise<Serving> {
    const { checkpointBatchSize, retention, keypair } = this.#config;
    const signer = kernelSigner(keypair, () => this.#newId());
    const store = await this.#storeSource.open(signer, { checkpointBatchSize, retention, now: () => this.#system.now() });
    return {
      store,
      budgets: new MemoryBudgetStore({ initial: store.initialBudgets(), prunedUntil: store.budgetsPrunedUntil?.() ?? 0 }),
      replay: new MemoryReplayStore({ initial: store.initialReplayKeys(), prunedUntil: store.replayPrunedUntil?.() ?? 0 }),
    };
  }

  #host({ store, budgets, replay }: Serving): SessionHost {
    const context = {
      trustedIssuers: this.#config.trustedIssuers,
      maxDelegationDepth: this.#config.maxDelegationDepth,
      revocations: store,
      budgets,
      replay,
      guards: this.#guards,
      policyHash: this.#config.policyHash,
      tokens: this.#tokens,
      ...(this.#resolvePath === undefined ? {} : { resolvePath: this.#resolvePath }),
      ...(this.#onError === undefined ? {} : { onError: this.#onError }),
    };
    return {
      config: this.#config,
      registry: this.#registry,
      signer: this.#signer,
      system: this.#system,
      decideContext: (now) => ({ ...context, now }),
      newId: () => this.#newId(),
    };
  }

  #issue(subject: string, scope: CapabilityScope, ttl: number): CapabilityToken {
    const issuedAt = Math.floor(this.#system.now() / 1000);
    return issueCapability(
      { id: `cap-${this.#newId()}`, issuer: this.publicKeyHex, subject, scope, issued_at: issuedAt, expires_at: issuedAt + ttl },
      this.#config.keypair,
    );
  }

  #newId(): string {
    return uuidv7(this.#system.now(), this.#system.randomBytes(10));
  }
}

function presented(capability: string | CapabilityToken): { text: string; token: CapabilityToken } {
  const text = typeof capability === "string" ? capability : canonicalize(capability);
  return { text, token: parseCapability(text) };
}

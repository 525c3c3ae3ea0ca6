import type { Guard } from "../guards/types.ts";
import { decide } from "../kernel/decide.ts";
import { denied } from "../kernel/decision.ts";
import { MemoryBudgetStore, MemoryReplayStore } from "../kernel/memory-stores.ts";
import type { ReasonCode } from "../kernel/reasons.ts";
import { type HttpReceiptFacts, httpReceiptBody, receiptIndex } from "../kernel/receipts.ts";
import { createTokenCache } from "../kernel/token-cache.ts";
import type { Call, DecideContext, Decision } from "../kernel/types.ts";
import { LedgerError } from "../ledger/errors.ts";
import type { Ledger, ReceiptProof, UnsignedReceipt } from "../ledger/types.ts";
import type { CompiledPolicy, RouteTable } from "../policy/types.ts";
import type { Logger } from "../service/types.ts";
import { sha256Hex } from "../wire/hash.ts";
import { unsignedHttpReceipt } from "../wire/http-receipt.ts";
import type { HttpReceiptText } from "../wire/http-receipt-text.ts";
import { callerIdentityHash, extractCaller } from "../wire/identity.ts";
import type { CallerIdentity, PublicKeyHex, Sha256Hex } from "../wire/types.ts";
import { HttpRefusal } from "./errors.ts";

/** What decides, as one value: a reload swaps all of it at once. */
export interface PolicyBundle {
  policy: CompiledPolicy;
  routes: RouteTable;
  guards: readonly Guard[];
  /** Of policy and routes together; goes into every receipt. */
  policyHash: Sha256Hex;
}

export interface MediatorDeps {
  bundle: PolicyBundle;
  ledger: Ledger;
  /** The key that the ledger signs with. */
  kernelKey: PublicKeyHex;
  trustedIssuers: readonly string[];
  maxDelegationDepth: number;
  queueLimit: number;
  logger: Logger;
  /** Unix milliseconds. */
  clock: () => number;
  /** A new UUIDv7 on every call. */
  ids: () => string;
  resolvePath?: DecideContext["resolvePath"];
}

export interface ReceiptOptions extends Pick<HttpReceiptFacts, "scope" | "status" | "decisionReceiptId" | "aborted" | "metadata"> {
  /** Written ahead: the receipt with this one's id as its `decisionReceiptId` closes it. */
  opens?: boolean;
}

/** A receipt that is signed and durable. */
export interface RecordedReceipt extends ReceiptProof {
  text: HttpReceiptText;
}

const ANONYMOUS: CallerIdentity = Object.freeze(extractCaller(undefined, undefined));
const ANONYMOUS_HASH = callerIdentityHash(ANONYMOUS);

/** Who calls, as far as the request's own credentials say. The common anonymous caller costs nothing. */
export function callerOf(authorization: string | undefined, apiKey: string | undefined): CallerIdentity {
  return authorization === undefined && apiKey === undefined ? ANONYMOUS : extractCaller(authorization, apiKey);
}

/** True for what hashes like {@link ANONYMOUS}: most callers, and all that present nothing but a capability. */
function isAnonymous(caller: CallerIdentity): boolean {
  if (caller === ANONYMOUS) return true;
  const { subject, auth_method, verified, tenant, agent_id } = caller;
  return subject === "anonymous" && auth_method.method === "anonymous" && !verified && tenant === undefined && agent_id === undefined;
}

/** Reasons that no body can change: a request may be denied for them before its body is read. */
const WITHOUT_BODY: ReadonlySet<ReasonCode | "allowed"> = new Set<ReasonCode>([
  "missing_capability_token",
  "capability_malformed",
  "signature_invalid",
  "capability_expired",
  "capability_not_yet_valid",
  "capability_revoked",
  "issuer_untrusted",
  "delegation_invalid",
  "delegation_too_deep",
  "chain_binding_unsupported",
  "budget_share_unsupported",
  "scope_mismatch",
]);

/** Decides calls, has what was decided signed and made durable. Everything that the proxy and the evaluate route have in common. */
export class Mediator {
  readonly #deps: MediatorDeps;
  readonly #context: DecideContext;
  /** For {@link decideWithoutBody}. */
  readonly #untouching: DecideContext;
  #bundle: PolicyBundle;

  constructor(deps: MediatorDeps) {
    this.#deps = deps;
    this.#bundle = deps.bundle;
    this.#context = {
      now: 0,
      trustedIssuers: new Set(deps.trustedIssuers),
      maxDelegationDepth: Math.min(deps.maxDelegationDepth, deps.bundle.policy.kernel.delegation_depth_limit),
      revocations: deps.ledger,
      budgets: new MemoryBudgetStore({ initial: deps.ledger.initialBudgets(), prunedUntil: deps.ledger.budgetsPrunedUntil() }),
      replay: new MemoryReplayStore({ initial: deps.ledger.initialReplayKeys(), prunedUntil: deps.ledger.replayPrunedUntil() }),
      guards: deps.bundle.guards,
      policyHash: deps.bundle.policyHash,
      tokens: createTokenCache(),
      onError: (error) => deps.logger.error("a decision failed", { error }),
      ...(deps.resolvePath === undefined ? {} : { resolvePath: deps.resolvePath }),
    };
    this.#untouching = {
      ...this.#context,
      budgets: { tryCharge: () => true, reverse: () => {} },
      replay: { remember: () => true },
      guards: [],
    };
  }

  get bundle(): PolicyBundle {
    return this.#bundle;
  }

  get kernelKey(): string {
    return this.#deps.kernelKey;
  }

  get trustedIssuers(): ReadonlySet<string> {
    return this.#context.trustedIssuers;
  }

  /** Unix milliseconds. */
  now(): number {
    return this.#deps.clock();
  }

  /** A new UUIDv7. */
  id(): string {
    return this.#deps.ids();
  }

  /** The next decision is made with the new bundle; those at work keep the one they began with. */
  swap(bundle: PolicyBundle): void {
    this.#bundle = bundle;
    const { policyHash } = bundle;
    const maxDelegationDepth = Math.min(this.#deps.maxDelegationDepth, bundle.policy.kernel.delegation_depth_limit);
    Object.assign(this.#context, { policyHash, maxDelegationDepth, guards: bundle.guards });
    Object.assign(this.#untouching, { policyHash, maxDelegationDepth });
  }

  /** Null when receipts can be made durable; otherwise nothing is decided and nothing forwarded. */
  unavailable(): HttpRefusal | null {
    const status = this.#deps.ledger.status();
    if (status.writable && status.queued < this.#deps.queueLimit) return null;
    const why = status.writable
      ? "too many receipts wait for the disk"
      : (status.message ?? status.fault ?? "the receipt store takes nothing");
    return new HttpRefusal(503, "ledger_unavailable", `no receipt can be made durable: ${why}`, { headers: ["Retry-After", "1"] });
  }

  decide(call: Call): Decision {
    this.#context.now = this.#deps.clock();
    return decide(call, this.#context);
  }

  /** The denial that `decide` would come to whatever the body holds; null when the body has to be read first. Changes nothing. */
  decideWithoutBody(call: Call): Decision | null {
    this.#untouching.now = this.#deps.clock();
    const decision = decide(call, this.#untouching);
    return !decision.allow && WITHOUT_BODY.has(decision.reasonCode) ? decision : null;
  }

  /** A denial for one of the kernel's reasons that was found outside `decide`. */
  deny(code: ReasonCode, call: Call, detail?: string): Decision {
    return denied(detail === undefined ? { code } : { code, detail }, call, this.#context);
  }

  /**
   * Signs what was decided and resolves when the receipt is durable. A rejection is a {@link HttpRefusal}; the charges of a receipt that opens or
   * stands alone are then given back, since nothing was done for them.
   */
  async record(call: Call, decision: Decision, options: ReceiptOptions): Promise<RecordedReceipt> {
    const receipt = this.#unsigned(call, decision, options);
    try {
      return { ...(await this.#deps.ledger.signAndAppend(receipt)), text: receipt.text };
    } catch (error) {
      if (receipt.state !== undefined) this.#giveBack(decision);
      throw this.#notDurable(error);
    }
  }

  #unsigned(call: Call, decision: Decision, options: ReceiptOptions): UnsignedReceipt {
    const { kernelKey } = this.#deps;
    const body = httpReceiptBody(call, decision, {
      ...options,
      timestamp: Math.floor(this.#deps.clock() / 1_000),
      kernelKey,
      nonce: this.#deps.ids(),
      callerIdentityHash: isAnonymous(call.caller) ? ANONYMOUS_HASH : callerIdentityHash(call.caller),
    });
    const text = unsignedHttpReceipt(body, kernelKey);
    const receipt: UnsignedReceipt = { text, index: receiptIndex(body) };
    if (options.opens === true) receipt.opens = true;
    if (options.decisionReceiptId !== undefined) receipt.closes = options.decisionReceiptId;
    // Charges belong to the receipt that was first: the one that closes it would count them twice.
    else if (decision.state.length > 0) receipt.state = decision.state;
    return receipt;
  }

  #giveBack(decision: Decision): void {
    for (const change of decision.state) if (change.type === "budget") this.#context.budgets.reverse(change.charge);
  }

  #notDurable(error: unknown): HttpRefusal {
    const deliberate = error instanceof LedgerError;
    if (!deliberate || error.fault !== "queue_full") this.#deps.logger.error("a receipt could not be made durable", { error });
    const why = deliberate ? error.message : "the receipt store failed";
    return new HttpRefusal(503, "ledger_unavailable", `no receipt can be made durable: ${why}`, {
      headers: ["Retry-After", "1"],
      cause: error,
    });
  }
}

/** SHA-256 hex of a body; null when it is empty. */
export function bodyHashOf(body: Uint8Array): Sha256Hex | null {
  return body.length === 0 ? null : sha256Hex(body);
}

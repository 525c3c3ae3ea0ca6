import { canonicalize } from "../wire/canonical.ts";
import { sha256Hex } from "../wire/hash.ts";
import type { Json, JsonObject } from "../wire/json.ts";
import { parseJson } from "../wire/parse.ts";
import type { CapabilityToken, ChioReceipt } from "../wire/types.ts";
import { callContext, type SessionCallbacks } from "./callbacks.ts";
import type { ResolvedConfig } from "./config.ts";
import { decide } from "./decide.ts";
import { denied } from "./decision.ts";
import { KernelError } from "./errors.ts";
import { Execution, type NestedCounts, nestedMetadata, streamFacts } from "./execution.ts";
import type { ReasonCode } from "./reasons.ts";
import type { CallContext, Registry, ToolResult } from "./registry.ts";
import { selectCapability } from "./select-capability.ts";
import type { ReceiptSigner } from "./signer.ts";
import { GuardedStream, isAsyncIterable, type StreamEnd, toJson } from "./streams.ts";
import type { System } from "./system.ts";
import type { Call, DecideContext, Decision } from "./types.ts";

/** What a session takes from its kernel. */
export interface SessionHost {
  readonly config: ResolvedConfig;
  readonly registry: Registry;
  readonly signer: ReceiptSigner;
  readonly system: System;
  decideContext(now: number): DecideContext;
  newId(): string;
}

export interface CallOptions {
  /** Token as text or object; default: the session's own that covers the call. */
  capability?: string | CapabilityToken;
  /** DPoP proof, as JSON text or object. */
  dpop?: string | object;
  /** Default: a UUIDv7. */
  requestId?: string;
  /** `{model_id, safety_tier?, …}`: the model that the call comes from. */
  modelMetadata?: JsonObject;
  /** Gives the call up. */
  signal?: AbortSignal;
}

export interface ToolCallRequest extends CallOptions {
  server: string;
  tool: string;
  /** JSON; copied. Default `{}`. */
  arguments?: Json;
}

/** Outcome of a call. Each has its signed receipt, already durable; a stream's comes with its end. */
export type CallOutcome =
  | { status: "ok"; value: Json; receipt: ChioReceipt }
  | { status: "denied"; reasonCode: ReasonCode; reason: string; guard: string; suggestion: string | undefined; receipt: ChioReceipt }
  /** The handler failed. `error` is what it threw: it is the host's own, and goes into no receipt. */
  | { status: "failed"; error: unknown; receipt: ChioReceipt }
  | { status: "cancelled"; reason: string; receipt: ChioReceipt }
  /** Read it to its end, or call `return()`. `receipt` resolves when the end is settled. */
  | { status: "stream"; stream: AsyncIterableIterator<Json>; decisionReceipt: ChioReceipt; receipt: Promise<ChioReceipt> };

/** Of names, URIs and ids that go into receipts. */
const MAX_NAME_LENGTH = 8_192;

type SessionState = "open" | "draining" | "closed";

/** One agent's session with a kernel. Made by `kernel.openSession`. */
export class Session {
  readonly id: string;
  /** Public key of the agent: every capability that is used here must be issued to it. */
  readonly agentKey: string;
  readonly tenantId: string | undefined;
  readonly #host: SessionHost;
  readonly #capabilities: readonly { text: string; token: CapabilityToken }[];
  readonly #callbacks: SessionCallbacks;
  readonly #underWay = new Map<AbortController, Promise<unknown>>();
  #state: SessionState = "open";

  constructor(
    host: SessionHost,
    options: {
      id: string;
      agentKey: string;
      tenantId: string | undefined;
      capabilities: readonly { text: string; token: CapabilityToken }[];
      callbacks: SessionCallbacks;
    },
  ) {
    this.#host = host;
    this.id = options.id;
    this.agentKey = options.agentKey;
    this.tenantId = options.tenantId;
    this.#capabilities = options.capabilities;
    this.#callbacks = options.callbacks;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** Tokens that the session was opened with. */
  get capabilities(): readonly CapabilityToken[] {
    return this.#capabilities.map(({ token }) => token);
  }

  /** Calls under way, open streams included. */
  get inFlight(): number {
    return this.#underWay.size;
  }

  /** Decides, calls the tool and signs. A denial is an outcome; an error means that there is no result with a durable receipt. */
  async callTool(request: ToolCallRequest): Promise<CallOutcome> {
    const args = copyArguments(request.arguments ?? {});
    const serverId = text(request.server, "server");
    const toolName = text(request.tool, "tool");
    const tool = this.#host.registry.tool(serverId, toolName);
    const call: Call = {
      ...this.#baseCall(request),
      tool: { serverId, toolName, arguments: args },
      ...(tool?.cost === undefined ? {} : { cost: tool.cost }),
    };
    // The handler gets a copy of its own: what was decided and what the receipt says must stay what it was.
    return this.#run(
      call,
      request,
      tool && { sideEffects: tool.sideEffects !== false, invoke: (ctx) => tool.invoke(copyArguments(args), ctx) },
    );
  }

  async readResource(request: CallOptions & { uri: string; operation?: "read" | "subscribe" }): Promise<CallOutcome> {
    const uri = text(request.uri, "uri");
    const provider = this.#host.registry.resource(uri);
    const call: Call = { ...this.#baseCall(request), resource: { uri, operation: request.operation ?? "read" } };
    return this.#run(call, request, provider && { sideEffects: false, invoke: (ctx) => provider.read(uri, ctx) });
  }

  async getPrompt(request: CallOptions & { name: string; arguments?: Json }): Promise<CallOutcome> {
    const name = text(request.name, "name");
    const args = copyArguments(request.arguments ?? {});
    const provider = this.#host.registry.prompt(name);
    const call: Call = { ...this.#baseCall(request), prompt: { name, arguments: args } };
    return this.#run(call, request, provider && { sideEffects: false, invoke: (ctx) => provider.get(name, copyArguments(args), ctx) });
  }

  /** From here on no further calls. Idempotent. Those under way go on. */
  beginDraining(): void {
    if (this.#state === "open") this.#state = "draining";
  }

  /** Waits for the calls under way, until `deadlineMs` has passed; then they are cancelled, and their receipts waited for. Idempotent. */
  async close(deadlineMs: number): Promise<void> {
    this.beginDraining();
    if (this.#underWay.size > 0) {
      const cancelTimer = this.#host.system.after(deadlineMs, () => this.#abortAll());
      if (deadlineMs <= 0) this.#abortAll();
      while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay.values());
      cancelTimer();
    }
    this.#state = "closed";
  }

  #abortAll(): void {
    for (const abort of this.#underWay.keys()) abort.abort();
  }

  #baseCall(options: CallOptions): Call {
    if (this.#state !== "open") {
      throw new KernelError("session_draining", `session ${this.id} is ${this.#state} and takes no further calls`, {
        fix: "open a new session",
      });
    }
    const { capability, dpop, requestId, modelMetadata } = options;
    return {
      requestId: requestId === undefined ? this.#host.newId() : text(requestId, "requestId"),
      caller: { subject: this.agentKey, auth_method: { method: "anonymous" }, verified: false },
      agentKey: this.agentKey,
      sessionId: this.id,
      ...(this.tenantId === undefined ? {} : { tenantId: this.tenantId }),
      ...(capability === undefined ? {} : { capability: typeof capability === "string" ? capability : canonicalize(capability) }),
      ...(dpop === undefined ? {} : { dpop: typeof dpop === "string" ? dpop : canonicalize(dpop) }),
      ...(modelMetadata === undefined ? {} : { modelMetadata }),
    };
  }

  #run(call: Call, options: CallOptions, handler: Handler | undefined): Promise<CallOutcome> {
    const abort = new AbortController();
    const { signal } = options;
    const onAbort = () => abort.abort();
    if (signal?.aborted === true) abort.abort();
    else signal?.addEventListener("abort", onAbort, { once: true });
    const leave = () => {
      signal?.removeEventListener("abort", onAbort);
      this.#underWay.delete(abort);
    };
    const outcome = this.#perform(call, handler, abort);
    // A stream is under way until its receipt is settled.
    const settled = outcome.then((result) => (result.status === "stream" ? result.receipt : undefined)).then(leave, leave);
    this.#underWay.set(abort, settled);
    return outcome;
  }

  async #perform(call: Call, handler: Handler | undefined, abort: AbortController): Promise<CallOutcome> {
    const host = this.#host;
    const ctx = host.decideContext(host.system.now());
    const chosen = call.capability ?? selectCapability(this.#capabilities, call, ctx.now)?.text;
    const decidedCall: Call = chosen === undefined ? call : { ...call, capability: chosen };
    const decision = decide(decidedCall, ctx);
    if (!decision.allow) return this.#deny(decidedCall, decision);
    if (handler === undefined) {
      reverse(decision, ctx);
      return this.#deny(decidedCall, denied({ code: "target_not_registered" }, decidedCall, ctx, decision.capability));
    }
    const execution = new Execution(host, decidedCall, decision);
    if (handler.sideEffects) {
      try {
        await execution.writeAhead();
      } catch (error) {
        // Nothing was called and nothing is on record: the budget goes back.
        reverse(decision, ctx);
        throw error;
      }
    }
    const nested = { sampling: 0, elicitation: 0 };
    const context = callContext(this, decidedCall.requestId, abort.signal, host.config, this.#callbacks, nested);
    let result: ToolResult;
    try {
      abort.signal.throwIfAborted();
      result = await orAborted(handler.invoke(context), abort.signal);
    } catch (error) {
      if (abort.signal.aborted) {
        const reason = "the call was cancelled";
        return {
          status: "cancelled",
          reason,
          receipt: await execution.finish({ aborted: { as: "cancel", reason }, metadata: nestedMetadata(nested) }),
        };
      }
      return {
        status: "failed",
        error,
        receipt: await execution.finish({ metadata: { chio_outcome: "failed", ...nestedMetadata(nested) } }),
      };
    }
    if (isAsyncIterable(result)) return this.#stream(result, execution, abort, nested);
    let json: { value: Json; text: string };
    try {
      json = toJson(result, "the result");
    } catch (error) {
      return {
        status: "failed",
        error,
        receipt: await execution.finish({ metadata: { chio_outcome: "failed", ...nestedMetadata(nested) } }),
      };
    }
    const receipt = await execution.finish({ contentHash: sha256Hex(json.text), metadata: nestedMetadata(nested) });
    return { status: "ok", value: json.value, receipt };
  }

  async #stream(source: AsyncIterable<Json>, execution: Execution, abort: AbortController, nested: NestedCounts): Promise<CallOutcome> {
    // Chunks are results: the decision is durable before the first one passes.
    const decisionReceipt = await execution.writeAhead().catch((error: unknown) => {
      abort.abort();
      throw error;
    });
    const { maxStreamDurationSecs: maxDurationSecs, maxStreamTotalBytes: maxTotalBytes } = this.#host.config;
    const receipt = Promise.withResolvers<ChioReceipt>();
    receipt.promise.catch(() => {});
    const settle = async (end: StreamEnd) => {
      try {
        receipt.resolve(await execution.finish(streamFacts(end, nested)));
      } catch (error) {
        receipt.reject(error);
        throw error;
      }
    };
    const stream = new GuardedStream(source, { maxDurationSecs, maxTotalBytes }, abort, this.#host.system, settle);
    return { status: "stream", stream, decisionReceipt, receipt: receipt.promise };
  }

  async #deny(call: Call, decision: Decision): Promise<CallOutcome> {
    const receipt = await new Execution(this.#host, call, decision).finish({});
    const { reasonCode, reason, guard, suggestion } = decision;
    return { status: "denied", reasonCode: reasonCode as ReasonCode, reason, guard, suggestion, receipt };
  }
}

interface Handler {
  sideEffects: boolean;
  invoke(context: CallContext): ToolResult | Promise<ToolResult>;
}

function reverse(decision: Decision, ctx: DecideContext): void {
  for (const change of decision.state) if (change.type === "budget") ctx.budgets.reverse(change.charge);
}

function copyArguments(value: Json): Json {
  try {
    return parseJson(canonicalize(value as Json));
  } catch (cause) {
    throw new KernelError("kernel_option_invalid", "arguments have no JSON form, or are too large or too deep", {
      fix: "give null, booleans, finite numbers, strings, arrays and plain objects",
      cause,
    });
  }
}

function text(value: unknown, what: string): string {
  if (typeof value === "string" && value !== "" && value.length <= MAX_NAME_LENGTH && value.isWellFormed()) return value;
  throw new KernelError("kernel_option_invalid", `${what} must be a well-formed text of 1 to ${MAX_NAME_LENGTH} characters`, {
    fix: `give ${what} as a string`,
  });
}

/** The handler's result, or an error as soon as the call is given up, whether or not the handler listens. */
function orAborted<T>(result: T | Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    Promise.resolve(result)
      .then(resolve, reject)
      .finally(() => signal.removeEventListener("abort", onAbort));
  });
}

import type { JsonObject } from "../wire/json.ts";
import type { ChioReceipt } from "../wire/types.ts";
import { type ToolReceiptFacts, toolReceiptBody } from "./receipts.ts";
import type { SessionHost } from "./session.ts";
import type { SigningJob } from "./signer.ts";
import type { StreamEnd } from "./streams.ts";
import type { Call, Decision } from "./types.ts";

/** Requests that a handler made of the agent's side. */
export interface NestedCounts {
  sampling: number;
  elicitation: number;
}

export type FinishFacts = Pick<ToolReceiptFacts, "aborted" | "contentHash" | "metadata">;

/** The receipts of one call: maybe its decision ahead, then its outcome. */
export class Execution {
  readonly #host: SessionHost;
  readonly #call: Call;
  readonly #decision: Decision;
  #ahead: Promise<ChioReceipt> | null = null;

  constructor(host: SessionHost, call: Call, decision: Decision) {
    this.#host = host;
    this.#call = call;
    this.#decision = decision;
  }

  /** Makes the decision durable before the call, with the state it changed. */
  writeAhead(): Promise<ChioReceipt> {
    this.#ahead ??= this.#submit({ scope: "decision" }, { opens: true, state: this.#decision.state });
    return this.#ahead;
  }

  async finish(facts: FinishFacts): Promise<ChioReceipt> {
    const ahead = this.#ahead === null ? null : await this.#ahead;
    if (ahead === null) return this.#submit({ ...facts, scope: "final" }, { state: this.#decision.state });
    return this.#submit({ ...facts, scope: "final", decisionReceiptId: ahead.id }, { closes: ahead.id });
  }

  #submit(facts: Omit<ToolReceiptFacts, "timestamp" | "kernelKey" | "nonce">, job: Omit<SigningJob, "body">): Promise<ChioReceipt> {
    const { system, config, signer } = this.#host;
    const timestamp = Math.floor(system.now() / 1000);
    const body = toolReceiptBody(this.#call, this.#decision, {
      ...facts,
      timestamp,
      kernelKey: config.keypair.publicKeyHex,
      nonce: this.#host.newId(),
    });
    return signer.submit({ ...job, body });
  }
}

export function streamFacts(end: StreamEnd, nested: NestedCounts): FinishFacts {
  const metadata: JsonObject = { chio_stream_chunks: end.chunks, chio_stream_bytes: end.bytes, ...nestedMetadata(nested) };
  if (end.outcome === "complete") return { contentHash: end.contentHash, metadata };
  const reason = end.reason ?? "the stream did not end";
  return { contentHash: end.contentHash, metadata, aborted: { as: end.outcome === "cancelled" ? "cancel" : "incomplete", reason } };
}

export function nestedMetadata(nested: NestedCounts): JsonObject {
  return nested.sampling + nested.elicitation === 0 ? {} : { chio_nested_requests: { ...nested } };
}
